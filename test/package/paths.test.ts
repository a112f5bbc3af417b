import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = ['src', 'scripts', 'examples', 'bench', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, folder, name))
    .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !/[\\/](?:node_modules|fixtures[\\/]capture)[\\/]/.test(path))
    .map((path) => ({ path: path.slice(root.length).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') })),
)
/** This file names what it forbids. */
const others = files.filter(({ path }) => !path.endsWith('test/package/paths.test.ts'))

const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  // `/C:/…` on Windows, and `%20` for a space everywhere.
  'the path of a URL as the path of a file': /(?:import\.meta\.url\)|pathToFileURL\([^)]*\)|\bfileUrl)\.pathname/,
  'the directory for temporary files of one system': /['"`]\/(?:tmp|var|dev\/shm)\//,
  'an absolute path in place of a file URL to import': /\bimport\(\s*(?:join|resolve)\(/,
  // npm, npx and the commands of packages are `.cmd` files there, which Node starts in a shell only.
  'a command that is a script on Windows, without a shell':
    /\b(?:spawn|spawnSync|execFile|execFileSync|execute)\(\s*'(?:npm|npx|yarn|pnpm)'(?![\s\S]{0,240}?\bshell\b)/,
}

// One of each kind, so that a pattern that matches nothing is noticed.
const EXAMPLES: Readonly<Record<string, string>> = {
  'the path of a URL as the path of a file': "readFileSync(new URL('x', import.meta.url).pathname)",
  'the directory for temporary files of one system': "const file = '/tmp/x'",
  'an absolute path in place of a file URL to import': "await import(join(folder, 'x.mjs'))",
  'a command that is a script on Windows, without a shell': "await execute('npm', ['install'], { cwd })",
}

describe('code that runs on Windows and macOS too', () => {
  test.for(Object.entries(FORBIDDEN))('has nowhere %s', ([kind, pattern]) => {
    expect(EXAMPLES[kind]).toMatch(pattern)
    expect(others.length).toBeGreaterThan(500)
    expect(others.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([])
  })

  test('names files in `src` by joining, never with a separator of one system', () => {
    const joined = /(?:folder|directory|cwd|root|homedir\(\)|tmpdir\(\))\}?\s*(?:\+\s*)?['"`]?\/[\w.$]/
    expect('`${folder}/x.json`').toMatch(joined)
    const wrong = others.filter(({ path, text }) => /^\/?src\/(?!dev\/page\/)/.test(path) && joined.test(withoutComments(text)))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

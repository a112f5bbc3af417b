import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readInherited } from '../config/sources.js'
import type { Finding } from './finding.js'

/** Looks at what is loaded before a program: by `NODE_OPTIONS`, and what was given as `--import`. */
export async function checkStart(imports: readonly string[]): Promise<Finding[]> {
  const options = readInherited()['NODE_OPTIONS'] ?? ''
  const given = [
    ...readPreloads(options).map((module) => ({ module, from: 'NODE_OPTIONS' })),
    ...imports.map((module) => ({ module, from: '--import' })),
  ]
  return Promise.all(given.map(({ module, from }) => checkPreload(module, from)))
}

async function checkPreload(module: string, from: string): Promise<Finding> {
  const path = toPath(module)
  const isThere =
    path === undefined ||
    (await access(path)
      .then(() => true)
      .catch(() => false))
  if (isThere) return { level: 'ok', message: `${from} loads ${module} before the program` }
  return {
    level: 'problem',
    message: `${from} names ${module}, which does not exist`,
    remedy: 'Relative paths start where node is started.',
  }
}

const WORD = /(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g
const QUOTED = /"((?:[^"\\]|\\.)*)"/g
const PRELOAD = /^(?:--import|--require|-r|--(?:experimental-)?loader)(?:=(?<module>.*))?$/s

/** The modules that a text like `NODE_OPTIONS` has loaded first. */
function readPreloads(options: string): string[] {
  const words = (options.match(WORD) ?? []).map((word) => word.replace(QUOTED, '$1'))
  return words.flatMap((word, i) => {
    const found = PRELOAD.exec(word)
    const module = found === null ? undefined : (found.groups?.['module'] ?? words[i + 1])
    return module === undefined || module === '' ? [] : [module]
  })
}

/** The file a module is; `undefined` for a package, which node finds itself. */
function toPath(module: string): string | undefined {
  if (module.startsWith('file:')) return fileURLToPath(module)
  return /^\.{0,2}[\\/]|^[a-z]:[\\/]/i.test(module) ? resolve(module) : undefined
}

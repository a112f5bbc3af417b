import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/release.mjs', import.meta.url))
let folder: string

/** A repository with the files that a release touches. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'))
  for (const name of ['scripts', 'src']) mkdirSync(join(folder, name))
  copyFileSync(script, join(folder, 'scripts/release.mjs'))
  write('package.json', '{\n  "version": "0.1.0",\n  "repository": "https://host/somebody/tracer"\n}\n')
  write('package-lock.json', '{\n  "version": "0.1.0",\n  "packages": { "": { "version": "0.1.0" }, "a": { "version": "0.1.0" } }\n}\n')
  write('src/version.ts', "export const VERSION = '0.1.0'\n")
  write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n- A thing is new.\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n')
  git('init', '--quiet')
  commit()
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)
const WHO = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b.c',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b.c',
  GIT_CONFIG_NOSYSTEM: '1',
}

function run(command: string, args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...WHO } })
  return { status, output: stdout + stderr }
}
const git = (...args: readonly string[]): string => run('git', args).output.trim()
const release = (...args: readonly string[]): ReturnType<typeof run> => run(process.execPath, ['scripts/release.mjs', ...args])
function commit(): void {
  git('add', '.')
  git('commit', '--quiet', '-m', 'a change')
}

describe('npm run release', () => {
  it('sets the version everywhere, dates the changelog, commits and tags', () => {
    expect(release('minor')).toMatchObject({ status: 0, output: expect.stringContaining('v0.2.0. Next: git push') as string })
    expect(read('package.json')).toContain('"version": "0.2.0"')
    expect(JSON.parse(read('package-lock.json'))).toEqual({
      version: '0.2.0',
      packages: { '': { version: '0.2.0' }, a: { version: '0.1.0' } },
    })
    expect(read('src/version.ts')).toContain("'0.2.0'")
    expect(read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n- A thing is new\.\n\n## \[0\.1\.0\]/)
    expect(git('log', '-1', '--format=%s')).toBe('chore(release): 0.2.0')
    expect(git('tag', '--points-at', 'HEAD')).toBe('v0.2.0')
    expect(git('status', '--porcelain')).toBe('')
    expect(release('--notes')).toEqual({ status: 0, output: '- A thing is new.\n' })
  })

  it('says what it would do and does nothing with --dry-run', () => {
    const { status, output } = release('major', '--dry-run')
    expect(status).toBe(0)
    expect(output).toContain('would write CHANGELOG.md')
    expect(output).toContain('would run git tag -a v1.0.0')
    expect([git('status', '--porcelain'), git('tag'), git('log', '--format=%s')]).toEqual(['', '', 'a change'])
  })

  it('only tags a version that is written already', () => {
    expect(release('0.1.0').status).toBe(0)
    expect([git('tag'), git('log', '--format=%s')]).toEqual(['v0.1.0', 'a change'])
    expect(release('0.1.0')).toMatchObject({ status: 1, output: expect.stringContaining('v0.1.0 exists') as string })
  })

  it.each([
    ['a tree that is not clean', () => write('left.txt', ''), ['patch'], 'not clean'],
    ['no version', () => {}, [], 'Give patch, minor, major'],
    ['an older version', () => {}, ['0.0.9'], 'older than 0.1.0'],
    [
      'nothing that is new',
      () => {
        write('CHANGELOG.md', '## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n')
        commit()
      },
      ['patch'],
      'Nothing stands under "Unreleased"',
    ],
    [
      'a placeholder for the owner',
      () => {
        write('package.json', read('package.json').replace('somebody', 'your-org'))
        commit()
      },
      ['patch'],
      'is a placeholder',
    ],
  ] as const)('refuses %s, and says what to do', (_, arrange, args, words) => {
    arrange()
    const before = git('log', '--format=%h')
    expect(release(...args)).toMatchObject({ status: 1, output: expect.stringContaining(words) as string })
    expect([git('log', '--format=%h'), git('tag')]).toEqual([before, ''])
  })
})

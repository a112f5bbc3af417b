import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'

/** Folders that never hold files of the project. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git', 'dist', 'coverage'])

/** Files under `directory` that match any pattern (`*`, `**`, `?`, `{a,b}`), sorted. A path without any of these names itself. */
export async function findFiles(patterns: readonly string[], directory: string): Promise<readonly string[]> {
  const matchers = patterns.map((pattern) =>
    toMatcher(toSlashes(isAbsolute(pattern) ? relative(directory, pattern) : pattern).replace(/^\.\//, '')),
  )
  const found: string[] = []
  for await (const file of walk(directory)) {
    const path = toSlashes(relative(directory, file))
    if (matchers.some((matcher) => matcher.test(path))) found.push(file)
  }
  return found.sort()
}

async function* walk(directory: string): AsyncGenerator<string> {
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* walk(path)
    else if (entry.isFile()) yield path
  }
}

function toMatcher(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[.+^$()|[\]\\{}]/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 1) return `(?:${part.slice(1, -1).split(',').map(escapeLiteral).join('|')})`
    return escapeLiteral(part)
  })
  return new RegExp(`^${source}$`)
}

function escapeLiteral(text: string): string {
  return text.replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')
}

function toSlashes(path: string): string {
  return path.split(sep).join('/')
}

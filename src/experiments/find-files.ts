import type { Dirent, Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'

/** Folders that never hold files of the project. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git', 'dist', 'coverage'])

/** What patterns stand for. */
export interface FoundFiles {
  /** Sorted, each once. */
  readonly files: readonly string[]
  /** For each pattern that found nothing, which one it is and what to do. */
  readonly problems: readonly string[]
}

/**
 * Files that any pattern (`*`, `**`, `?`, `{a,b}`) matches under `directory`. The path of a file names this file, wherever it is, also
 * where patterns do not look: outside of `directory`, in folders of what was built or installed, behind a link.
 */
export async function findFiles(patterns: readonly string[], directory: string): Promise<FoundFiles> {
  const root = resolve(directory)
  const seen = patterns.every((pattern) => !isPattern(pattern)) ? [] : await listOf(walk(root))
  const found = await Promise.all(patterns.map((pattern) => findOne(pattern, root, seen)))
  const problems = await Promise.all(
    patterns.map(async (pattern, i) => (found[i]?.length === 0 ? [await describeMissing(pattern, root)] : [])),
  )
  return { files: [...new Set(found.flat())].sort(), problems: problems.flat() }
}

async function findOne(pattern: string, directory: string, seen: readonly string[]): Promise<readonly string[]> {
  const path = resolve(directory, pattern)
  // A name may hold what a pattern is made of.
  if ((await statOf(path))?.isFile() === true) return [path]
  if (!isPattern(pattern)) return []
  const matcher = toMatcher(toSlashes(isAbsolute(pattern) ? relative(directory, pattern) : pattern).replace(/^\.\//, ''))
  return seen.filter((file) => matcher.test(toSlashes(relative(directory, file))))
}

async function describeMissing(pattern: string, directory: string): Promise<string> {
  if ((await statOf(resolve(directory, pattern)))?.isDirectory() === true) {
    return `"${pattern}" is a folder. Name its files, e.g. "${pattern.replace(/[\\/]+$/, '')}/**/*.eval.{ts,mts,js,mjs}".`
  }
  const where = isPattern(pattern) ? ` Patterns look below ${directory}, not into ${[...SKIPPED].join(', ')}, and follow no links.` : ''
  return `No file matches "${pattern}".${where}`
}

function isPattern(text: string): boolean {
  return /[*?{]/.test(text)
}

function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined)
}

async function listOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
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

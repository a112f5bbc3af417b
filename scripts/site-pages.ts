import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const docs = join(root, 'docs')

/** One markdown file that is a page of the site. */
export interface SitePage {
  /** The file, absolute. */
  readonly file: string
  /** Its address in the site, without `.html`. */
  readonly path: string
  /** What the navigation calls it: the words of the link in `docs/README.md`. */
  readonly name: string
  /** The section of `docs/README.md` that links to it first. */
  readonly group: string
}

/** Sections of the navigation, in the order of `docs/README.md`. */
export const pageGroups: readonly string[] = [...read(join(docs, 'README.md')).matchAll(/^## (.+)$/gm)].map(([, title = '']) => title)

/**
 * Every page below `docs/`, and the changelog.
 *
 * @throws Error that names the pages to which `docs/README.md` does not lead.
 */
export function findPages(): readonly SitePage[] {
  const listed = new Map(readIndex().map((page) => [page.file, page]))
  const files = readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => join(docs, name))
  const missing = files.filter((file) => !listed.has(file))
  if (missing.length > 0) {
    throw new Error(`docs/README.md links to no ${missing.map((file) => relative(docs, file)).join(', ')}. Add a row for it.`)
  }
  return [
    { file: join(docs, 'README.md'), path: 'documentation', name: 'All questions', group: 'none' },
    ...files.map((file) => listed.get(file) as SitePage),
    { file: join(root, 'CHANGELOG.md'), path: 'changelog', name: 'Changelog', group: pageGroups.at(-1) ?? 'none' },
  ]
}

function readIndex(): readonly SitePage[] {
  const [, ...sections] = read(join(docs, 'README.md')).split(/^## /m)
  return sections.flatMap((section, index) =>
    [...section.matchAll(/\[([^\]]+)\]\((?!\.\.)([^)#]+\.md)\)/g)].map(([, words = '', target = '']) => ({
      file: join(docs, target),
      path: target.replace(/\.md$/, '').replace(/README$/, 'index'),
      name: toName(words),
      group: pageGroups[index] ?? 'none',
    })),
  )
}

function toName(words: string): string {
  return /^[`A-Z]/.test(words) ? words.replaceAll('`', '') : words.charAt(0).toUpperCase() + words.slice(1)
}

/** Where a link of `file` leads in the repository, or `undefined` where it stays within the site. */
export function toRepositoryUrl(file: string, link: string, pages: ReadonlySet<string>): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = resolve(dirname(file), path)
  if (pages.has(target) || /\.(?:png|svg)$/.test(target)) return undefined
  const kind = /\.[a-z]+$/.test(target) ? 'blob' : 'tree'
  const inside = relative(root, target).replaceAll('\\', '/')
  return `${repository}/${kind}/main/${inside}${anchor === undefined ? '' : `#${anchor}`}`
}

/** Address of the repository's page, from the manifest. */
export const repository: string = JSON.parse(read(join(root, 'package.json'))).repository.url.replace(/^git\+|\.git$/g, '')

function read(file: string): string {
  return readFileSync(file, 'utf8')
}

// Builds the documentation site into `site/`: the pages of docs/ and the reference of every entry point, by TypeDoc.
// tsx scripts/build-site.ts; it fails on an undocumented export, a link that leads nowhere and a page that docs/README.md does not name.
import { join, resolve } from 'node:path'
import {
  Application,
  Converter,
  DefaultTheme,
  type DeclarationReflection,
  type DocumentReflection,
  IndexEvent,
  type NavigationElement,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  StructureRouter,
  TSConfigReader,
  TypeDocReader,
} from 'typedoc'
import { entryPoints } from './entry-points.js'
import { findPages, pageGroups, repository, type SitePage, toRepositoryUrl } from './site-pages.js'

type Part = DocumentReflection['content'][number]
/** As much of markdown-it's parser as is changed here. */
interface MarkdownParser {
  readonly linkify: { set(options: { fuzzyLink: boolean; fuzzyEmail: boolean }): void }
  readonly renderer: { readonly rules: Record<string, () => string> }
}

const root = resolve(import.meta.dirname, '..')
const README = join(root, 'README.md')
/** What a page is about counts as much as the name of an option. */
const HEADINGS_WEIGHT = 10
/** Who searches for a word wants the page about it rather than one of the options of that name. */
const PAGE_BOOST = 3
/** On a telephone a wide table scrolls by itself, by keys too. */
const tablesThatScroll = {
  table_open: () => '<div class="table" tabindex="0"><table>',
  table_close: () => '</table></div>',
}
/** What a reader who hears the page is told of its parts; the theme leaves it open. */
const LANDMARKS = [
  ['<div class="col-content">', '<div class="col-content" role="main">'],
  ['<div class="page-menu">', '<div class="page-menu" role="navigation" aria-label="On this page">'],
  ['<nav id="tsd-sidebar-links"', '<nav aria-label="Links" id="tsd-sidebar-links"'],
] as const
const pages = findPages()
const pageOf = new Map<number, SitePage>()
const inSite = new Set([README, ...pages.map(({ file }) => file)])
const specifiers = new Map(entryPoints.map(({ file, specifier }) => [join(root, file), specifier]))

/** Pages keep the path of their file, the reference stands below `reference/` by module. */
class SiteRouter extends StructureRouter {
  override getIdealBaseName(reflection: Reflection): string {
    return pageOf.get(reflection.id)?.path ?? `reference/${super.getIdealBaseName(reflection)}`
  }
}

/** A module's page is an entry below its name: a link inside of what opens and closes is out of reach for keys. */
class SiteTheme extends DefaultTheme {
  override buildNavigation(project: ProjectReflection): NavigationElement[] {
    return super.buildNavigation(project).map(withOverview)
  }
}

const app = await Application.bootstrapWithPlugins(
  {
    options: join(root, 'typedoc.json'),
    entryPoints: entryPoints.map(({ file }) => join(root, file)),
    projectDocuments: pages.map(({ file }) => file),
    groupOrder: ['none', ...pageGroups, 'Reference', '*'],
    navigationLinks: { Repository: repository },
    router: 'site',
    theme: 'site',
    markdownItLoader: prepareParser,
  },
  [new TypeDocReader(), new TSConfigReader()],
)
app.renderer.defineRouter('site', SiteRouter)
app.renderer.defineTheme('site', SiteTheme)
app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => preparePage(document))
// After the readme was read, before groups are made of the modules.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => prepareProject(project), -1_000)
app.renderer.on(IndexEvent.PREPARE_INDEX, addHeadings)
app.renderer.on(PageEvent.END, (page) => {
  for (const [from, to] of LANDMARKS) page.contents = (page.contents ?? '').replace(from, to)
})

const project = await app.convert()
if (project !== undefined) app.validate(project)
if (project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
await app.generateOutputs(project)
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0

function prepareParser({ linkify, renderer }: MarkdownParser): void {
  Object.assign(renderer.rules, tablesThatScroll)
  // `service.name` is no address.
  linkify.set({ fuzzyLink: false, fuzzyEmail: false })
}

function preparePage(document: DocumentReflection): void {
  const file = document.project.files.getReflectionPath(document) ?? ''
  const page = pages.find((one) => one.file === file)
  if (page === undefined) return
  pageOf.set(document.id, page)
  document.name = page.name
  document.frontmatter['group'] = page.group
  document.relevanceBoost = PAGE_BOOST
  for (const part of document.content) leadOut(part, file)
}

function prepareProject(project: ProjectReflection): void {
  for (const part of project.readme ?? []) leadOut(part, README)
  // The page has the name of the project already.
  const [title] = project.readme ?? []
  if (title !== undefined) title.text = title.text.replace(/^# .+/, '')
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) nameModule(module)
}

function withOverview({ path, children, ...element }: NavigationElement): NavigationElement {
  if (children === undefined) return { ...element, ...(path === undefined ? {} : { path }) }
  const overview = path === undefined ? [] : [{ text: 'Overview', path }]
  return { ...element, children: [...overview, ...children.map(withOverview)] }
}

function leadOut(part: Part, file: string): void {
  if (part.kind !== 'relative-link') return
  const url = toRepositoryUrl(file, part.text, inSite)
  if (url === undefined) return
  part.text = url
  part.target = undefined
}

function nameModule(module: DeclarationReflection): void {
  const specifier = specifiers.get(module.project.files.getReflectionPath(module) ?? '')
  if (specifier === undefined) throw new Error(`No entry point is ${module.name}. Add it to scripts/entry-points.ts.`)
  module.name = specifier
}

function addHeadings(event: IndexEvent): void {
  event.searchFieldWeights['headings'] = HEADINGS_WEIGHT
  event.searchResults.forEach((reflection, index) => {
    if (!reflection.isDocument()) return
    const text = reflection.content.map((part) => part.text).join('')
    const headings = [...text.matchAll(/^#{1,3} (.+)$/gm)].map(([, words]) => words)
    event.searchFields[index] = { ...event.searchFields[index], headings: headings.join('\n') }
  })
}

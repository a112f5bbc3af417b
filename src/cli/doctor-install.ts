import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readInherited } from '../config/sources.js'
import type { Finding } from './finding.js'
import { describeRemedy, findInstrumentors, INSTRUMENTATION } from './instrumentors.js'
import { describeCallbacks } from './langchain-callbacks.js'

interface Installed {
  readonly name: string
  readonly version: string
  readonly path: string
}

const MAX_DEPTH = 6

/** Where a program is installed. */
export interface Installation {
  readonly directory: string
  /** The program is started and looked at: then it shows itself what is patched. */
  readonly isWatched: boolean
}

/** Looks at what is installed: copies of the OpenTelemetry API, instrumentations that overlap, and those that ES modules pass by. */
export async function checkInstallation({ directory, isWatched }: Installation): Promise<Finding[]> {
  const packages = await listPackages(join(directory, 'node_modules'), 0)
  if (packages.length === 0)
    return [
      { level: 'warning', message: `nothing is installed below ${directory}`, remedy: 'Run the doctor in the folder of your program.' },
    ]
  const isModule = (await readPackage(directory))?.type === 'module'
  const unwatched = isWatched ? [] : [...(isModule ? checkImports(packages) : []), ...checkCallbacks(packages)]
  return [checkApi(packages), ...checkOverlap(packages), ...unwatched]
}

function checkApi(packages: readonly Installed[]): Finding {
  const copies = packages.filter(({ name }) => name === '@opentelemetry/api')
  const versions = [...new Set(copies.map(({ version }) => version))]
  if (copies.length === 0)
    return { level: 'problem', message: '@opentelemetry/api is not installed', remedy: 'npm install @opentelemetry/api' }
  if (versions.length === 1) return { level: 'ok', message: `one version of @opentelemetry/api: ${versions[0] ?? ''}` }
  return {
    level: 'problem',
    message: `${versions.length} versions of @opentelemetry/api (${versions.join(', ')}): spans of one are invisible to the other`,
    remedy: 'npm dedupe, or pin one version with "overrides" in package.json.',
  }
}

function checkOverlap(packages: readonly Installed[]): Finding[] {
  const byLibrary = new Map<string, Set<string>>()
  for (const { name } of packages) {
    // Two of them record each call twice.
    const library = INSTRUMENTATION.exec(name)?.groups?.['library']
    if (library !== undefined) byLibrary.set(library, (byLibrary.get(library) ?? new Set()).add(name))
  }
  return [...byLibrary]
    .filter(([, names]) => names.size > 1)
    .map(([library, names]) => ({
      level: 'warning',
      message: `${names.size} instrumentations of ${library} are installed: ${[...names].join(', ')}`,
      remedy: 'Enable one of them only, or each call is recorded twice.',
    }))
}

/** What an ES module must do for each instrumentation whose library is there. */
function checkImports(packages: readonly Installed[]): Finding[] {
  const names = new Set(packages.map(({ name }) => name))
  const known = [...names].flatMap((name) => findInstrumentors(name).filter((row) => row.name === name))
  const needed = known.filter(({ library, nothing }) => nothing === undefined && (names.has(library) || library.startsWith('node:')))
  const others = [...names].filter(
    (name) => INSTRUMENTATION.test(name) && !name.endsWith('-utils') && !known.some((row) => row.name === name),
  )
  return [
    ...needed.map((row): Finding => ({ level: 'warning', message: passesBy(row.name, row.library), remedy: describeRemedy(row) })),
    ...(others.length === 0 ? [] : [{ level: 'warning' as const, message: passesBy(others.join(', '), 'its library'), remedy: UNKNOWN }]),
  ]
}

const UNKNOWN = 'Call manuallyInstrument(Library) where it offers it, or start node with --import of a file that sets it up first.'

function passesBy(name: string, library: string): string {
  return `the program is an ES module: ${name} does not see ${library} by itself. Check with --entry`
}

function checkCallbacks(packages: readonly Installed[]): Finding[] {
  const isUsed = packages.some(({ name }) => /instrumentation-langchain$/.test(name))
  if (!isUsed || readInherited()['LANGCHAIN_CALLBACKS_BACKGROUND'] === 'false') return []
  return [{ level: 'warning', ...describeCallbacks('several tracers may be live') }]
}

async function listPackages(folder: string, depth: number): Promise<Installed[]> {
  if (depth > MAX_DEPTH) return []
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(names.filter((name) => !name.startsWith('.')).map((name) => readEntry(folder, name, depth)))
  return found.flat()
}

async function readEntry(folder: string, name: string, depth: number): Promise<Installed[]> {
  const path = join(folder, name)
  if (name.startsWith('@')) return listPackages(path, depth)
  const content = await readPackage(path)
  if (content === undefined) return []
  const nested = await listPackages(join(path, 'node_modules'), depth + 1)
  return [{ name: content.name, version: content.version, path: await realpath(path) }, ...nested]
}

async function readPackage(path: string): Promise<{ name: string; version: string; type?: string } | undefined> {
  try {
    const content = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as { name?: string; version?: string; type?: string }
    return { ...content, name: content.name ?? '', version: content.version ?? '' }
  } catch {
    return undefined
  }
}

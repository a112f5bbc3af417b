import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from './finding.js'

interface Installed {
  readonly name: string
  readonly version: string
  readonly path: string
}

/** Instrumentations of the same library, by the library: two of them record each call twice. */
const INSTRUMENTATION = /^(@[^/]+\/)?(?:openinference-)?(?:opentelemetry-)?instrumentation-(?<library>[a-z0-9-]+)$/
const MAX_DEPTH = 6

/** Looks at what is installed below `directory`: copies of the OpenTelemetry API, instrumentations that overlap. */
export async function checkInstallation(directory: string): Promise<Finding[]> {
  const packages = await listPackages(join(directory, 'node_modules'), 0)
  if (packages.length === 0)
    return [
      { level: 'warning', message: `nothing is installed below ${directory}`, remedy: 'Run the doctor in the folder of your program.' },
    ]
  return [checkApi(packages), ...checkOverlap(packages), ...(await checkModuleKind(directory, packages))]
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

async function checkModuleKind(directory: string, packages: readonly Installed[]): Promise<Finding[]> {
  const isModule = (await readPackage(directory))?.type === 'module'
  const patching = packages.filter(({ name }) => INSTRUMENTATION.test(name))
  if (!isModule || patching.length === 0) return []
  return [
    {
      level: 'warning',
      message: 'the program is an ES module and uses instrumentations that patch on import',
      remedy:
        'Call manuallyInstrument(Library) on each of them, or start node with --import of a file that sets them up first. Check with --entry.',
    },
  ]
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

import { readFile } from 'node:fs/promises'
import nodeModule from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { unixMs } from '../builtins.js'
import { HoneyHiveError } from '../errors.js'
import { asObject } from './json-reader.js'

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts', '.tsx'])

/**
 * Loads an evaluation file anew each time. TypeScript goes through `tsx` when the project has it, else through whatever the process was
 * started with, or Node's own type stripping.
 *
 * @throws HoneyHiveError `EXPERIMENT` when none of these is there; what the file throws is thrown on
 */
export async function loadModule(file: string, directory: string): Promise<Readonly<Record<string, unknown>>> {
  // The query makes the module a new one, so that watching sees the edited text.
  const url = `${pathToFileURL(file).href}?t=${unixMs()}`
  if (!TYPESCRIPT.has(extname(file))) return { ...((await import(/* webpackIgnore: true */ url)) as object) }
  const tsx = await loadTsx(directory)
  if (tsx !== undefined) return { ...((await tsx(url, { parentURL: pathToFileURL(join(directory, 'index.js')).href })) as object) }
  try {
    return { ...((await import(/* webpackIgnore: true */ url)) as object) }
  } catch (error) {
    if (asObject(error)['code'] !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error
    const reason = `${file} is TypeScript, which Node ${process.version} does not load by itself`
    throw new HoneyHiveError('EXPERIMENT', `${reason}. Install tsx, or use Node 22.18 or newer.`)
  }
}

type TsxImport = (specifier: string, options: { readonly parentURL: string }) => Promise<unknown>

async function loadTsx(directory: string): Promise<TsxImport | undefined> {
  try {
    // Not imported by its name: webpack would look for what is required at the user's place.
    const manifest = nodeModule.createRequire(join(directory, 'index.js')).resolve('tsx/package.json')
    // `require.resolve` would give the CommonJS entry, which cannot load modules.
    const entry = asObject(asObject(JSON.parse(await readFile(manifest, 'utf8')))['exports'])['./esm/api']
    const path = readImportPath(entry)
    const api = path === undefined ? {} : asObject(await import(/* webpackIgnore: true */ new URL(path, pathToFileURL(manifest)).href))
    return typeof api['tsImport'] === 'function' ? (api['tsImport'] as TsxImport) : undefined
  } catch {
    return undefined
  }
}

/** The path an entry of a package's `exports` gives to `import`. */
function readImportPath(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry
  const conditions = asObject(entry)
  const chosen = conditions['import'] ?? conditions['default']
  return chosen === undefined ? undefined : readImportPath(chosen)
}

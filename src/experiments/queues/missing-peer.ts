import { HoneyHiveError } from '../../errors.js'

const MISSING: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** What says that a package the user installs could not be loaded, and why when it is there. */
export function toMissingPeer(name: string, cause: unknown): HoneyHiveError {
  const isInstalled = cause instanceof Error && !('code' in cause && MISSING.has(cause.code))
  const remedy = isInstalled ? `: ${cause.message}` : `. Install it: npm install ${name}`
  return new HoneyHiveError('EXPERIMENT', `The queue needs the package "${name}", which could not be loaded${remedy}`, { cause })
}

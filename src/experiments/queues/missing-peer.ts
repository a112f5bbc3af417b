import { HoneyHiveError } from '../../errors.js'

/** What says that a package the user installs could not be loaded. */
export function toMissingPeer(name: string, cause: unknown): HoneyHiveError {
  const message = `The queue needs the package "${name}", which could not be loaded. Install it: npm install ${name}`
  return new HoneyHiveError('EXPERIMENT', message, { cause })
}

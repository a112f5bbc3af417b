import { HoneyHiveError } from '../../errors.js'

/** Loads a package the user installs. @throws HoneyHiveError `EXPERIMENT` that names it when it is missing */
export async function loadPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `The queue needs the package "${name}", which could not be loaded. Install it: npm install ${name}`,
      {
        cause,
      },
    )
  }
}

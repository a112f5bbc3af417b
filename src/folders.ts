import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it that are missing. `recursive` of Node's own `mkdir` never ends where a folder is there and takes
 * none: in a working directory that was removed, below `/proc`, on some network drives.
 *
 * @param mode of each folder that is made. @throws what the file system throws; nothing for a folder that is there.
 */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isFolder(path)) return
    const above = dirname(path)
    if (!isMissing(error) || above === path || isFolder(above)) throw error
    makeFolder(above, mode)
    // Another process may be faster.
    makeFolder(path, mode)
  }
}

/** The path from the root, whatever the working directory becomes later; unchanged where there is no working directory. */
export function toAbsolutePath(path: string): string {
  try {
    return resolve(path)
  } catch {
    // It was removed.
    return path
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

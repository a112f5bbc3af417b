/** The file of a database: where it may be, and who may read it. */
import { existsSync, lstatSync, chmodSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { HoneyHiveError } from '../../errors.js'
import { makeFolder } from '../../folders.js'

/** The folder used by default; it belongs to the local server alone. */
const OWN_FOLDER = '.honeyhive'

/**
 * Makes folder (mode 0700) and file (mode 0600) when they are missing. A folder of its own keeps itself out of git, because
 * it holds every prompt and answer.
 *
 * @throws HoneyHiveError `DEV_SERVER` as {@link checkFile}; what the file system throws when it cannot be written.
 */
export function prepareFile(file: string): void {
  const folder = dirname(file)
  const isNewFolder = !existsSync(folder)
  if (isNewFolder) makeFolder(folder, 0o700)
  checkFile(file)
  if (isNewFolder || basename(folder) === OWN_FOLDER) ignoreInGit(folder)
  // SQLite gives its side files the mode of the main one, so it must be right before they exist.
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600))
  else if (process.platform !== 'win32') chmodSync(file, 0o600)
}

/**
 * Refuses what would make the server write somewhere else than its own file.
 *
 * @throws HoneyHiveError `DEV_SERVER` for links, for what is no regular file, and for files of another user.
 */
export function checkFile(file: string): void {
  if (basename(dirname(file)) === OWN_FOLDER && isLink(dirname(file))) throw refuse(dirname(file), 'is a link')
  for (const path of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.isSymbolicLink()) throw refuse(path, 'is a link')
    if (!found.isFile()) throw refuse(path, 'is not a regular file')
    if (process.getuid !== undefined && found.uid !== process.getuid()) throw refuse(path, 'belongs to another user')
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function refuse(path: string, because: string): HoneyHiveError {
  return new HoneyHiveError('DEV_SERVER', `The database "${path}" ${because}. Name a file of your own, or use ":memory:".`)
}

function ignoreInGit(folder: string): void {
  try {
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // One is there already, and whoever wrote it decides.
  }
}

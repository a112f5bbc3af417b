import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { HoneyHiveError } from '../errors.js'
import { withoutMark } from '../values/decode-text.js'

/**
 * Looks at a file that a command was given before it is used.
 *
 * Rejects with HoneyHiveError, with one sentence, when it is not there, is a folder, or cannot be read.
 */
export async function checkInput(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new HoneyHiveError('CONFIG_FILE', `There is no file "${file}".`)
  if (found.isDirectory()) throw new HoneyHiveError('CONFIG_FILE', `"${file}" is a folder. Name a file.`)
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new HoneyHiveError('CONFIG_FILE', `"${file}" cannot be read. Check its permissions.`, { cause })
  })
}

/** The text of a file that a command was given; rejects as {@link checkInput}. */
export async function readInput(file: string): Promise<string> {
  await checkInput(file)
  return withoutMark(await readFile(file, 'utf8'))
}

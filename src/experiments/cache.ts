import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../folders.js'
import { fromExact, toContentText, toExact } from './exact.js'
import type { CacheOptions } from './options.js'

/** Outputs of the function under test, kept on disk by what went in. */
export interface OutputCache {
  /** `key` is what {@link OutputCache.keyFor} gave. */
  read(key: string): Promise<{ readonly outputs: unknown } | undefined>
  /** False when the outputs have no exact form; nothing is kept then. */
  write(key: string, outputs: unknown): Promise<boolean>
  /** Name of the row's entry; `undefined` when the row holds something whose inside cannot be seen, so that it is never cached. */
  keyFor(row: object, trial: number): string | undefined
}

/** What the key of every row starts with. */
export interface CacheSubject {
  readonly functionName: string
  /** Text of the function: an edit of its body makes new keys. What it calls or closes over is not part of it; see `version`. */
  readonly functionText: string
}

/** What the keys leave out, for the result of a run that used the cache without a `version`. */
export const CACHE_GAP =
  'The cache knows a row by all its fields and the function by its text. What the function calls or closes over (a model, a prompt) and the index of the row are not part of it: give cache.version.'

/** Opens the cache. Files are named by the hash of function, version and row, and replaced whole. */
export function createOutputCache(options: string | CacheOptions, subject: CacheSubject): OutputCache {
  const { directory, version = '' } = typeof options === 'string' ? { directory: options } : options
  const fileFor = (key: string): string => join(directory, `${key}.json`)
  return {
    keyFor(row, trial) {
      // The id the run gave the row holds its position, which is not what the row is.
      const text = toContentText([subject.functionName, subject.functionText, version, trial, { ...row, datapointId: undefined }])
      return text === undefined ? undefined : createHash('sha256').update(text).digest('hex').slice(0, 40)
    },
    async read(key) {
      const text = await readFile(fileFor(key), 'utf8').catch(() => undefined)
      return text === undefined ? undefined : parseEntry(text)
    },
    async write(key, outputs) {
      const exact = toExact(outputs)
      if (exact === undefined) return false
      makeFolder(directory)
      await replaceFile(fileFor(key), `${JSON.stringify(exact)}\n`)
      return true
    },
  }
}

function parseEntry(text: string): { readonly outputs: unknown } | undefined {
  try {
    const exact = fromExact(JSON.parse(text))
    return exact === undefined ? undefined : { outputs: exact.value }
  } catch {
    // A file cut short by a crash is the same as no file.
    return undefined
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  await writeFile(temporary, text, { mode: 0o600 })
  await rename(temporary, path)
}

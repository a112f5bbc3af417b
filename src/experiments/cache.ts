import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { CacheOptions } from './options.js'
import { toPythonJson } from './python-json.js'

/** Outputs of the function under test, kept on disk by what went in. */
export interface OutputCache {
  read(inputs: unknown): Promise<{ readonly outputs: unknown } | undefined>
  /** False when the outputs cannot be written exactly as JSON; nothing is kept then. */
  write(inputs: unknown, outputs: unknown): Promise<boolean>
}

/** What the key of every row starts with. */
export interface CacheSubject {
  readonly functionName: string
  /** Text of the function: an edit of its body makes new keys. What it calls is not part of it; see `version`. */
  readonly functionText: string
}

/** Opens the cache. Files are named by the hash of function, version and inputs, and replaced whole. */
export function createOutputCache(options: string | CacheOptions, subject: CacheSubject): OutputCache {
  const { directory, version = '' } = typeof options === 'string' ? { directory: options } : options
  const fileFor = (inputs: unknown): string => {
    const text = toPythonJson({ ...subject, version, inputs })
    return join(directory, `${createHash('sha256').update(text).digest('hex').slice(0, 40)}.json`)
  }
  return {
    async read(inputs) {
      const text = await readFile(fileFor(inputs), 'utf8').catch(() => undefined)
      return text === undefined ? undefined : parseEntry(text)
    },
    async write(inputs, outputs) {
      const text = toExactJson(outputs)
      if (text === undefined) return false
      await mkdir(directory, { recursive: true })
      await replaceFile(fileFor(inputs), `{"outputs":${text}}\n`)
      return true
    },
  }
}

function parseEntry(text: string): { readonly outputs: unknown } | undefined {
  try {
    const entry: unknown = JSON.parse(text)
    return typeof entry === 'object' && entry !== null && 'outputs' in entry ? { outputs: entry.outputs } : undefined
  } catch {
    // A file cut short by a crash is the same as no file.
    return undefined
  }
}

// A second run must see what the first one saw: a Date, a Map or NaN would come back as something else.
function toExactJson(value: unknown): string | undefined {
  try {
    const text = JSON.stringify(value)
    return text !== undefined && isDeepStrictEqual(JSON.parse(text), value) ? text : undefined
  } catch {
    return undefined
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  await writeFile(temporary, text, { mode: 0o600 })
  await rename(temporary, path)
}

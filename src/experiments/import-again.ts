import { randomUUID } from 'node:crypto'
import { pathToFileURL } from 'node:url'

/**
 * What `load` imports: a file of this package that exports `name`. Node 20 keeps the failure of an `import()` for the life of the
 * process, the want of a file descriptor too; under another URL the same file is tried again.
 *
 * @throws what `load` threw, when the file still cannot be loaded.
 */
export async function importAgain<T extends object>(load: () => Promise<T>, name: keyof T): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const path = error instanceof Error && 'path' in error ? error.path : undefined
    if (typeof path !== 'string') throw error
    const url = `${pathToFileURL(path).href}?again=${randomUUID()}`
    // The first error says what is wrong.
    const loaded = (await import(/* webpackIgnore: true */ url).catch(() => ({}))) as T
    if (name in loaded) return loaded
    throw error
  }
}

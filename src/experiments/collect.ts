import { types } from 'node:util'

/**
 * What a function gave, read to its end when it is a stream: pieces of text or bytes are joined, anything else is a list.
 * A generator that also returns something gives `{ result, returned }`, one that only returns gives that.
 *
 * Async iterables, generators, web and Node streams are streams; lists, maps, sets and texts are values.
 */
export function collectOutput(value: unknown, onStop: (cancel: () => void) => void): unknown {
  const iterator = openStream(value)
  return iterator === undefined ? value : readToEnd(iterator, onStop)
}

async function readToEnd(iterator: Steps, onStop: (cancel: () => void) => void): Promise<unknown> {
  // A stream nobody reads any more must be told, or what is behind it stays open.
  onStop(() => void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined))
  const items: unknown[] = []
  for (;;) {
    const { done, value: item } = await iterator.next()
    if (done !== true) items.push(item)
    else return toResult(items, item)
  }
}

type Steps = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>

function openStream(value: unknown): Steps | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (types.isGeneratorObject(value)) return value as unknown as Steps
  // Node 20 and later iterate web streams too; the reader is cancelled when the iteration ends early.
  if (!(Symbol.asyncIterator in value) || typeof value[Symbol.asyncIterator] !== 'function') return undefined
  return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
}

function toResult(items: readonly unknown[], returned: unknown): unknown {
  if (returned === undefined) return join(items)
  return items.length === 0 ? returned : { result: join(items), returned }
}

function join(items: readonly unknown[]): unknown {
  if (items.length === 0 || !items.every((item) => typeof item === 'string' || item instanceof Uint8Array)) return items
  const decoder = new TextDecoder()
  return (
    items.map((item) => (typeof item === 'string' ? decoder.decode() + item : decoder.decode(item, { stream: true }))).join('') +
    decoder.decode()
  )
}

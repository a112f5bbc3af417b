/** Settings of {@link runPool}. */
export interface PoolOptions {
  /** Items that are worked on at the same time. @defaultValue 10 */
  readonly limit?: number
  /** Once aborted no further item is taken; those under way are left to `work`. */
  readonly signal?: AbortSignal
}

/**
 * Works through `items` with a fixed number of slots; a slot takes the next item as soon as it is free, so a slow item
 * delays nothing but itself. Items are pulled one at a time, which is all that is in memory of an endless source.
 *
 * @throws what the source throws, after the items under way have ended; `work` must not throw
 */
export async function runPool<T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<void>,
  { limit = 10, signal }: PoolOptions = {},
): Promise<void> {
  const source = createTurns(items)
  const slots = Array.from({ length: limit }, () => fillSlot(source, work, signal))
  const outcomes = await Promise.allSettled(slots)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (signal?.aborted === true || failure !== undefined) await source.close()
  if (failure !== undefined) throw failure.reason
}

async function fillSlot<T>(source: Turns<T>, work: (item: T) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  while (signal?.aborted !== true) {
    const next = await untilAborted(source.next(), signal)
    if (next === undefined || next.done === true) return
    await work(next.value)
  }
}

interface Turns<T> {
  next(): Promise<IteratorResult<T, unknown>>
  close(): Promise<void>
}

// One `next()` at a time: an iterator written by hand need not support overlapping calls.
function createTurns<T>(items: Iterable<T> | AsyncIterable<T>): Turns<T> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let last: Promise<unknown> = Promise.resolve()
  let hasEnded = false
  const step = async (): Promise<IteratorResult<T, unknown>> => {
    if (hasEnded) return { done: true, value: undefined }
    try {
      const result = await iterator.next()
      hasEnded = result.done === true
      return result
    } catch (error) {
      hasEnded = true
      throw error
    }
  }
  return {
    next() {
      const turn = last.then(step)
      last = turn.catch(() => undefined)
      return turn
    },
    async close() {
      if (hasEnded) return
      hasEnded = true
      // A source that is stuck in `next()` would keep `return()` waiting; it is told, not awaited.
      void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined)
    },
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

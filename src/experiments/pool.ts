import type { Stop } from './stop.js'

/** Settings of {@link runPool}. */
export interface PoolOptions {
  /** Items that are worked on at the same time. @defaultValue 10 */
  readonly limit?: number
  /** Once stopped no further item is taken; those under way are left to `work`. */
  readonly stop?: Stop
}

/**
 * Works through `items`, at most `limit` at a time: the next one starts as soon as one ends, so a slow item delays nothing
 * but itself. Items are pulled one at a time, which is all that is in memory of an endless source; there are never more
 * slots than items.
 *
 * @throws what the source throws, after the items under way have ended; `work` must not throw
 */
export async function runPool<T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<unknown>,
  { limit = 10, stop }: PoolOptions = {},
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let open = 0
  let failure: { readonly thrown: unknown } | undefined
  let wake: () => void = () => undefined
  const release = stop?.onStop(() => wake())
  const end = (): void => {
    open -= 1
    wake()
  }
  const fail = (thrown: unknown): void => {
    failure ??= { thrown }
    end()
  }
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })
  let hasEnded = false
  while (!hasEnded && failure === undefined && stop?.isStopped !== true) {
    if (open >= limit) {
      await change()
      continue
    }
    const next = readNext(iterator, stop)
    const item = next instanceof Promise ? await next : next
    if (item === undefined) break
    if ('thrown' in item) {
      failure ??= item
      hasEnded = true
    } else if (item.done === true) hasEnded = true
    else {
      open += 1
      void work(item.value).then(end, fail)
    }
  }
  // A source that is stuck in `next()` would keep `return()` waiting; it is told, not awaited.
  if (!hasEnded) void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined)
  while (open > 0) await change()
  release?.()
  if (failure !== undefined) throw failure.thrown
}

type Item<T> = IteratorResult<T, unknown> | { readonly thrown: unknown } | undefined

function readNext<T>(iterator: AsyncIterator<T> | Iterator<T>, stop: Stop | undefined): Item<T> | Promise<Item<T>> {
  try {
    const next = iterator.next()
    // A thenable of the user's as well.
    if (!('then' in next)) return next
    return untilStopped(Promise.resolve(next), stop).catch((thrown: unknown) => ({ thrown }))
  } catch (thrown) {
    return { thrown }
  }
}

async function untilStopped<T>(next: Promise<IteratorResult<T, unknown>>, stop: Stop | undefined): Promise<Item<T>> {
  if (stop === undefined) return next
  let release: () => void = () => undefined
  const stopped = new Promise<undefined>((resolve) => {
    release = stop.onStop(() => resolve(undefined))
  })
  return Promise.race([next, stopped]).finally(release)
}

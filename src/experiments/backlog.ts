import { clearTimeout, setTimeout } from '../builtins.js'

/** Requests that are under way, and a door that closes while there are too many. */
export interface Backlog {
  /** Keys of the requests that resolved to false or have not ended. */
  readonly unsettled: readonly string[]
  /** Requests that succeeded so far. */
  readonly arrived: number
  /** Follows a request; it must not reject. */
  add(key: string, request: Promise<unknown>): void
  /** Resolves as soon as there are fewer than the limit, or after `timeoutMs`; whether there are. */
  room(timeoutMs: number): Promise<boolean>
  /** Resolves as soon as there is none, or after `timeoutMs`; whether there is none. */
  empty(timeoutMs: number): Promise<boolean>
}

/** Builds a {@link Backlog}. `Promise.race` over the open ones would leave a handler on each of them for every call. */
export function createBacklog(limit: number): Backlog {
  const waiting = new Set<{ readonly below: number; readonly wake: (isMet: boolean) => void }>()
  const lost: string[] = []
  const open = new Map<string, number>()
  let openCount = 0
  let arrived = 0

  function settle(key: string, hasArrived: boolean): void {
    openCount -= 1
    const left = (open.get(key) ?? 1) - 1
    if (left === 0) open.delete(key)
    else open.set(key, left)
    if (hasArrived) arrived += 1
    else lost.push(key)
    for (const waiter of waiting) if (openCount < waiter.below) waiter.wake(true)
  }

  function until(below: number, timeoutMs: number): Promise<boolean> {
    if (openCount < below) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.wake(false), timeoutMs)
      const waiter = {
        below,
        wake: (isMet: boolean) => {
          clearTimeout(timer)
          waiting.delete(waiter)
          resolve(isMet)
        },
      }
      waiting.add(waiter)
    })
  }

  return {
    get unsettled() {
      return [...new Set([...lost, ...open.keys()])]
    },
    get arrived() {
      return arrived
    },
    add(key, request) {
      openCount += 1
      open.set(key, (open.get(key) ?? 0) + 1)
      void request.then((hasArrived) => settle(key, hasArrived !== false))
    },
    room: (timeoutMs) => until(limit, timeoutMs),
    empty: (timeoutMs) => until(1, timeoutMs),
  }
}

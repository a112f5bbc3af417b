/** Requests that are under way, and a door that closes while there are too many. */
export interface Backlog {
  /** Requests that resolved to false. */
  readonly lost: number
  /** Follows a request; it must not reject. */
  add(request: Promise<unknown>): void
  /** Resolves as soon as there are fewer than the limit. */
  room(): Promise<void>
  /** Resolves as soon as there is none. */
  empty(): Promise<void>
}

/** Builds a {@link Backlog}. `Promise.race` over the open ones would leave a handler on each of them for every call. */
export function createBacklog(limit: number): Backlog {
  const waiting: { below: number; wake: () => void }[] = []
  let open = 0
  let lost = 0

  function settle(): void {
    open -= 1
    for (let i = waiting.length - 1; i >= 0; i -= 1) {
      const waiter = waiting[i]
      if (waiter === undefined || open >= waiter.below) continue
      waiting.splice(i, 1)
      waiter.wake()
    }
  }

  function until(below: number): Promise<void> {
    if (open < below) return Promise.resolve()
    return new Promise((wake) => waiting.push({ below, wake }))
  }

  return {
    get lost() {
      return lost
    },
    add(request) {
      open += 1
      void request.then((hasArrived) => {
        if (hasArrived === false) lost += 1
        settle()
      })
    },
    room: () => until(limit),
    empty: () => until(1),
  }
}

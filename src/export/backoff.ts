import { backoffMs } from './retry.js'

/** When the next request of one tracer may go out: an endpoint in trouble pauses all its sends. */
export interface Pace {
  /** Milliseconds until sending is allowed again. */
  waitMs(): number
  /** Sends allowed at the same time: one probe while the endpoint is in trouble. */
  slots(): number
  /** The endpoint answered. */
  answered(): void
  /**
   * An attempt that began at `startedAtMs` failed in a way that may pass; `afterMs` is the server's own wish.
   *
   * @returns the pause that follows, milliseconds.
   */
  failed(startedAtMs: number, afterMs: number | undefined): number
}

/** Starts at full speed. */
export function createPace(concurrency: number, now: () => number, random: () => number = Math.random): Pace {
  let failures = 0
  let pausedAt = Number.NEGATIVE_INFINITY
  let pausedUntil = 0

  return {
    waitMs: () => Math.max(0, pausedUntil - now()),
    slots: () => (failures > 0 ? 1 : concurrency),
    answered() {
      failures = 0
      pausedUntil = 0
    },
    failed(startedAtMs, afterMs) {
      const time = now()
      // Requests that were already under way when the pause began tell nothing new about the endpoint.
      if (startedAtMs >= pausedAt || failures === 0) {
        failures++
        pausedAt = time
        pausedUntil = time + backoffMs(failures, random)
      }
      if (afterMs !== undefined) pausedUntil = Math.max(pausedUntil, time + afterMs)
      return pausedUntil - time
    },
  }
}

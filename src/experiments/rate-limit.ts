import { monotonicMs } from '../builtins.js'
import type { SharedTurns } from './queues/row-queue.js'
import { pause, type Stop } from './stop.js'

/** How often something may be called. */
export interface RateLimit {
  readonly requestsPerMinute: number
  /** Calls that may come at once after a pause. @defaultValue one second's worth, at least 1 */
  readonly burst?: number
}

/** One limit, or one for each key (a model, an API key). The function's calls use the key `default`. */
export type RateLimits = RateLimit | Readonly<Record<string, RateLimit>>

/** Key of a limit given without one. */
export const DEFAULT_KEY = 'default'

/** Hands out calls of every key at its rate, in the order they were asked for. */
export interface RateLimiter {
  /** Resolves when a call of `key` may start, or when `stop` stops; `undefined` for a key without a limit. */
  take(key: string, stop: Stop): Promise<void> | undefined
  /** Holds back all calls of `key`, as a server asked for. */
  hold(key: string, waitMs: number): void
}

interface Bucket {
  readonly intervalMs: number
  readonly slackMs: number
  nextMs: number
}

/** What {@link createRateLimiter} goes by. */
export interface RateLimiterParts {
  /** Turns that several processes take from one place; where they cannot be had, each goes by its own. @defaultValue none */
  readonly shared?: SharedTurns | undefined
  /** Milliseconds. */
  readonly now?: () => number
}

/** Builds the limiter of a run. Buckets fill continuously; a call that finds none waits for its own place in time. */
export function createRateLimiter(limits: RateLimits, { shared, now = monotonicMs }: RateLimiterParts = {}): RateLimiter {
  const buckets = new Map<string, Bucket>(
    Object.entries(isSingle(limits) ? { [DEFAULT_KEY]: limits } : limits).map(([key, limit]) => {
      const intervalMs = 60_000 / limit.requestsPerMinute
      const burst = limit.burst ?? Math.max(1, Math.floor(limit.requestsPerMinute / 60))
      return [key, { intervalMs, slackMs: (burst - 1) * intervalMs, nextMs: Number.NEGATIVE_INFINITY }]
    }),
  )
  return {
    take(key, stop) {
      const bucket = buckets.get(key)
      if (bucket === undefined) return undefined
      const ownMs = takeOwn(bucket)
      if (shared === undefined) return pause(ownMs, stop)
      return shared.take(key, bucket).then(
        (waitMs) => pause(waitMs, stop),
        () => pause(ownMs, stop),
      )
    },
    hold(key, waitMs) {
      const bucket = buckets.get(key)
      if (bucket === undefined) return
      bucket.nextMs = Math.max(bucket.nextMs, now() + waitMs)
      shared?.hold(key, waitMs).catch(() => undefined)
    },
  }

  function takeOwn(bucket: Bucket): number {
    const nowMs = now()
    // `nextMs` is the earliest start if calls came evenly; up to `slackMs` of it may be used ahead (GCRA).
    const startMs = Math.max(bucket.nextMs, nowMs - bucket.slackMs)
    bucket.nextMs = startMs + bucket.intervalMs
    return startMs - nowMs
  }
}

/** Whether limits are given without keys. */
export function isSingle(limits: RateLimits): limits is RateLimit {
  return typeof (limits as RateLimit).requestsPerMinute === 'number'
}

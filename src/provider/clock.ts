import { types } from 'node:util'
import { monotonicMs as readMonotonic, unixMs as readUnix } from '../builtins.js'
import type { HrTime, TimeInput } from '@opentelemetry/api'

/**
 * One reading of both clocks. Every span of a trace measures from the anchor of its root, so that a step of the system
 * clock in the middle of a trace cannot move children against their parent.
 */
export type ClockAnchor = number

/** The two clocks of a process. */
export interface Clock {
  /**
   * Unix time in milliseconds at which the monotonic clock was zero, by the system clock as it stands.
   *
   * @param nowMs a reading of the monotonic clock just made; each one costs as much as a small object.
   */
  anchor(nowMs?: number): ClockAnchor
  /** Milliseconds since some point, with fractions; never goes back. */
  monotonicMs(): number
}

// `Date.now()` has whole milliseconds: two readings may differ by one without any step of the clock.
const STEP_MS = 5
/** The system clock is not read for every root of a burst. */
const CHECK_EVERY_MS = 1

/** Reads the clocks of this process. All traces share one anchor, so that they keep their order, until the clock steps. */
export function createSystemClock(unixMs: () => number = readUnix, monotonicMs: () => number = readMonotonic): Clock {
  let checkedMs = monotonicMs()
  let anchor = unixMs() - checkedMs
  return {
    anchor(nowMs = monotonicMs()) {
      if (nowMs - checkedMs < CHECK_EVERY_MS && nowMs > checkedMs) return anchor
      checkedMs = nowMs
      const today = unixMs() - nowMs
      if (Math.abs(today - anchor) > STEP_MS) anchor = today
      return anchor
    },
    monotonicMs,
  }
}

/** Unix milliseconds, with fractions, on the time line of `anchor`. */
export function nowOn(anchor: ClockAnchor, clock: Clock): number {
  return anchor + clock.monotonicMs()
}

// Years 1970 to 2262: beyond it nanoseconds do not fit the 64 bits of the wire format.
const MAX_UNIX_MS = 9_223_372_036_854

/**
 * Unix milliseconds of a time given by a caller of the OpenTelemetry API: a Date, Unix milliseconds, a
 * `performance.now()` reading or a `[seconds, nanoseconds]` pair. Anything else gives `undefined`.
 */
export function toUnixMs(time: TimeInput | undefined, anchor: ClockAnchor): number | undefined {
  const ms = readTimeOrNothing(time, anchor)
  return ms !== undefined && ms >= 0 && ms <= MAX_UNIX_MS ? ms : undefined
}

/** A pair may have getters, and a Proxy may refuse every look at it. */
function readTimeOrNothing(time: unknown, anchor: ClockAnchor): number | undefined {
  if (time === undefined) return undefined
  try {
    return readTime(time, anchor)
  } catch {
    return undefined
  }
}

function readTime(time: unknown, anchor: ClockAnchor): number | undefined {
  // As the OpenTelemetry SDK has it: Unix times from before the start of the process are common where old data is recorded.
  if (typeof time === 'number') return time <= readMonotonic() ? anchor + time : time
  if (types.isDate(time)) return time.getTime()
  if (Array.isArray(time) && typeof time[0] === 'number' && typeof time[1] === 'number') return time[0] * 1000 + time[1] / 1e6
  return undefined
}

/** `[seconds, nanoseconds]` of Unix milliseconds, as the OpenTelemetry span model wants it. */
export function toHrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1000)
  const nanos = Math.round((unixMs - seconds * 1000) * 1e6)
  return nanos === 1e9 ? [seconds + 1, 0] : [seconds, nanos]
}

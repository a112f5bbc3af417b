import type { RestBody, RestClient } from '../api/client.js'
import type { Session } from '../context/session.js'
import type { Clock } from '../provider/clock.js'
import type { RestCalls } from './exporter-types.js'

/** How long no span of a session ended before its end is told, milliseconds; as long as a batch of spans waits at most. */
const QUIET_MS = 5_000
/** How long the end of a session in which spans keep ending is held back, milliseconds. */
const LONGEST_WAIT_MS = 60_000
/** Most sessions whose end waits to be told: beyond it all are told at once. */
const MAX_WAITING = 10_000

/** The last end of a session's spans, not told yet. Times on the monotonic clock are readings of the tracer's. */
interface WaitingEnd {
  readonly startedAtMs: number
  /** Unix milliseconds. */
  endedAtMs: number
  readonly sinceMs: number
  lastMs: number
}

/**
 * The REST calls of one tracer, which also tell when its sessions ended: a session ends no earlier than its last span, however
 * long the network took. The end goes with the next update of the session, else by itself once the session is quiet, and before
 * a flush; so a session costs one call more at most for each time it falls quiet.
 */
export class SessionCalls implements RestCalls {
  readonly #rest: RestClient
  readonly #clock: Clock
  readonly #waiting = new Map<string, WaitingEnd>()
  #timer: NodeJS.Timeout | undefined

  constructor(rest: RestClient, clock: Clock) {
    this.#rest = rest
    this.#clock = clock
  }

  startSession(body: RestBody): Promise<boolean> {
    return this.#rest.startSession(body)
  }

  updateEvent(body: RestBody): Promise<boolean> {
    const id = String(body.event_id)
    const end = this.#waiting.get(id)
    this.#waiting.delete(id)
    return this.#rest.updateEvent(end === undefined ? body : { ...body, ...toTimes(end) })
  }

  createEvent(body: RestBody): Promise<boolean> {
    return this.#rest.createEvent(body)
  }

  noteSpanEnd({ id, record }: Session, endedAtMs: number): void {
    if (record.startedAtMs === undefined || record.isLost) return
    const nowMs = this.#clock.monotonicMs()
    const known = this.#waiting.get(id)
    if (known === undefined) this.#waiting.set(id, { startedAtMs: record.startedAtMs, endedAtMs, sinceMs: nowMs, lastMs: nowMs })
    else {
      known.endedAtMs = Math.max(known.endedAtMs, endedAtMs)
      known.lastMs = nowMs
    }
    if (this.#waiting.size > MAX_WAITING) this.#tellAll()
    else this.#lookLater()
  }

  flush(timeoutMs: number): Promise<boolean> {
    this.#tellAll()
    return this.#rest.flush(timeoutMs)
  }

  drain(timeoutMs: number): Promise<boolean> {
    this.#tellAll()
    return this.#rest.drain(timeoutMs)
  }

  close(timeoutMs: number): Promise<boolean> {
    this.#tellAll()
    return this.#rest.close(timeoutMs)
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#tellQuiet()
      this.#lookLater()
    }, QUIET_MS)
    // What waits at the natural end of the process is told with the last flush.
    this.#timer.unref()
  }

  #tellQuiet(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [id, { sinceMs, lastMs }] of this.#waiting)
      if (nowMs - lastMs >= QUIET_MS || nowMs - sinceMs >= LONGEST_WAIT_MS) void this.updateEvent({ event_id: id })
  }

  #tellAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const id of this.#waiting.keys()) void this.updateEvent({ event_id: id })
  }
}

function toTimes({ startedAtMs, endedAtMs }: WaitingEnd): RestBody {
  return { end_time: endedAtMs, duration: Math.max(0, endedAtMs - startedAtMs) }
}

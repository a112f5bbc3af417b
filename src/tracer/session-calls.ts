import { clearTimeout, setTimeout, NativeMap } from '../builtins.js'
import type { RestBody, RestClient } from '../api/client.js'
import type { Session } from '../context/session.js'
import type { Clock } from '../provider/clock.js'
import type { RestCalls } from './exporter-types.js'

/** When the end of a session is told by itself. */
interface Patience {
  /** How long no span of the session ended, milliseconds. */
  readonly quietMs: number
  /** How long it is held back at most while spans keep ending, milliseconds. */
  readonly longestMs: number
}

const PATIENCE: Patience = { quietMs: 5_000, longestMs: 60_000 }
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
  readonly #patience: Patience
  /** By session id; none while every end is told. */
  #waiting: Map<string, WaitingEnd> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(rest: RestClient, clock: Clock, patience: Patience = PATIENCE) {
    this.#rest = rest
    this.#clock = clock
    this.#patience = patience
  }

  startSession(body: RestBody): Promise<boolean> {
    return this.#rest.startSession(body)
  }

  updateEvent(body: RestBody): Promise<boolean> {
    const id = String(body.event_id)
    const end = this.#waiting?.get(id)
    this.#waiting?.delete(id)
    if (this.#waiting?.size === 0) this.#waiting = undefined
    return this.#rest.updateEvent(end === undefined ? body : { ...body, ...toTimes(end) })
  }

  /** Calls that are not over; a session's end that still waits is none. */
  get unsettled(): number {
    return this.#rest.unsettled
  }

  createEvent(body: RestBody): Promise<boolean> {
    return this.#rest.createEvent(body)
  }

  noteSpanEnd({ id, record }: Session, endedAtMs: number, nowMs: number): void {
    if (record.startedAtMs === undefined || record.isLost) return
    this.#waiting ??= new NativeMap()
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
    if (this.#timer !== undefined || this.#waiting === undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#tellQuiet()
      this.#lookLater()
    }, this.#patience.quietMs)
    // What waits at the natural end of the process is told with the last flush.
    this.#timer.unref()
  }

  #tellQuiet(): void {
    const nowMs = this.#clock.monotonicMs()
    const { quietMs, longestMs } = this.#patience
    for (const [id, { sinceMs, lastMs }] of this.#waiting ?? [])
      if (nowMs - lastMs >= quietMs || nowMs - sinceMs >= longestMs) void this.updateEvent({ event_id: id })
  }

  #tellAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const id of this.#waiting?.keys() ?? []) void this.updateEvent({ event_id: id })
  }
}

function toTimes({ startedAtMs, endedAtMs }: WaitingEnd): RestBody {
  return { end_time: endedAtMs, duration: Math.max(0, endedAtMs - startedAtMs) }
}

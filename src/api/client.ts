import type { Diagnostics } from '../diagnostics.js'
import { HoneyHiveError } from '../errors.js'
import { createBarrier } from '../export/flush-barrier.js'
import { runDetached } from '../export/detached.js'
import type { Ledger } from '../export/ledger.js'
import { createPace, type Pace } from '../export/backoff.js'
import type { Transport } from '../export/transport.js'
import { attemptOnce, requestJson, type RestAttempt, type RestMethod, type RestRequestOptions } from './http.js'

/** JSON fields of a request body. */
export type RestBody = Readonly<Record<string, unknown>>

/** The REST interface of one tracer. */
export interface RestClient {
  /** `POST /session/start`. Resolves to whether the server took it; never rejects and need not be awaited. */
  startSession(session: RestBody): Promise<boolean>
  /** `PUT /events` with `event_id` in the body, after earlier calls about that id. Otherwise like {@link startSession}. */
  updateEvent(update: RestBody): Promise<boolean>
  /** `POST /events`, after the start of its session. Otherwise like {@link startSession}. */
  createEvent(event: RestBody): Promise<boolean>
  /**
   * One awaited request with a JSON reply.
   *
   * @throws HoneyHiveError with code `HTTP_STATUS`, `HTTP_TIMEOUT`, `HTTP_NETWORK` or `BAD_REPLY`.
   */
  request<T>(method: RestMethod, path: string, body?: unknown, options?: RestRequestOptions): Promise<T>
  /** Waits for the calls made so far; true when all of them succeeded and none failed since the last flush. Never rejects. */
  flush(timeoutMs: number): Promise<boolean>
  /** Like {@link flush}, then gives up what is left, so that nothing keeps the process alive. */
  drain(timeoutMs: number): Promise<boolean>
  /** Like {@link drain}; later calls resolve to false. Idempotent. */
  shutdown(timeoutMs: number): Promise<boolean>
  /** Calls not finished. */
  readonly pending: number
}

/** Parts and settings of {@link createRestClient}. */
export interface RestClientOptions {
  /** `undefined` means no network at all: every call resolves to false at once. */
  readonly transport: Transport | undefined
  readonly diagnostics: Diagnostics
  readonly ledger: Ledger
  /** Limit of one attempt, milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number | undefined
  /** How long one call is tried, milliseconds from its first attempt. @defaultValue 60_000 */
  readonly retryBudgetMs?: number | undefined
  /** Most calls that may wait. @defaultValue 10_000 */
  readonly maxCalls?: number | undefined
  /** Most bytes the waiting calls may hold. @defaultValue 33_554_432 */
  readonly maxBytes?: number | undefined
  /** Milliseconds, monotonic. @defaultValue `performance.now` */
  readonly now?: (() => number) | undefined
}

interface Call {
  readonly seq: number
  readonly method: RestMethod
  readonly path: string
  readonly body: Buffer
  /** Aborts when the call is given up. */
  readonly signal: AbortSignal
  /** Whether a reply means success. */
  readonly accepts: (reply: unknown) => boolean
}

interface CallPlan extends Omit<Call, 'seq' | 'body' | 'signal'> {
  readonly content: unknown
  /** Ids whose earlier calls must be over first. */
  readonly after: readonly unknown[]
  /** Id later calls wait for. */
  readonly id: unknown
}

/** JSON writes a lone surrogate as an escape, which no strict reader takes; it becomes U+FFFD like everywhere else. */
function toJsonText(content: unknown): string {
  const text = JSON.stringify(content)
  return text.includes('\\ud') ? text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd')) : text
}

/** Requests of one client at the same time. */
const CONCURRENCY = 4

/** Opens the REST interface of one tracer. */
export function createRestClient(options: RestClientOptions): RestClient {
  const { transport, diagnostics, ledger, timeoutMs = 10_000, retryBudgetMs = 60_000, now = () => performance.now() } = options
  const { maxCalls = 10_000, maxBytes = 33_554_432 } = options
  const barrier = createBarrier()
  const pace = createPace(CONCURRENCY, now)
  const slots = createSlots(pace)
  const tails = new Map<string, Promise<unknown>>()
  /** Aborted when the calls made so far are given up; later calls belong to the next one. */
  let round = new AbortController()
  let nextSeq = 0
  let pending = 0
  let pendingBytes = 0
  let failures = 0
  let seenFailures = 0
  let closing: Promise<boolean> | undefined

  function call(plan: CallPlan): Promise<boolean> {
    const body = admit(plan)
    if (body === undefined) return Promise.resolve(false)
    const seq = nextSeq++
    pending++
    pendingBytes += body.byteLength
    const before = plan.after.map((id) => tails.get(String(id))).filter((tail) => tail !== undefined)
    const { signal } = round
    const outcome = runDetached(async () => {
      await Promise.all(before)
      return deliver({ ...plan, seq, body, signal })
    })
      .catch(() => false)
      .then((isDelivered) => settle(seq, body, isDelivered))
    queueAfter(String(plan.id), outcome)
    return outcome
  }

  /** The body as bytes, taken now so that later changes do not count; `undefined` when the call cannot be made. */
  function admit({ content, path }: CallPlan): Buffer | undefined {
    if (transport === undefined) return undefined
    if (closing !== undefined) return refuse('rest-closed', `a call to ${path} came after shutdown`)
    if (pending >= maxCalls || pendingBytes >= maxBytes)
      return refuse('rest-full', `a call to ${path} was dropped: ${pending} calls are waiting for the server`)
    try {
      return Buffer.from(toJsonText(content))
    } catch {
      return refuse('rest-body', `a call to ${path} was dropped: its values cannot be written as JSON`)
    }
  }

  function refuse(topic: string, message: string): undefined {
    failures++
    diagnostics.warn(topic, message)
  }

  function settle(seq: number, body: Buffer, isDelivered: boolean): boolean {
    pending--
    pendingBytes -= body.byteLength
    if (!isDelivered) failures++
    barrier.settled([seq])
    return isDelivered
  }

  function queueAfter(id: string, outcome: Promise<unknown>): void {
    tails.set(id, outcome)
    void outcome.then(() => {
      if (tails.get(id) === outcome) tails.delete(id)
    })
  }

  async function deliver(item: Call): Promise<boolean> {
    let firstAttemptAtMs: number | undefined
    while (!item.signal.aborted) {
      await slots.take()
      if (item.signal.aborted) return slots.free(false)
      const startedAtMs = now()
      firstAttemptAtMs ??= startedAtMs
      const attempt = await attemptCall(item)
      if (attempt.error === undefined || !attempt.isRetryable) {
        pace.answered()
        return slots.free(conclude(item, attempt))
      }
      ledger.failed(attempt.error.message)
      const pauseMs = pace.failed(startedAtMs, attempt.retryAfterMs)
      slots.free(false)
      if (startedAtMs - firstAttemptAtMs + pauseMs > retryBudgetMs || item.signal.aborted) return fail(attempt.error)
    }
    return false
  }

  async function attemptCall({ method, path, body, signal }: Call): Promise<RestAttempt> {
    if (transport === undefined) throw new TypeError('there is no transport')
    ledger.requestMade()
    const attempt = await attemptOnce(transport, { method, path, body, timeoutMs, signal })
    // Every call carries the id it is about, so that sending it again changes nothing.
    return attempt.error !== undefined && attempt.error.code !== 'HTTP_STATUS' && attempt.error.code !== 'BAD_REPLY'
      ? { ...attempt, isRetryable: true }
      : attempt
  }

  function conclude(item: Call, { value, error }: RestAttempt): boolean {
    if (error !== undefined) return fail(error)
    if (item.accepts(value)) return true
    // The server took the call; ids are made here, and ingestion creates a session that is missing.
    diagnostics.warnOnce(
      'rest:reply',
      `${item.method} ${item.path} answered without the expected id. Check that \`serverUrl\` (HH_API_URL) is HoneyHive.`,
    )
    return true
  }

  function fail(error: HoneyHiveError): false {
    ledger.failed(error.message)
    diagnostics.warn(`rest:${error.code}`, error.message)
    return false
  }

  async function flush(limitMs: number): Promise<boolean> {
    const { isSettled, hasFailed } = await settleAll(limitMs)
    return isSettled && !hasFailed
  }

  async function drain(limitMs: number): Promise<boolean> {
    const { isSettled, hasFailed } = await settleAll(limitMs)
    // When all that was waited for is over, what is pending now was called by a program that goes on.
    if (!isSettled) giveUp()
    return isSettled && !hasFailed
  }

  /** Waits for the calls made so far, and tells whether any call failed since the last time. */
  async function settleAll(limitMs: number): Promise<{ isSettled: boolean; hasFailed: boolean }> {
    const seenBefore = seenFailures
    const isSettled = await barrier.wait(nextSeq, pending, limitMs)
    seenFailures = Math.max(seenFailures, failures)
    return { isSettled, hasFailed: failures !== seenBefore }
  }

  function giveUp(): void {
    diagnostics.warn('rest-given-up', `${pending} calls for sessions and events were given up: the server did not take them in time`)
    round.abort()
    round = new AbortController()
    slots.release()
  }

  return {
    startSession: (session) =>
      call({
        method: 'POST',
        path: '/session/start',
        content: { session },
        id: session.session_id,
        after: [session.session_id],
        accepts: hasSessionId,
      }),
    updateEvent: (update) =>
      call({ method: 'PUT', path: '/events', content: update, id: update.event_id, after: [update.event_id], accepts: () => true }),
    createEvent: (event) =>
      call({
        method: 'POST',
        path: '/events',
        content: { event },
        id: event.event_id,
        after: [event.event_id, event.session_id],
        accepts: () => true,
      }),
    request(method, path, body, requestOptions) {
      if (transport === undefined)
        return Promise.reject(new HoneyHiveError('HTTP_NETWORK', `${method} ${path} was not sent: this tracer has no network.`))
      ledger.requestMade()
      return requestJson(transport, method, path, body, requestOptions)
    },
    flush,
    drain,
    shutdown(limitMs) {
      closing ??= drain(limitMs)
      return closing
    },
    get pending() {
      return pending
    },
  }
}

function hasSessionId(reply: unknown): boolean {
  if (typeof reply !== 'object' || reply === null) return false
  return ('session_id' in reply && typeof reply.session_id === 'string') || ('event_id' in reply && typeof reply.event_id === 'string')
}

/** Lets as many calls run as the pace allows, in order. */
interface Slots {
  take(): Promise<void>
  /** Ends a call's turn and gives `value` back. */
  free<T>(value: T): T
  /** Lets everybody through who waits now. */
  release(): void
}

function createSlots(pace: Pace): Slots {
  const queue: (() => void)[] = []
  let taken = 0
  let timer: NodeJS.Timeout | undefined

  function admit(): void {
    clearTimeout(timer)
    timer = undefined
    while (queue.length > 0 && taken < pace.slots()) {
      const waitMs = pace.waitMs()
      if (waitMs > 0) {
        timer = setTimeout(admit, waitMs)
        timer.unref()
        return
      }
      taken++
      queue.shift()?.()
    }
  }

  return {
    take() {
      return new Promise((resolve) => {
        queue.push(resolve)
        admit()
      })
    },
    free(value) {
      taken--
      admit()
      return value
    },
    release() {
      clearTimeout(timer)
      timer = undefined
      taken += queue.length
      for (const enter of queue.splice(0)) enter()
    },
  }
}

import { toJsonText, resolved, NativePromise, NativeMap, NativeSet } from '../builtins.js'
import type { Diagnostics } from '../diagnostics.js'
import { HoneyHiveError } from '../errors.js'
import { Pump, type PumpJob, type PumpSource, type Retry } from '../export/pump.js'
import type { SendOptions } from '../export/span-sender.js'
import type { SpanStats } from '../export/stats.js'
import type { Transport } from '../export/transport.js'
import { attemptOnce, requestJson, type RestMethod, type RestRequestOptions } from './http.js'

/** JSON fields of a request body. */
export type RestBody = Readonly<Record<string, unknown>>

/** Parts and settings of {@link RestClient}. */
export interface RestClientOptions {
  /** `undefined` means no network at all: every call resolves to false at once. */
  readonly transport: Transport | undefined
  readonly diagnostics: Diagnostics
  readonly stats: SpanStats
  /** Limit of one attempt, milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number | undefined
  /** How long one call is tried, milliseconds from its first attempt. @defaultValue 60_000 */
  readonly retryBudgetMs?: number | undefined
  /** Most calls that may wait. @defaultValue 10_000 */
  readonly maxCalls?: number | undefined
  /** Most bytes the waiting calls may hold. @defaultValue 33_554_432 */
  readonly maxBytes?: number | undefined
}

/** What a call sends and whom it waits for. */
interface CallPlan {
  readonly method: RestMethod
  readonly path: string
  readonly content: unknown
  /** Id later calls wait for. */
  readonly id: unknown
  /** Further ids whose earlier calls must be over first. */
  readonly after?: readonly unknown[]
  /** Whether a reply is what the server sends. @defaultValue any reply is */
  readonly accepts?: (reply: unknown) => boolean
}

/** One call on its way. */
interface Call extends PumpJob {
  readonly plan: CallPlan
  readonly seq: number
  readonly body: Buffer
  readonly resolve: (isDelivered: boolean) => void
  /** Calls that wait for this one. */
  readonly followers: Call[]
  /** Calls this one waits for. */
  blockers: number
  /** The last failure. */
  error: HoneyHiveError | undefined
}

interface Answer {
  readonly kind: 'answered'
  readonly value: unknown
  readonly error: HoneyHiveError | undefined
}

/** Requests of one client at the same time. */
const CONCURRENCY = 4
const NO_PARTS: readonly Call[] = []
const START_PATH = '/session/start'

/**
 * The REST interface of one tracer. Calls about the same id go out in order; `startSession`, `updateEvent` and
 * `createEvent` resolve to whether the server took the call, never reject and need not be awaited.
 */
export class RestClient {
  readonly #options: RestClientOptions
  #calls: RestCalls | undefined
  #closing: Promise<boolean> | undefined

  constructor(options: RestClientOptions) {
    this.#options = options
  }

  /** `POST /session/start`. */
  startSession(session: RestBody): Promise<boolean> {
    return this.#call({ method: 'POST', path: START_PATH, content: { session }, id: session.session_id, accepts: hasSessionId })
  }

  /** `PUT /events` with `event_id` in the body, after earlier calls about that id. */
  updateEvent(update: RestBody): Promise<boolean> {
    return this.#call({ method: 'PUT', path: '/events', content: update, id: update.event_id })
  }

  /** `POST /events`, after the start of its session. */
  createEvent(event: RestBody): Promise<boolean> {
    return this.#call({ method: 'POST', path: '/events', content: { event }, id: event.event_id, after: [event.session_id] })
  }

  /**
   * One awaited request with a JSON reply.
   *
   * @throws HoneyHiveError with code `HTTP_STATUS`, `HTTP_TIMEOUT`, `HTTP_NETWORK` or `BAD_REPLY`.
   */
  request<T>(method: RestMethod, path: string, body?: unknown, options?: RestRequestOptions): Promise<T> {
    const { transport, stats } = this.#options
    if (transport === undefined)
      return NativePromise.reject(new HoneyHiveError('HTTP_NETWORK', `${method} ${path} was not sent: this tracer has no network.`))
    stats.requestMade()
    return requestJson(transport, method, path, body, options)
  }

  /** Waits for the calls made so far; true when all of them succeeded and none failed since the last flush. Never rejects. */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#calls?.pump.flush(timeoutMs) ?? resolved(true)
  }

  /** Like {@link flush}, then gives up what is left, so that nothing keeps the process alive. */
  drain(timeoutMs: number): Promise<boolean> {
    return this.#calls?.pump.drain(timeoutMs) ?? resolved(true)
  }

  /** Like {@link drain}; later calls resolve to false. Idempotent. */
  close(timeoutMs: number): Promise<boolean> {
    this.#closing ??= this.drain(timeoutMs)
    return this.#closing
  }

  /** Calls that would be missed: not over, and more than the start of a session, which ingestion makes up for. */
  get unsettled(): number {
    return this.#calls?.missed ?? 0
  }

  async #call(plan: CallPlan): Promise<boolean> {
    const { transport } = this.#options
    if (transport === undefined) return false
    this.#calls ??= new RestCalls(transport, this.#options)
    const calls = this.#calls
    const hasArrived = await calls.add(plan, this.#closing !== undefined)
    if (this.#calls === calls && calls.isForgettable) this.#calls = undefined
    return hasArrived
  }
}

/** The calls of one client that are not over: in order by id, otherwise side by side. */
class RestCalls implements PumpSource<Call, Answer> {
  readonly pump: Pump<Call, Answer>
  readonly #transport: Transport
  readonly #options: RestClientOptions
  /** The last call about each id; none while nothing is under way. */
  #last: Map<string, Call> | undefined
  /** Calls that wait for no other. */
  #ready: Call[] = []
  #bytes = 0
  #failures = 0
  #starts = 0

  constructor(transport: Transport, options: RestClientOptions) {
    const { stats, diagnostics, timeoutMs = 10_000, retryBudgetMs = 60_000 } = options
    this.#transport = transport
    this.#options = options
    this.pump = new Pump(this, { stats, diagnostics, limits: { concurrency: CONCURRENCY, exportTimeoutMs: timeoutMs, retryBudgetMs } })
  }

  get losses(): number {
    return this.#failures
  }

  /** Calls that are not over, starts of sessions excluded. */
  get missed(): number {
    return this.pump.barrier.unsettled - this.#starts
  }

  /** Whether new ones would be the same: nothing is under way, and there is no failure that a flush has to tell of. */
  get isForgettable(): boolean {
    return this.#failures === 0 && this.pump.barrier.unsettled === 0
  }

  /** Takes a call; its values are read now, so that later changes do not count. */
  add(plan: CallPlan, isClosed: boolean): Promise<boolean> {
    const body = this.#admit(plan, isClosed)
    return body === undefined ? resolved(false) : this.#queueSafely(plan, body)
  }

  async #queueSafely(plan: CallPlan, body: Buffer): Promise<boolean> {
    try {
      return await new NativePromise<boolean>((resolve) => this.#queue(plan, body, resolve))
    } catch {
      return this.#refuse('rest-fault', `a call to ${plan.path} was dropped: it could not be queued`) ?? false
    }
  }

  /** The body as bytes; `undefined` when the call cannot be made. */
  #admit({ content, path }: CallPlan, isClosed: boolean): Buffer | undefined {
    const { maxCalls = 10_000, maxBytes = 33_554_432 } = this.#options
    const { unsettled } = this.pump.barrier
    if (isClosed) return this.#refuse('rest-closed', `a call to ${path} came after shutdown`)
    if (unsettled >= maxCalls || this.#bytes >= maxBytes)
      return this.#refuse('rest-full', `a call to ${path} was dropped: ${unsettled} calls are waiting for the server`)
    try {
      return Buffer.from(toBodyText(content))
    } catch {
      return this.#refuse('rest-body', `a call to ${path} was dropped: its values cannot be written as JSON`)
    }
  }

  #refuse(topic: string, message: string): undefined {
    this.#failures++
    this.#options.diagnostics.warn(topic, message)
  }

  #queue(plan: CallPlan, body: Buffer, resolve: Call['resolve']): void {
    const seq = this.pump.barrier.admit()
    const call: Call = {
      plan,
      seq,
      body,
      resolve,
      followers: [],
      blockers: 0,
      error: undefined,
      firstAttemptAtMs: undefined,
      lastError: '',
    }
    this.#bytes += body.byteLength
    if (isStart(plan)) this.#starts++
    this.#last ??= new NativeMap()
    for (const id of new NativeSet([plan.id, ...(plan.after ?? [])])) {
      const before = this.#last.get(String(id))
      if (before === undefined) continue
      before.followers.push(call)
      call.blockers++
    }
    this.#last.set(String(plan.id), call)
    if (call.blockers === 0) this.#makeReady(call)
  }

  #makeReady(call: Call): void {
    this.#ready.push(call)
    this.pump.wake()
  }

  readyInMs(): number | undefined {
    return this.#ready.length > 0 ? 0 : undefined
  }

  take(): Call | undefined {
    const next = this.#ready.shift()
    // What is empty keeps the room that it once took.
    if (this.#ready.length === 0) this.#ready = []
    return next
  }

  async send(call: Call, options: SendOptions): Promise<Answer | Retry> {
    const { method, path } = call.plan
    this.#options.stats.requestMade()
    const { value, error, isRetryable, isLasting, retryAfterMs } = await attemptOnce(this.#transport, {
      method,
      path,
      body: call.body,
      ...options,
    })
    call.error = error
    if (error === undefined) return { kind: 'answered', value, error }
    // Every call carries the id it is about, so that sending it again changes nothing.
    const isRetried = isRetryable || (error.code !== 'HTTP_STATUS' && error.code !== 'BAD_REPLY')
    return isRetried ? { kind: 'retry', afterMs: retryAfterMs, detail: error.message, isLasting } : { kind: 'answered', value, error }
  }

  conclude(call: Call, { value, error }: Answer): readonly Call[] {
    if (error !== undefined) return this.#fail(call, error)
    const { method, path, accepts, id } = call.plan
    this.#options.diagnostics.debug(() => `${method} ${path} arrived at ${this.#transport.baseUrl}, about ${String(id)}`)
    // The server took the call; ids are made here, and ingestion creates a session that is missing.
    if (accepts?.(value) === false)
      this.#options.diagnostics.warnOnce(
        'rest:reply',
        `${method} ${path} answered without the expected id. Check that \`serverUrl\` (HH_API_URL) is HoneyHive.`,
      )
    return this.#settle(call, true)
  }

  lose(call: Call): void {
    this.#fail(call, call.error)
  }

  giveUp(calls: readonly Call[]): void {
    const { unsettled } = this.pump.barrier
    if (unsettled === 0) return
    this.#options.diagnostics.warn(
      'rest-given-up',
      `${unsettled} calls for sessions and events were given up: the server did not take them in time`,
    )
    for (const call of calls) this.#settle(call, false)
    // Each call that ends sets free the ones behind it.
    for (let call = this.take(); call !== undefined; call = this.take()) this.#settle(call, false)
  }

  #fail(call: Call, error: HoneyHiveError | undefined): readonly Call[] {
    if (error !== undefined) {
      this.#options.stats.failed(error.message)
      this.#options.diagnostics.warn(`rest:${error.code}`, error.message)
    }
    return this.#settle(call, false)
  }

  #settle(call: Call, isDelivered: boolean): readonly Call[] {
    const id = String(call.plan.id)
    if (this.#last?.get(id) === call) this.#last.delete(id)
    if (this.#last?.size === 0) this.#last = undefined
    this.#bytes -= call.body.byteLength
    if (isStart(call.plan)) this.#starts--
    if (!isDelivered) this.#failures++
    for (const follower of call.followers) if (--follower.blockers === 0) this.#makeReady(follower)
    call.resolve(isDelivered)
    this.pump.barrier.settle([call.seq])
    return NO_PARTS
  }
}

function isStart({ path }: CallPlan): boolean {
  return path === START_PATH
}

/** JSON writes a lone surrogate as an escape, which no strict reader takes; it becomes U+FFFD like everywhere else. */
function toBodyText(content: unknown): string {
  const text = toJsonText(content)
  if (text[0] !== '{') throw new TypeError('a `toJSON` made something else of the body')
  return text.includes('\\ud') ? text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd')) : text
}

function hasSessionId(reply: unknown): boolean {
  if (typeof reply !== 'object' || reply === null) return false
  return ('session_id' in reply && typeof reply.session_id === 'string') || ('event_id' in reply && typeof reply.event_id === 'string')
}

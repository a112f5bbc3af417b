import { mapTexts } from '../values/secrets/map-texts.js'
import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { resolved, NativeMap } from '../builtins.js'
import { metrics, type Span, type SpanOptions, type TextMapPropagator, type Tracer } from '@opentelemetry/api'
import { EventType } from '../semantics/attributes.js'
import type { TracerOptions } from '../config/options.js'
import { resolveConfig } from '../config/resolve.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { readIdText, toOwnId } from '../semantics/session-id.js'
import { enterOnAwait, type UnusedReason } from '../context/enter.js'
import type { HeaderCarrier } from '../context/propagation.js'
import type { FrameValues, Scope } from '../context/frame.js'
import type { TracerHandle } from '../context/instance.js'
import { runInScope } from '../context/scope.js'
import type { EvaluationIdentity, Session, SessionOptions } from '../context/session.js'
import { HoneyHiveConfigError } from '../errors.js'
import type { TracerStats } from '../export/stats.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import type { FlushableTracerProvider } from '../provider/routing-provider.js'
import { MessageLoggerProvider } from '../provider/message-logger.js'
import { readSurroundings } from '../provider/owner.js'
import { fieldsOf, readField } from '../options/fields.js'
import { toKind } from '../options/shown.js'
import { nameText } from '../provider/span-arguments.js'
import { keepShapes } from './kept-shapes.js'
import { VERSION } from '../version.js'
import type { TraceDecorator } from '../wrap/decorate.js'
import { bindTo } from './bind.js'
import { type Enrichment, enrichSpan, type SessionEnrichment, type SpanEnrichment, toUpdateBody, type WithMetadata } from './enrich.js'
import { type Collaborators, TracerInstance } from './instance.js'
import { noteEvaluation } from './evaluation.js'
import { enableInstrumentation } from './instrumentations.js'
import { GivenCheck } from './given-check.js'
import { forgetInstance, noFunction, registerInstance } from './registry.js'
import { continueFrom, readCaller } from './remote.js'
import { createSession } from './session.js'
import { takeBackWritten } from './written-headers.js'
import type { Callable, TraceOptions } from '../wrap/trace-options.js'
import { callInSpan, trace } from './tracing.js'

/** What `withSession` gives to its callback. */
export interface SessionHandle {
  readonly sessionId: string
  readonly sessionName: string
  /** Adds data to this session; see {@link HoneyHiveTracer.enrichSession}. */
  enrich(enrichment: WithMetadata<SessionEnrichment>): Promise<boolean>
}

/** Settings of `withSession` and `createSession`. */
export interface WithSessionOptions extends SessionOptions {
  /**
   * Headers of a remote caller whose trace the session's first spans continue. Where they name another session, its first spans
   * are roots with a link to the caller's: no event has a parent in another session.
   */
  readonly linkCarrier?: HeaderCarrier | undefined
  /** Experiment identity that every span of the session carries. */
  readonly evaluation?: EvaluationIdentity | undefined
}

/** An event that is recorded without a span. */
export interface EventOptions extends Enrichment {
  readonly eventName: string
  /** @defaultValue `'tool'` */
  readonly eventType?: string | undefined
  /** @defaultValue a new UUID */
  readonly eventId?: string | undefined
  /** Id of the event it belongs under, as given when that one was created: what is no UUID becomes one, as with `eventId`. @defaultValue the session */
  readonly parentId?: string | undefined
  readonly error?: string | undefined
  /** Milliseconds. @defaultValue 0 */
  readonly durationMs?: number | undefined
  /** @defaultValue the current session */
  readonly sessionId?: string | undefined
}

/** Settings of a span that is started by hand. */
export interface SpanSettings extends SpanOptions, Enrichment {
  /** Kind of event. @defaultValue `'tool'` */
  readonly eventType?: EventType | undefined
  /** Id of the event, for updating it later. */
  readonly eventId?: string | undefined
}

/** Settings of a span that runs a function. */
export type ActiveSpanOptions = Omit<TraceOptions, 'tracer' | 'eventName' | 'inputs'> &
  Pick<SpanOptions, 'links' | 'root' | 'startTime'> & {
    /** What to record as inputs. */
    readonly inputs?: Readonly<Record<string, unknown>> | undefined
  }

const DEFAULT_FLUSH_MS = 30_000
const DEFAULT_SHUTDOWN_MS = 5_000
/** Only who has it makes tracers: plain JavaScript does not know that the constructor is private. */
const INIT: unique symbol = Symbol('HoneyHiveTracer.init')
const USE_INIT =
  'Tracers are made by `HoneyHiveTracer.init({ … })`, which takes the same options; write that in place of `new HoneyHiveTracer({ … })`.'

/**
 * One isolated tracer: its own key, project, session, sampling, redaction, limits, queue and export. Any number of them
 * live in one process, and nothing of one ever appears on a span, request or header of another.
 */
export class HoneyHiveTracer implements TracerHandle, AsyncDisposable {
  static {
    Object.defineProperty(HoneyHiveTracer.prototype, inspect.custom, { value: HoneyHiveTracer.prototype.toString })
  }

  readonly #config: ResolvedConfig
  readonly #instance: TracerInstance
  #givenCheck: GivenCheck | undefined
  #closing: Promise<boolean> | undefined

  private constructor(maker: typeof INIT, config: ResolvedConfig, collaborators: Collaborators | undefined) {
    if (maker !== INIT) throw new HoneyHiveConfigError([{ option: 'new', message: USE_INIT }], 'new HoneyHiveTracer')
    this.#config = config
    const caller = config.linkCarrier === undefined ? undefined : readCaller(config.linkCarrier)
    this.#instance = new TracerInstance({ tracer: this, config, caller, collaborators })
  }

  /**
   * Makes a tracer. Synchronous: nothing is sent, no listener is added, no OpenTelemetry global is set.
   *
   * Without an API key the tracer is disabled: user code runs untouched, nothing is sent, and one warning says so.
   *
   * @throws HoneyHiveConfigError when options given in code are wrong; it lists all of them.
   */
  static init(options?: TracerOptions): HoneyHiveTracer {
    return HoneyHiveTracer.initWith(options)
  }

  /** {@link init} with other sources of ids and time; for `honeyhive-tracer/testing`. */
  static initWith(options: TracerOptions | undefined, collaborators?: Collaborators): HoneyHiveTracer {
    const given = resolveConfig(options)
    const askKey = given.apiKey === undefined ? undefined : collaborators?.askKey
    const config = askKey === undefined ? given : Object.freeze({ ...given, askKey })
    const tracer = new HoneyHiveTracer(INIT, config, collaborators)
    registerInstance(tracer.#instance)
    const again = noteEvaluation(tracer.#instance)
    if (again !== undefined) tracer.#instance.takePlaceOf(again.replaced, `${again.file} was evaluated again`)
    tracer.#instance.speakWarnings()
    if (tracer.isEnabled && !config.testMode) keepShapes()
    tracer.#enableInstrumentations()
    return tracer
  }

  /** The inside of this tracer, for the other parts of this package. */
  get instance(): TracerInstance {
    return this.#instance
  }

  /**
   * The provider to give to OpenTelemetry instrumentations, the AI SDK or an agents SDK. It routes: each span goes to the
   * tracer that is active where the span starts, and to this one where none is. With the first such span the standard
   * OpenTelemetry context manager is registered if the process has none (`registerContextManager: false` forbids that).
   */
  get provider(): FlushableTracerProvider {
    return this.#instance.provider
  }

  /**
   * An OpenTelemetry tracer on {@link provider}, for libraries that take a tracer. Its spans keep the scope name of the library
   * where they tell it: the AI SDK's is `ai`.
   */
  get otelTracer(): Tracer {
    return this.#instance.provider.getUnnamedTracer({ name: 'honeyhive-tracer', version: VERSION })
  }

  /**
   * {@link injectContext} and {@link withRemoteContext} as OpenTelemetry's propagator, for libraries that take one. What it
   * extracts into a context is continued by this tracer alone; it is never registered globally.
   */
  get propagator(): TextMapPropagator {
    return this.#instance.propagator
  }

  /** Id of the session that is current in this async context, else of the tracer's own. */
  get sessionId(): string {
    return this.#instance.current().session.id
  }

  /** Name of the session that is current in this async context, else of the tracer's own. */
  get sessionName(): string {
    return this.#instance.current().session.name
  }

  /** Label given as `project`; the key decides where the spans go. */
  get project(): string | undefined {
    return this.#config.project
  }

  /** Environment label on every span. */
  get source(): string {
    return this.#config.source
  }

  /** Base URL of the server, without a trailing slash. */
  get serverUrl(): string {
    return this.#config.serverUrl
  }

  /** Whether the tracer keeps everything in memory and never uses the network. */
  get testMode(): boolean {
    return this.#config.testMode
  }

  /** False when nothing is recorded: no key, `disabled`, or shut down. */
  get isEnabled(): boolean {
    return this.#instance.isLive && this.#instance.isRecording
  }

  /** The books of this tracer: every span started is open, exported, pending or dropped under a named reason. */
  stats(): TracerStats {
    return this.#instance.stats.snapshot()
  }

  /** What became of a recent span and why, by its id or name, as one line. */
  explain(spanIdOrName: string): string {
    return this.#instance.guard('explain', 'unknown: looking for it failed', () => this.#instance.stats.explain(nameText(spanIdOrName)))
  }

  /** {@link trace} with this tracer: decorates methods and wraps functions. */
  trace(options: Omit<TraceOptions, 'tracer'> = {}): TraceDecorator {
    if (typeof options !== 'object') throw noFunction('trace', options, 'tracer.trace({ … })(fn)')
    return trace({ ...options, tracer: this })
  }

  /**
   * Runs `fn` inside a new active span, which ends by itself when `fn` returns, resolves, fails or its stream ends.
   *
   * @returns what `fn` returns, unchanged; what `fn` throws is thrown unchanged.
   */
  startActiveSpan<R>(name: string, fn: (span: Span) => R): R
  startActiveSpan<R>(name: string, options: ActiveSpanOptions, fn: (span: Span) => R): R
  startActiveSpan<R>(name: string, ...rest: [(span: Span) => R] | [ActiveSpanOptions, (span: Span) => R]): R {
    // No destructuring: an array is taken apart by an iterator, which the host may have changed.
    const isAlone = rest.length === 1
    if (this.isEnabled) this.#check.span('startActiveSpan', name, isAlone ? undefined : rest[0])
    return callInSpan(
      this.#instance,
      name,
      isAlone ? {} : (rest[0] as ActiveSpanOptions),
      (isAlone ? rest[0] : rest[1]) as (span: Span) => R,
    )
  }

  /** Starts a span that is ended by hand. It nests under what is active but does not become active itself. */
  startSpan(name: string, options?: SpanSettings): Span {
    if (this.isEnabled) this.#check.span('startSpan', name, options ?? undefined)
    return this.#instance.startManual(name, options ?? undefined)
  }

  /**
   * A function that runs `fn` in the scope of now: with this tracer innermost, and with its span and session that are current here.
   * For queues, limiters, loaders and emitters, which run what they are given where it suits them.
   *
   * @returns `fn` in every other respect; anything that is no function is given back as it is.
   */
  bind<F extends Callable>(fn: F): F {
    this.#check.callable('bind', fn)
    return bindTo(this.#instance, fn)
  }

  /**
   * Adds data to this tracer's innermost active span. Keys that are no bucket count as metadata: `enrichSpan({ user_id })`.
   *
   * @returns false when this tracer has no active span here.
   */
  enrichSpan(enrichment: WithMetadata<SpanEnrichment>): boolean {
    return this.#instance.guard('enrichSpan', false, () => {
      const { span } = this.#instance.current()
      const isOver = span instanceof GuardedSpan ? span.hasEnded : span === undefined
      if (isOver && this.isEnabled) this.#check.outside('enrichSpan')
      if (!(span instanceof GuardedSpan) || !span.isRecording() || !this.#check.enrichment('enrichSpan', enrichment)) return false
      enrichSpan(span, enrichment, (value) => this.#instance.snapshot(value))
      return true
    })
  }

  /**
   * Adds data to the current session, or to `sessionId`. Keys that are no bucket count as metadata. Sent in the background, in
   * order; safe to leave un-awaited.
   *
   * @returns whether it arrived; never rejects.
   */
  enrichSession(enrichment: WithMetadata<SessionEnrichment>): Promise<boolean> {
    return this.#instance.guard('enrichSession', resolved(false), () => {
      const { session } = this.#instance.current()
      if (!this.#check.enrichment('enrichSession', enrichment)) return resolved(false)
      const other = readSessionId(enrichment)
      if (other === undefined && this.isEnabled) this.#instance.ensureSession(session)
      return this.#update(other ?? session.id, enrichment)
    })
  }

  /**
   * Adds data to an event by its id, also from another process. Late `inputs` are kept under `metadata.inputs`, because
   * the backend ignores them otherwise.
   *
   * @returns whether it arrived; never rejects.
   */
  updateEvent(eventId: string, enrichment: WithMetadata<SpanEnrichment>): Promise<boolean> {
    return this.#instance.guard('updateEvent', resolved(false), () => {
      if (toOwnId(readIdText(eventId)) === undefined) throw new TypeError(describeNoId(eventId))
      return this.#check.enrichment('updateEvent', enrichment) ? this.#update(eventId, enrichment) : resolved(false)
    })
  }

  /**
   * Records an event without a span.
   *
   * @returns its id, or `undefined` when it was lost; never rejects.
   */
  createEvent(given: EventOptions): Promise<string | undefined> {
    return this.#instance.guard<Promise<string | undefined>>('createEvent', resolved(undefined), () => {
      if (!this.#check.event(given)) return resolved(undefined)
      const event = fieldsOf(given)
      if (!this.isEnabled) return resolved(undefined)
      const eventId = toOwnId(event.eventId) ?? randomUUID()
      const arrival = this.#instance.exporters.rest.createEvent(this.#toEventBody(event, eventId))
      return idOf(eventId, arrival)
    })
  }

  /**
   * Runs `fn` with a session of its own: every span of this tracer that starts inside belongs to it. The session before is
   * current again afterwards. Nothing waits for the network.
   *
   * @returns what `fn` returns, unchanged; what `fn` throws is thrown unchanged.
   */
  withSession<R>(options: WithSessionOptions, fn: (session: SessionHandle) => R): R {
    if (typeof fn !== 'function') throw noFunction('withSession', fn, 'withSession({ sessionName }, fn)')
    const frame = this.#openSession('withSession', options)
    if (frame === undefined) return fn(this.#toHandle(this.#instance.ownSession))
    return runInScope(this.#instance.enter(frame), fn, this.#toHandle(frame.session))
  }

  /**
   * Makes a session current for the rest of the async function that awaits this, and for everything it starts from then
   * on. Callers, siblings and later requests do not see it. Await it at once, or what `then`, `catch` or `finally` make of it.
   * Where something else waits for it (`Promise.all`, a helper that returns it), it is current nowhere, and one warning says
   * so; {@link withSession} works everywhere.
   *
   * @returns the session's id, without a round trip.
   */
  createSession(options: WithSessionOptions = {}): Promise<string> {
    const frame = this.#openSession('createSession', options)
    if (frame === undefined) return resolved(this.sessionId)
    const { session } = frame
    const toScope = (scope: Scope | undefined): Scope => this.#instance.enter(frame, readSurroundings(scope))
    return enterOnAwait(session.id, { toScope, onUnused: (why) => this.#warnNotCurrent(session, why) })
  }

  /**
   * Adds W3C `traceparent`, and session id, source and evaluation ids as W3C baggage, to outgoing headers. Never a key and
   * never other baggage of the host; baggage that is there already stays. What an earlier call wrote on the same carrier does not.
   *
   * @returns the carrier.
   */
  injectContext<C extends HeaderCarrier>(headers: C): C {
    if (this.isEnabled) this.#check.headers('injectContext', headers)
    return this.#instance.guard('injectContext', headers, () => {
      if (this.isEnabled) this.#instance.injectCurrent(headers)
      else takeBackWritten(headers)
      return headers
    })
  }

  /**
   * Runs `fn` as the continuation of a remote caller: its span is the parent and its session the session of what this
   * tracer records inside. Nothing in the headers can choose another tracer or key.
   *
   * @returns what `fn` returns, unchanged; what `fn` throws is thrown unchanged.
   */
  withRemoteContext<R>(headers: HeaderCarrier, fn: () => R): R {
    if (typeof fn !== 'function') throw noFunction('withRemoteContext', fn, 'withRemoteContext(request.headers, fn)')
    this.#check.headers('withRemoteContext', headers)
    const { parent, session, baggage } = continueFrom(headers, this.#config)
    const before = this.#instance.frameHere()
    const frame: FrameValues = {
      ...before,
      span: parent === undefined && session === undefined ? before.span : undefined,
      session: session ?? before.session,
      remoteParent: parent ?? before.remoteParent,
      baggage: baggage.size === 0 ? before.baggage : new NativeMap([...(before.baggage ?? []), ...baggage]),
    }
    return runInScope(this.#instance.enter(frame), fn)
  }

  /**
   * Keeps an entry with the current session of this tracer; {@link injectContext} sends it along. Other tracers and other
   * sessions never see it.
   */
  setBaggage(name: string, value: string): void {
    this.#instance.guard('setBaggage', undefined, () => {
      const { session } = this.#instance.current()
      if (typeof name !== 'string' || !isBaggageValue(value)) return
      session.baggage ??= new NativeMap()
      session.baggage.set(name, String(value))
    })
  }

  /** An entry set by {@link setBaggage}, or received by {@link withRemoteContext}. */
  getBaggage(name: string): string | undefined {
    const { frame, session } = this.#instance.current()
    return session.baggage?.get(name) ?? frame?.baggage?.get(name)
  }

  /**
   * Waits until every span and REST call of this tracer made before is acknowledged or counted as lost.
   *
   * @param timeoutMs longest wait in milliseconds.
   * @returns true only if everything arrived; never rejects.
   */
  forceFlush(timeoutMs: number = DEFAULT_FLUSH_MS): Promise<boolean> {
    return this.#instance.flush(this.#check.timeout('forceFlush', timeoutMs, DEFAULT_FLUSH_MS))
  }

  /** Another name of {@link forceFlush}. */
  flush(timeoutMs?: number): Promise<boolean> {
    return this.forceFlush(timeoutMs)
  }

  /**
   * Flushes, then releases sockets, timers and references. Idempotent. Spans after it are no-ops and counted.
   *
   * @param timeoutMs longest wait in milliseconds.
   * @returns true only if everything arrived; never rejects.
   */
  shutdown(timeoutMs: number = DEFAULT_SHUTDOWN_MS): Promise<boolean> {
    const limitMs = this.#check.timeout('shutdown', timeoutMs, DEFAULT_SHUTDOWN_MS)
    this.#instance.stop()
    this.#closing ??= this.#close(limitMs)
    return this.#closing
  }

  /** Shuts down where an `await using` block ends; see {@link HoneyHiveTracer.shutdown}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  /** Label, session and state; never the key. */
  toString(): string {
    return `HoneyHiveTracer(${this.#instance.label}, session ${this.#instance.ownSession.id}${this.isEnabled ? '' : ', disabled'})`
  }

  /** What `JSON.stringify` shows: labels, session and state; never the key. */
  toJSON(): object {
    const { project, source, serverUrl, isEnabled, testMode } = this
    return mapTexts(
      { project, source, serverUrl, sessionId: this.#instance.ownSession.id, isEnabled, testMode },
      this.#instance.redactor.label,
    )
  }

  /** Stands for this object where user values are captured. */
  get honeyhiveText(): string {
    return '[HoneyHiveTracer]'
  }

  get #check(): GivenCheck {
    this.#givenCheck ??= new GivenCheck(this.#instance.diagnostics)
    return this.#givenCheck
  }

  #enableInstrumentations(): void {
    if (this.#config.instrumentations.length === 0) return
    const { provider, diagnostics } = this.#instance
    const providers = { tracers: provider, meters: metrics.getMeterProvider(), loggers: new MessageLoggerProvider(diagnostics) }
    for (const instrumentation of this.#config.instrumentations)
      this.#instance.guard('instrumentation', undefined, () => enableInstrumentation(instrumentation, providers))
  }

  #openSession(call: string, options: WithSessionOptions): SessionFrame | undefined {
    return this.#instance.guard<SessionFrame | undefined>('session', undefined, () => {
      const given = options ?? {}
      const { linkCarrier, evaluation, ...rest } = fieldsOf<WithSessionOptions>(this.#check.session(call, given) ? given : {})
      const caller = linkCarrier === undefined ? undefined : readCaller(linkCarrier)
      const session = createSession(this.#config, fieldsOf(rest), evaluation, !this.#config.skipSessionCreation, caller)
      if (this.isEnabled) this.#instance.ensureSession(session)
      const remoteParent = session.follows === undefined ? caller?.parent : undefined
      return { ...this.#instance.frameHere(), session, remoteParent }
    })
  }

  #toHandle(session: Session): SessionHandle {
    return {
      sessionId: session.id,
      sessionName: session.name,
      enrich: (enrichment) =>
        this.#instance.guard('enrich', resolved(false), () =>
          this.#check.enrichment('enrich', enrichment) ? this.#update(session.id, enrichment) : resolved(false),
        ),
    }
  }

  #update(eventId: string, enrichment: WithMetadata<SpanEnrichment>): Promise<boolean> {
    const id = toOwnId(readIdText(eventId))
    if (id === undefined) throw new TypeError(describeNoId(eventId))
    const body = toUpdateBody(id, enrichment, (path, value) => this.#instance.toSafe(path, value))
    if (!this.isEnabled || body === undefined) return resolved(false)
    return this.#instance.exporters.rest.updateEvent(body)
  }

  #warnNotCurrent({ id }: Session, why: UnusedReason): void {
    const message =
      why === 'noPromiseHooks'
        ? `createSession() needs the promise hooks of Node, which this runtime does not have, so session ${id} is current nowhere. Use withSession().`
        : `createSession() was not awaited at once by the function that goes on, so session ${id} is current nowhere. Write \`await tracer.createSession(…)\` there, without Promise.all or a helper in between, or use withSession().`
    this.#instance.diagnostics.warn('createSession', message)
  }

  #toEventBody(event: EventOptions, eventId: string): Record<string, unknown> {
    const toSafe = (path: string, value: unknown): unknown => this.#instance.toSafe(path, value)
    const { event_id: _, ...buckets } =
      toUpdateBody(eventId, { ...event, error: undefined, inputs: undefined, ...NO_OWN_FIELDS }, toSafe) ?? {}
    const parentId = toOwnId(event.parentId)
    return {
      event_id: eventId,
      session_id: toOwnId(event.sessionId) ?? this.sessionId,
      ...(parentId === undefined ? {} : { parent_id: parentId }),
      ...(this.project === undefined ? {} : { project: this.project }),
      source: this.source,
      event_name: toSafe('event_name', nameText(event.eventName)),
      event_type: typeof event.eventType === 'string' ? event.eventType : EventType.tool,
      duration: Number.isFinite(event.durationMs) ? event.durationMs : 0,
      config: {},
      inputs: toSafe('inputs', event.inputs ?? {}),
      ...(event.error === undefined ? {} : { error: toSafe('error', event.error) }),
      ...buckets,
    }
  }

  async #close(timeoutMs: number): Promise<boolean> {
    // Not within the caller's run, which may end spans still; and what is told of their end may ask for the same.
    await undefined
    // Instrumentations stay enabled: they patch libraries for the whole process, and other tracers are served through them.
    const hasArrived = await this.#instance.close(timeoutMs)
    this.#instance.guard('shutdown', undefined, () => forgetInstance(this.#instance))
    return hasArrived
  }
}

function describeNoId(given: unknown): string {
  return `an id is a text, got ${typeof given === 'string' ? 'a blank one' : toKind(given)}. Write updateEvent(eventId, { … })`
}

function readSessionId(enrichment: object | null | undefined): string | undefined {
  const id = enrichment === null || enrichment === undefined ? undefined : readField(enrichment, 'sessionId')
  return id === null || (typeof id === 'string' && id.trim() === '') ? undefined : (id as string | undefined)
}

async function idOf(eventId: string, arrival: Promise<boolean>): Promise<string | undefined> {
  return (await arrival) ? eventId : undefined
}

/** A frame with a session that was just opened. */
type SessionFrame = FrameValues & { readonly session: Session }

/** Baggage is text; a number or a truth value reads the same on both sides. */
function isBaggageValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

const NO_OWN_FIELDS = { eventName: undefined, eventType: undefined, parentId: undefined, durationMs: undefined }

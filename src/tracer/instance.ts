import { areAllTrue, outcomesOf, NativeMap } from '../builtins.js'
import { ROOT_CONTEXT, type Span, type SpanContext, type SpanOptions, type TextMapPropagator } from '@opentelemetry/api'
import type { IdGenerator, ReadableSpan } from '@opentelemetry/sdk-trace'
import type { ResolvedBatch, ResolvedConfig } from '../config/resolved.js'
import { BATCH_DEFAULTS, CAPTURE_DEFAULTS } from '../config/schema.js'
import type { Around, Frame, FrameValues, Scope } from '../context/frame.js'
import { processState } from '../context/globals.js'
import type { Instance, InstrumentationLibrary, OwnedSpan, Place, RoutedSpan, TracerHandle } from '../context/instance.js'
import { currentScope, enterFrame, frameOf, placeFrame, runInScope } from '../context/scope.js'
import type { Session } from '../context/session.js'
import { createDiagnostics, type Diagnostics } from '../diagnostics.js'
import type { AskKey } from '../export/api-key.js'
import type { SpanName } from '../export/decision-log.js'
import { SpanStats } from '../export/stats.js'
import { isOwnEndpoint } from '../export/sockets.js'
import { type Clock, createSystemClock, nowOn } from '../provider/clock.js'
import { mapTexts } from '../values/secrets/map-texts.js'
import { cutShort } from '../provider/cut-short.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { createIds } from '../provider/id-generator.js'
import type { OpenSpansLimits } from '../provider/open-spans.js'
import { findInnermost, originOf, readSurroundings, type Surroundings } from '../provider/owner.js'
import { createResource } from '../provider/resource.js'
import { RoutingProvider, toFlushError } from '../provider/routing-provider.js'
import { nameText } from '../provider/span-arguments.js'
import { SpanCopy } from '../provider/span-copy.js'
import type { SpanOwner, SpanRecord } from '../provider/span-record.js'
import type { UserSpanProcessor } from '../provider/span-processors.js'
import { type Current, InstanceProvider, keptContext, type SpanRequest } from '../provider/tracer-provider.js'
import { UnrecordedSpan } from '../provider/unrecorded-span.js'
import { EventType } from '../semantics/attributes.js'
import { withinMs } from '../time.js'
import { toOwnId } from '../semantics/session-id.js'
import { hideOwnObjects } from '../values/own-objects.js'
import type { Plain } from '../values/plain.js'
import { type Snapshot, toSnapshot } from '../values/snapshot.js'
import { describeThrown } from '../values/thrown.js'
import { VERSION } from '../version.js'
import { fieldsOf } from '../options/fields.js'
import { toKind } from '../options/shown.js'
import type { Recorder, Recording } from '../wrap/recorder.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import { hasStackRoom, isStackUsedUp, needStackRoom } from '../stack-used-up.js'
import { Capture, captureCall, pickBuckets, redactorOf, toSpanOptions } from './call-capture.js'
import { CallRecording, SilentRecording } from './call-recording.js'
import { type Enrichment, enrichSpan } from './enrich.js'
import { ExportProcessor } from './export-processor.js'
import { redactorFor } from './instance-redactor.js'
import type { Exporters } from './exporter-types.js'
import { createExporters } from './exporters.js'
import { TracerPropagator } from './propagator.js'
import { injectInto } from './remote.js'
import { type Caller, createOwnSession, toStartBody, withBaggage } from './session.js'
import { replaceInstrumentations } from './instrumentations.js'
import { replaceInstance } from './registry.js'
import { UnfinishedSpans } from './unfinished.js'

const OWN_LIBRARY: InstrumentationLibrary = { name: 'honeyhive-tracer', version: VERSION }
const ENRICHMENT_MAX_BYTES = 2_097_152
/** By how much two Unix times may differ that were added up from the same moment: doubles of that size have four decimals. */
const TIME_ROUNDING_MS = 0.001
const NOWHERE: Surroundings = { scope: undefined, context: ROOT_CONTEXT, span: undefined, owned: undefined }

/** What an instance starts from besides its settings. */
export interface InstanceStart {
  /** What users hold of this instance. */
  readonly tracer: TracerHandle
  readonly config: ResolvedConfig
  /** The remote caller whose trace the first root continues. */
  readonly caller: Caller | undefined
  /** @defaultValue random ids and the clocks of the process */
  readonly collaborators?: Collaborators | undefined
}

/** Sources of ids and time, replaced by tests that want the same ones every time. */
export interface Collaborators {
  readonly ids?: IdGenerator | undefined
  readonly clock?: Clock | undefined
  /** Gives another key when the one of the options is refused; for tracers whose options come from elsewhere. */
  readonly askKey?: AskKey | undefined
}

/** A span that is started by hand, with data for its buckets. */
export interface ManualSpan extends SpanOptions, Enrichment {
  readonly eventType?: EventType | undefined
  readonly eventId?: string | undefined
}

/**
 * The inside of one tracer: everything that records, holds and sends for it. Users hold the tracer, the rest of the
 * package holds the instance.
 */
export class TracerInstance implements Instance, Recorder, SpanOwner {
  readonly tracer: TracerHandle
  readonly label: string
  readonly crossTracerLinks: boolean
  readonly instance: Instance = this
  readonly limits: ResolvedConfig['limits']
  readonly maxBucketBytes: number
  readonly redactor: SpanOwner['redactor']
  readonly clock: Clock
  readonly stats: SpanStats
  readonly diagnostics: Diagnostics
  readonly ownSession: Session
  /** False when no key, `disabled` or an unsafe address keeps this instance from recording at all. */
  readonly isRecording: boolean
  /** What is recorded of calls by default, and the copy that is taken of it. */
  readonly capture: Capture
  readonly #config: ResolvedConfig
  readonly #ids: IdGenerator
  #resource: SpanOwner['resource'] | undefined
  #unfinished: UnfinishedSpans | undefined
  #spans: InstanceProvider | undefined
  #exporters: Exporters | undefined
  #exportProcessor: ExportProcessor | undefined
  #provider: RoutingProvider | undefined
  #propagator: TextMapPropagator | undefined
  #firstParent: SpanContext | undefined
  #isLive = true
  #isRetired = false
  #successor: Instance | undefined

  constructor({ tracer, config, caller, collaborators }: InstanceStart) {
    this.clock = collaborators?.clock ?? systemClock
    this.tracer = tracer
    this.#config = config
    this.#ids = createIds(collaborators?.ids ?? config.idGenerator)
    this.redactor = redactorFor(config)
    this.label = this.redactor.label(config.project ?? config.source)
    this.crossTracerLinks = config.crossTracerLinks
    this.limits = config.limits
    this.maxBucketBytes = config.capture.maxBytes
    this.isRecording =
      !config.disabled && (config.apiKey !== undefined || config.askKey !== undefined || config.testMode || hasOwnExit(config))
    this.diagnostics = createDiagnostics({ logger: config.logger, verbose: config.verbose, label: this.label, mask: this.redactor.label })
    this.stats = new SpanStats({ diagnostics: this.diagnostics, onDrop: config.onDrop, redactor: this.redactor })
    this.ownSession = createOwnSession(config, caller, (value) => this.snapshot(value).value)
    this.#firstParent = this.ownSession.follows === undefined ? caller?.parent : undefined
    if (config.spool !== undefined && this.isRecording) void this.exporters
    this.capture = config.capture === CAPTURE_DEFAULTS ? usualCapture : new Capture(config.capture, hideOwnObjects)
  }

  get isLive(): boolean {
    return this.#isLive
  }

  get successor(): Instance | undefined {
    return this.#successor
  }

  /** What the spans of this instance say of their service and process. */
  get resource(): SpanOwner['resource'] {
    this.#resource ??= createResource(this.#config, this.redactor.label)
    return this.#resource
  }

  /** The tracer provider of this instance, made with its first span. */
  get spans(): InstanceProvider {
    this.#spans ??= new InstanceProvider({
      owner: this,
      config: this.#config,
      diagnostics: this.diagnostics,
      ownSession: this.ownSession,
      ids: this.#ids,
      exportProcessor: this.#lastProcessor,
    })
    return this.#spans
  }

  get #lastProcessor(): ExportProcessor {
    this.#exportProcessor ??= new ExportProcessor(this)
    return this.#exportProcessor
  }

  /** The spans that have not ended; kept from the first one on. */
  get #open(): UnfinishedSpans {
    this.#unfinished ??= this.#watchOpen()
    return this.#unfinished
  }

  #watchOpen(): UnfinishedSpans {
    const { stats, diagnostics, clock, redactor } = this
    const { batch } = this.#config
    const limits = batch === BATCH_DEFAULTS ? usualLimits : toOpenLimits(batch)
    const open = new UnfinishedSpans({ stats, diagnostics, clock, redactor, limits })
    stats.watchOpen(open)
    return open
  }

  /** The ways out, opened with the first use: a tracer that records nothing holds no queue and no socket. */
  get exporters(): Exporters {
    this.#exporters ??= this.#openExporters()
    return this.#exporters
  }

  #openExporters(): Exporters {
    const { stats, diagnostics } = this
    const exporters = createExporters({
      config: this.#config,
      stats,
      diagnostics,
      clock: this.clock,
      open: this.#open,
      label: this.label,
      mask: this.redactor.label,
    })
    const isQuiet = this.#config.logger === undefined
    processState.letGo.register(this, () => void releaseExporters(exporters, stats, diagnostics, isQuiet), this)
    return exporters
  }

  /** The exporters if something used them already. */
  get openExporters(): Exporters | undefined {
    return this.#exporters
  }

  /** The routing provider whose spans come here when no tracer is active. */
  get provider(): RoutingProvider {
    this.#provider ??= new RoutingProvider({
      fallback: this,
      redactor: this.redactor,
      diagnostics: this.diagnostics,
      isOwnEndpoint,
      registerContextManager: this.#config.registerContextManager,
    })
    return this.#provider
  }

  /** The propagator of this instance. */
  get propagator(): TextMapPropagator {
    this.#propagator ??= new TracerPropagator(this, this.#config, this.#openExtractKey())
    return this.#propagator
  }

  #openExtractKey(): symbol {
    this.spans.extractKey ??= Symbol('honeyhive-tracer.extracted')
    return this.spans.extractKey
  }

  /** Writes what the next service needs to continue what is current here, or `parent` in the current session. */
  injectCurrent(carrier: unknown, parent?: SpanContext): void {
    needStackRoom()
    const { frame, span, session: current } = this.current()
    const session = this.#withoutKey(current)
    if (parent !== undefined) return void injectInto(carrier, parent, session)
    const record = GuardedSpan.recordOf(span)
    // A span of another session is no parent here, and so it is none there.
    injectInto(carrier, record?.session.id === session.id ? keptContext(record) : frame?.remoteParent, session)
  }

  /** Baggage goes to other services, so it holds no key of ours. */
  #withoutKey(session: Session): Session {
    if (session.baggage === undefined) return session
    const entries = mapTexts([...session.baggage], this.redactor.label)
    return withBaggage(session, new NativeMap(entries))
  }

  /** What is current for this instance in the current async context. */
  current(at: Surroundings = readSurroundings()): Current {
    return this.spans.current(at)
  }

  /** A bounded copy of a user's value in which this package's own objects show no more than their name. */
  snapshot(value: unknown, maxBytes: number = ENRICHMENT_MAX_BYTES): Snapshot {
    return toSnapshot(value, { maxBytes, media: this.#config.capture.media }, hideOwnObjects)
  }

  /** A redacted, bounded copy of a user's value for a REST body. */
  toSafe(path: string, value: unknown): unknown {
    return this.redactor.value(path, this.snapshot(value).value)
  }

  /** Starts a span where it belongs in the current async context; one that nobody records once the instance is off. */
  start(request: SpanRequest, at: Surroundings = readSurroundings(), current?: Current): GuardedSpan | UnrecordedSpan {
    try {
      return this.#start(request, at, current)
    } catch (error) {
      // Where the stack is used up the host's own call fails as well, and the caller knows what to do.
      if (isStackUsedUp(error)) throw error
      this.#refuseFailed(request.name, error)
      return this.#unrecorded(request, at)
    }
  }

  #refuseFailed(name: string, error: unknown): void {
    const why = this.redactor.line('error', describeThrown(error).message)
    this.stats.refused('internal', { name: nameText(name), spanId: '' }, `it could not be started: ${why}`)
  }

  #start(request: SpanRequest, at: Surroundings, current: Current | undefined): GuardedSpan | UnrecordedSpan {
    if (!this.#isLive || !this.isRecording) return this.#refuse(request, at)
    const span = this.#startSafely(request, at, current)
    if (span === undefined) return this.#unrecorded(request, at)
    const record = GuardedSpan.recordOf(span) as SpanRecord
    if (span.isRecording()) this.#prepare(record)
    // Last, so that a span whose start was cut short before is none; see `spanEnding` for the other half.
    this.#open.add(record)
    try {
      this.#countStart(record)
    } catch {
      // The stack is used up: counted with its end.
    }
    return span
  }

  /** Session and ways out are opened with the first span; where that fails the span is lost at its end, and counted. */
  #prepare(record: SpanRecord): void {
    try {
      this.ensureSession(record.session, record)
      // For a span that never ends as well: they hear of the end of the process.
      if (record.fate === 'export') void this.exporters
    } catch (error) {
      if (isStackUsedUp(error)) throw error
      this.report('start', error)
    }
  }

  #countStart(record: SpanRecord): void {
    if (record.isStartCounted) return
    this.stats.started()
    record.isStartCounted = true
  }

  /** Opens a copy of somebody else's span, with its ids: under `parent`, a copy of this instance, else as a root of `session`. */
  copy(span: ReadableSpan, session: Session, parent: OwnedSpan | undefined): SpanCopy {
    const { name, kind, attributes, links, startTime, instrumentationScope } = span
    const place: Place = { parent, remoteParent: undefined, isChosen: true }
    const options: SpanOptions = { kind, attributes, links, startTime }
    const request: SpanRequest = {
      ...ownRequest(name, options, undefined, undefined),
      library: instrumentationScope,
      place,
      context: ROOT_CONTEXT,
      copied: span.spanContext(),
    }
    return new SpanCopy(this.start(request, NOWHERE, { frame: undefined, span: undefined, session }), span)
  }

  /** Starts a span by hand, for `tracer.startSpan`. */
  startManual(name: string, given: ManualSpan | undefined): Span {
    if (given === undefined) return this.start(ownRequest(name, undefined, EventType.tool, undefined))
    // What cannot be read as a whole is read field by field, and its span is counted as lost.
    const settings = this.guard('startSpan', given, () => fieldsOf(given))
    const { eventType, eventId } = readIdentity(settings)
    const span = this.start(ownRequest(name, settings, eventType, eventId))
    if (span instanceof GuardedSpan && span.isRecording()) {
      this.guard('startSpan', undefined, () => enrichSpan(span, pickBuckets(settings), (value) => this.snapshot(value)))
    }
    return span
  }

  /** Says what was wrong with the settings, and that a tracer without a key is off. */
  speakWarnings(): void {
    for (const warning of this.#config.warnings) this.#speakOnce(warning)
    if (this.isRecording || this.#config.disabled) return
    this.#speakOnce('no API key: this tracer is disabled and records nothing. Set the option `apiKey` or the variable HH_API_KEY.')
  }

  /** On standard error for the first few tracers only: what is wrong with the environment is wrong for every one of them. */
  #speakOnce(message: string): void {
    if (this.#config.logger === undefined && !takeTurn(message)) return
    this.diagnostics.warnOnce(message, message)
  }

  /** Runs our own work at the border to the host: what it throws is reported, and `fallback` given back. */
  guard<R>(topic: string, fallback: R, work: () => R): R {
    try {
      return work()
    } catch (error) {
      this.report(topic, error)
      return fallback
    }
  }

  /** Says that work of our own failed; the host does not notice. */
  report(topic: string, error: unknown): void {
    try {
      this.diagnostics.warn(topic, `${topic} failed: ${this.redactor.line('error', describeThrown(error).message)}`)
    } catch {
      // Not even that can be said.
    }
  }

  startRoutedSpan(routed: RoutedSpan): Span {
    const { name, options, library, place, context, shownContext, around, owned } = routed
    const request: SpanRequest = {
      name,
      options,
      eventType: undefined,
      eventName: undefined,
      eventId: undefined,
      redact: undefined,
      library,
      place,
      context,
      shownContext,
      copied: undefined,
    }
    return this.start(request, { scope: currentScope(), context, span: around, owned })
  }

  runWithSpan<R>(span: OwnedSpan, fn: () => R): R {
    const at = readSurroundings()
    return runInScope(this.#scopeWith(span, at, this.spans.current(at)), fn)
  }

  record(call: CompiledCall, self: unknown, args: readonly unknown[]): Recording | undefined {
    try {
      return this.#record(call, self, args)
    } catch (error) {
      if (isStackUsedUp(error)) throw error
      this.#refuseFailed(call.name, error)
      return undefined
    }
  }

  #record(call: CompiledCall, self: unknown, args: readonly unknown[]): Recording | undefined {
    if (!this.#isLive || !this.isRecording) return this.#recordNothing(call)
    const { options } = call
    const at = readSurroundings()
    const current = this.spans.current(at)
    let span: GuardedSpan | UnrecordedSpan | undefined
    try {
      span = this.start(
        {
          name: call.name,
          options: call.spanOptions ?? toSpanOptions(options),
          eventType: call.eventType,
          eventName: options.eventName,
          eventId: options.eventId === undefined ? undefined : toOwnId(options.eventId),
          redact: redactorOf(options),
          library: OWN_LIBRARY,
          place: undefined,
          context: undefined,
          shownContext: undefined,
          copied: undefined,
        },
        at,
        current,
      )
      return this.#toRecording(span, call, { at, current, self, args })
    } catch (error) {
      // The stack is used up: the call runs unrecorded, and nobody else holds the span. Noted without a call, which might find no room.
      if (span) cutShort.first = { span, next: cutShort.first }
      GuardedSpan.completeLater()
      throw error
    }
  }

  /** Only the scope, so that what is called goes to no other tracer: nothing is made that a span would need. */
  #recordNothing({ name }: CompiledCall): Recording {
    const at = readSurroundings()
    const frame = frameOf(this, at.scope)
    this.#countRefused(name)
    const span = new UnrecordedSpan(this, at.context, originOf(at))
    const values: FrameValues = {
      instance: this,
      span: span.honeyhiveSpan,
      session: frame?.session,
      remoteParent: undefined,
      baggage: frame?.baggage,
    }
    return new SilentRecording(span, this.enter(values, at), this.#isAlone)
  }

  /** Whether no other tracer of the process is live. */
  get #isAlone(): boolean {
    const { instances } = processState
    return instances.size === 0 || instances.only === this
  }

  #toRecording(span: GuardedSpan | UnrecordedSpan, call: CompiledCall, { at, current, self, args }: CallSite): Recording {
    const scope = this.#scopeWith(span.honeyhiveSpan, at, current)
    if (!(span instanceof GuardedSpan)) return new SilentRecording(span, scope, this.#isAlone)
    if (span.isRecording()) this.#capture(span, call, self, args)
    return new CallRecording(span, call, this.capture, scope, this)
  }

  #capture(span: GuardedSpan, call: CompiledCall, self: unknown, args: readonly unknown[]): void {
    try {
      captureCall(span, call, self, args, this.capture)
    } catch (error) {
      this.report('capture', error)
    }
  }

  /** Scope in which `span` is current for this instance. */
  #scopeWith(span: OwnedSpan | undefined, at: Surroundings, { frame, session: current }: Current): Scope {
    const session = GuardedSpan.recordOf(span)?.session ?? current
    const chosen = session === this.ownSession ? frame?.session : session
    return this.enter({ instance: this, span, session: chosen, remoteParent: undefined, baggage: frame?.baggage }, at)
  }

  /** What is current for this instance here, an instrumentor's active span included. */
  frameHere(at: Surroundings = readSurroundings()): FrameValues {
    const { frame, span, session } = this.current(at)
    return {
      instance: this,
      span,
      session: session === this.ownSession ? frame?.session : session,
      remoteParent: frame?.remoteParent,
      baggage: frame?.baggage,
    }
  }

  /** The scope around the caller with a frame of this instance innermost. */
  enter(values: FrameValues, at: Surroundings = readSurroundings()): Scope {
    return enterFrame(values, withActiveNeighbour(this, at))
  }

  spanEnding(record: SpanRecord): boolean {
    this.#countStart(record)
    if (record.isEndCounted) return true
    if (!this.#open.remove(record)) return false
    this.stats.ended(record.isUnfinished && record.fate === 'export')
    record.isEndCounted = true
    return true
  }

  tellNoTime(given: unknown): void {
    // A proxy that refuses to be looked at has no kind.
    this.guard('span.end', undefined, () => {
      const advice = 'Give data before that, with span.setAttribute() or tracer.enrichSpan().'
      this.diagnostics.warnOnce('end', `span.end() takes a time, got ${toKind(given)}: the span ends now. ${advice}`)
    })
  }

  spanEnded(record: SpanRecord, span: OwnedSpan): void {
    const { onSpanEnd } = record.session.options
    this.#open.noteEnd(record)
    if (this.#config.verbose) this.#tellEnd(record)
    if (this.#isRetired) this.#restLater()
    if (onSpanEnd !== undefined) this.#callHook(onSpanEnd, span)
    // Cut short, the end of a span may not have come that far.
    if (record.fate === 'export') return this.#handOver(span as GuardedSpan, record)
    const reason = record.fate === 'filtered' ? 'filtered' : 'unsampled'
    this.stats.droppedOne(reason, { name: record.name, spanId: record.context.spanId }, '')
  }

  // Apart from it, because a function that makes closures pays for them each time it is called.
  #tellEnd({ name, context, session }: SpanRecord): void {
    this.diagnostics.debug(() => `span ended: ${this.redactor.line('name', name)} (${context.spanId}) of session ${session.id}`)
  }

  #callHook(onSpanEnd: NonNullable<Session['options']['onSpanEnd']>, span: OwnedSpan): void {
    this.guard('onSpanEnd', undefined, () => onSpanEnd(span))
  }

  #handOver(span: GuardedSpan, record: SpanRecord): void {
    try {
      this.#lastProcessor.handOver(span, record)
    } catch (error) {
      if (isStackUsedUp(error) || record.isHandedOver) throw error
      record.isHandedOver = true
      const name: SpanName = { name: record.name, spanId: record.context.spanId }
      this.stats.droppedOne('internal', name, `it could not be queued: ${this.redactor.line('error', describeThrown(error).message)}`)
    }
  }

  /** Asks the backend for the session record, once, in the background; it starts now, or with its `first` span. */
  ensureSession(session: Session, first?: SpanRecord): void {
    // Without room on the stack it is asked for with the next span.
    if (session.isCreatedHere && session.record.startedAtMs === undefined && hasStackRoom()) this.#startSession(session, first)
  }

  #startSession(session: Session, first: SpanRecord | undefined): void {
    const { record } = session
    const atMs = first?.data === undefined ? nowOn(this.clock.anchor(), this.clock) : first.data.startUnixMs
    const startedAtMs = Math.floor(atMs - TIME_ROUNDING_MS)
    const body = toStartBody(session, startedAtMs, this.#config.project, (path, value) => this.#toSafeStart(session, path, value))
    const { rest } = this.exporters
    record.startedAtMs = startedAtMs
    this.stats.sessionStarted()
    this.diagnostics.debug(() => `session started: ${this.redactor.text('session_name', session.name)} (${session.id})`)
    void noteArrival(record, rest.startSession(body))
  }

  /** The fields of the tracer's own session were copied with its settings; a second copy would cut once more what has no room. */
  #toSafeStart(session: Session, path: string, value: unknown): unknown {
    const isCopy = session === this.ownSession && typeof value === 'object'
    return isCopy ? this.redactor.value(path, value as Plain) : this.toSafe(path, value)
  }

  /** Waits until everything recorded so far arrived, the user's processors included. Never rejects. */
  async flush(timeoutMs: number): Promise<boolean> {
    try {
      return await this.#flush(timeoutMs)
    } catch (error) {
      this.report('flush', error)
      return false
    }
  }

  async #flush(timeoutMs: number): Promise<boolean> {
    this.#completeSpans()
    const arrived = [this.#exporters?.flush(timeoutMs) ?? true, this.#settleProcessors((processor) => processor.forceFlush(), timeoutMs)]
    return await areAllTrue(arrived)
  }

  /** Ends what nothing else will end any more. */
  #completeSpans(): void {
    GuardedSpan.completeCutShort()
    this.guard('flush', undefined, () => this.#unfinished?.exportAbandoned())
  }

  async flushRouted(timeoutMs: number): Promise<void> {
    this.#completeSpans()
    const hasProcessors = this.#config.spanProcessors.length > 0
    const [exported, asked] = await outcomesOf<unknown>([
      this.#exporters?.flush(timeoutMs) ?? true,
      hasProcessors ? this.spans.flushProcessors(timeoutMs) : undefined,
    ])
    const hasArrived = exported?.status === 'fulfilled' && exported.value === true
    const failures: unknown[] = asked?.status === 'rejected' && Array.isArray(asked.reason) ? [...(asked.reason as unknown[])] : []
    if (!hasArrived) failures.push(toFlushError(timeoutMs))
    // As OpenTelemetry's own provider rejects: with a list.
    if (failures.length > 0) throw failures
  }

  /**
   * Takes the place of `older` for whoever names no tracer, and its names, and says so.
   *
   * @returns false where `older` has another key or destination: what was meant for one project may not go to another.
   */
  takePlaceOf(older: Instance, why: string): boolean {
    if (!(older instanceof TracerInstance) || !this.#goesWhere(older)) return false
    replaceInstance(older, this)
    replaceInstrumentations(older.#config.instrumentations, this.#config.instrumentations, (error) => this.report('instrumentation', error))
    older.#retire(this)
    this.diagnostics.warnOnce(`again:${why}`, `${why}: this tracer takes the place of the one before, which is flushed and released.`)
    return true
  }

  #goesWhere(other: TracerInstance): boolean {
    const [mine, theirs] = [this.#config, other.#config]
    return DESTINATION.every((option) => mine[option] === theirs[option])
  }

  /** Delivers what is held; the ways out are closed whenever nothing is open, and open again for who still uses this tracer. */
  #retire(successor: Instance): void {
    this.#successor = successor
    this.#isRetired = true
    this.#restLater()
  }

  #restLater(): void {
    void this.#rest()
  }

  async #rest(): Promise<void> {
    try {
      await this.#flushAndRelease()
    } catch (error) {
      this.report('release', error)
    }
  }

  async #flushAndRelease(): Promise<void> {
    await this.flush(REST_FLUSH_MS)
    const exporters = this.#exporters
    const { open, pending } = this.stats.snapshot()
    if (exporters === undefined || !this.#isLive || open + pending > this.stats.spooled || this.#config.exporter !== undefined) return
    this.#exporters = undefined
    processState.letGo.unregister(this)
    await exporters.shutdown(REST_FLUSH_MS)
  }

  /** Starts no span from now on. */
  stop(): void {
    this.#isLive = false
  }

  /** Once stopped: exports what is open, flushes, then closes the ways out and the user's processors. Never rejects. */
  async close(timeoutMs: number): Promise<boolean> {
    try {
      return await this.#close(timeoutMs)
    } catch (error) {
      this.report('shutdown', error)
      return false
    }
  }

  async #close(timeoutMs: number): Promise<boolean> {
    GuardedSpan.completeCutShort()
    this.guard('shutdown', undefined, () => this.#unfinished?.close())
    processState.letGo.unregister(this)
    const arrived = [this.#exporters?.shutdown(timeoutMs) ?? true, this.#settleProcessors((processor) => processor.shutdown(), timeoutMs)]
    return await areAllTrue(arrived)
  }

  async #settleProcessors(act: (processor: UserSpanProcessor) => Promise<void>, timeoutMs: number): Promise<boolean> {
    if (this.#config.spanProcessors.length === 0) return true
    const processors = this.spans.userProcessors
    let hasFailed = false
    const settle = async (): Promise<void> => {
      hasFailed = (await outcomesOf(processors.map(act))).some(({ status }) => status === 'rejected')
    }
    return (await withinMs(settle(), timeoutMs)) && !hasFailed
  }

  takeFirstParent(): SpanContext | undefined {
    const parent = this.#firstParent
    this.#firstParent = undefined
    return parent
  }

  #refuse(request: SpanRequest, at: Surroundings): UnrecordedSpan {
    this.#countRefused(request.name)
    return this.#unrecorded(request, at)
  }

  #countRefused(name: string): void {
    const reason = this.#isLive ? 'disabled' : 'afterShutdown'
    this.stats.refused(reason, { name: nameText(name), spanId: '' }, 'the tracer was shut down')
  }

  #unrecorded({ shownContext, context }: SpanRequest, at: Surroundings): UnrecordedSpan {
    return new UnrecordedSpan(this, context ?? at.context, originOf(at), shownContext)
  }

  /** Options of a span are read from the caller's object, which may throw; such a span is counted as lost. */
  #startSafely(request: SpanRequest, at: Surroundings, current: Current | undefined): GuardedSpan | undefined {
    try {
      return this.spans.start(request, at, current)
    } catch (error) {
      this.#refuseFailed(request.name, error)
      return undefined
    }
  }
}

/** A span of this package's own, where it is current. */
function ownRequest(
  name: string,
  options: SpanOptions | undefined,
  eventType: string | undefined,
  eventId: string | undefined,
): SpanRequest {
  return {
    name,
    options,
    eventType,
    eventName: undefined,
    eventId,
    redact: undefined,
    library: OWN_LIBRARY,
    place: undefined,
    context: undefined,
    shownContext: undefined,
    copied: undefined,
  }
}

/** Where a call that is recorded stands, and what it was given. */
interface CallSite {
  readonly at: Surroundings
  readonly current: Current
  readonly self: unknown
  readonly args: readonly unknown[]
}

/** What says where spans go. */
const DESTINATION = ['apiKey', 'askKey', 'project', 'source', 'serverUrl', 'exportUrl', 'exporter', 'testMode', 'disabled'] as const

/** Longest wait for what a tracer holds that was replaced or let go of, milliseconds. */
const REST_FLUSH_MS = 5_000

async function noteArrival(record: Session['record'], arrival: Promise<boolean>): Promise<void> {
  record.isLost = !(await arrival)
}

const LET_GO = 'the program let go of this tracer without shutdown(): it is flushed and released'

/** Ends what a tracer left that nothing can reach any more; knows no tracer. */
async function releaseExporters(exporters: Exporters, stats: SpanStats, diagnostics: Diagnostics, isQuiet: boolean): Promise<void> {
  // Nothing of it rejects but what a user's exporter throws, and nobody is left who could be told.
  await outcomesOf([exporters.shutdown(REST_FLUSH_MS)])
  if (isQuiet && !takeTurn(LET_GO)) return
  const { started, exported, dropped } = stats.snapshot()
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  diagnostics.warnOnce(LET_GO, `${LET_GO} (spans started ${started}, exported ${exported}, dropped ${lost}).`)
}

/** As many as the queue takes, through which they would have to go in the end, and never only a few. */
function toOpenLimits({ maxQueueSize, maxQueueBytes }: ResolvedBatch): OpenSpansLimits {
  return { maxSpans: Math.max(MIN_OPEN_SPANS, maxQueueSize), maxBytes: Math.max(MIN_OPEN_BYTES, maxQueueBytes) }
}

const MIN_OPEN_SPANS = 1_000
const MIN_OPEN_BYTES = 1_048_576

/** Whether spans leave this process by a way of the user's own, which needs no key. */
function hasOwnExit({ exporter, exportUrl, spanProcessors }: ResolvedConfig): boolean {
  return exporter === false ? spanProcessors.length > 0 : exporter !== undefined || exportUrl !== undefined
}

const systemClock = createSystemClock()
/** Both of every tracer that was given no other settings. */
const usualCapture = new Capture(CAPTURE_DEFAULTS, hideOwnObjects)
const usualLimits = toOpenLimits(BATCH_DEFAULTS)

/**
 * What is around, with the active OpenTelemetry span of another instance in that instance's frame. Instrumentors make their
 * spans current through OpenTelemetry alone; once ours takes that place, only the frame still knows theirs.
 */
function withActiveNeighbour(instance: Instance, at: Surroundings): Around {
  const { scope, span, owned } = at
  const owner = owned?.owner
  if (owned === undefined || owner === undefined || owner === instance) return at
  if (findInnermost(at).span !== owned) return at
  const frame = frameOf(owner, scope)
  const neighbour: Frame = {
    instance: owner,
    span: owned,
    nearest: owned,
    session: GuardedSpan.recordOf(owned)?.session ?? frame?.session,
    remoteParent: frame?.remoteParent,
    baggage: frame?.baggage,
    order: owned.order,
    origin: owned.origin,
    since: frame?.since ?? owned.order,
    around: frame?.around,
    veiled: scope?.frame.veiled ?? 0,
  }
  return { scope: placeFrame(neighbour, scope), span, owned }
}

/** Event type and id among a caller's options, read with care: anything but text is not taken. */
function readIdentity(settings: ManualSpan): { eventType: string; eventId: string | undefined } {
  try {
    const { eventType, eventId } = settings as { readonly eventType?: unknown; readonly eventId?: unknown }
    return {
      eventType: typeof eventType === 'string' ? eventType : EventType.tool,
      eventId: toOwnId(eventId),
    }
  } catch {
    return { eventType: EventType.tool, eventId: undefined }
  }
}

const MAX_REPEATS = 5

/** False once `message` was spoken for {@link MAX_REPEATS} tracers of the process. */
function takeTurn(message: string): boolean {
  for (let turn = 1; turn <= MAX_REPEATS; turn++) {
    const key = `${message}#${turn}`
    if (processState.reported.has(key)) continue
    processState.reported.add(key)
    return true
  }
  return false
}

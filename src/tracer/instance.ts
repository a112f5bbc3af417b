import { INVALID_SPAN_CONTEXT, type Span, type SpanContext, type SpanOptions, trace, type TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { EventType } from '../semantics/attributes.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { processState } from '../context/globals.js'
import {
  emptyFrame,
  enterFrame,
  type Frame,
  frameOf,
  type Instance,
  type RoutedSpan,
  runInScope,
  type Scope,
  type TracerHandle,
} from '../context/scope.js'
import { createDiagnostics, type Diagnostics } from '../diagnostics.js'
import { isOwnEndpoint } from '../export/sockets.js'
import type { PendingSpan } from '../export/delivery.js'
import { describeThrown } from '../values/thrown.js'
import { createFilter } from '../provider/span-filter.js'
import { type Clock, createSystemClock } from '../provider/clock.js'
import { createIdSource, type IdSource } from '../provider/id-generator.js'
import { createLedger, type Ledger } from '../export/ledger.js'
import { callWithActiveSpan, ensureContextManager, isForeign, ownerOf } from '../provider/owner.js'
import { toReadableSpan } from '../provider/finished-span.js'
import { RoutingProvider } from '../provider/routing-provider.js'
import { createSampling } from '../provider/sampler.js'
import { InstanceSpan, type InstrumentationScope, nameText, type SpanOwner, type SpanRecord } from '../provider/span.js'
import { type Snapshot, toSnapshot } from '../values/snapshot.js'
import { VERSION } from '../version.js'
import { type Enrichment, enrichSpan } from './enrich.js'
import { createOutlets, type Outlets } from './outlets.js'
import { captureCall, captureResult, type CaptureParts, pickBuckets, redactorOf, toSpanOptions } from './call-capture.js'
import { redactorFor } from './instance-redactor.js'
import { createResource } from '../provider/resource.js'
import { createOwnSession, toStartBody, type TracerSession } from './session.js'
import { type Current, readSurroundings, SpanFactory, type SpanRequest, type Surroundings } from '../provider/span-factory.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import type { Recorder, Recording } from '../wrap/function.js'

const OWN_SCOPE: InstrumentationScope = { name: 'honeyhive-tracer', version: VERSION }
const ENRICHMENT_MAX_BYTES = 2_097_152

/** What an instance starts from besides its settings. */
export interface InstanceStart {
  /** What users hold of this instance. */
  readonly tracer: TracerHandle
  readonly config: ResolvedConfig
  /** Trace that the first root continues. */
  readonly firstParent: SpanContext | undefined
  /** Session of the remote caller whose trace is continued. */
  readonly remoteSessionId: string | undefined
  /** @defaultValue random ids and the clocks of the process */
  readonly collaborators?: Collaborators | undefined
}

/** Sources of ids and time, replaced by tests that want the same ones every time. */
export interface Collaborators {
  readonly ids?: IdSource | undefined
  readonly clock?: Clock | undefined
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
  readonly instanceId: symbol = Symbol('honeyhive-tracer')
  readonly tracer: TracerHandle
  readonly label: string
  readonly crossTracerLinks: boolean
  readonly instance: Instance = this
  readonly limits: ResolvedConfig['limits']
  readonly maxBucketBytes: number
  readonly redactor: SpanOwner['redactor']
  readonly resource: SpanOwner['resource']
  readonly clock: Clock
  readonly ledger: Ledger
  readonly diagnostics: Diagnostics
  readonly ownSession: TracerSession
  /** False when no key, `disabled` or an unsafe address keeps this instance from recording at all. */
  readonly isRecording: boolean
  readonly #config: ResolvedConfig
  readonly #spans: SpanFactory
  readonly #captureParts: CaptureParts
  readonly #startedSessions = new WeakSet<TracerSession>()
  #outlets: Outlets | undefined
  #provider: RoutingProvider | undefined
  #firstParent: SpanContext | undefined
  #isLive = true

  constructor({ tracer, config, firstParent, remoteSessionId, collaborators }: InstanceStart) {
    this.clock = collaborators?.clock ?? systemClock
    this.tracer = tracer
    this.#config = config
    this.#firstParent = firstParent
    this.label = config.project ?? config.source
    this.crossTracerLinks = config.crossTracerLinks
    this.limits = config.limits
    this.maxBucketBytes = config.capture.maxBytes
    this.isRecording = !config.disabled && (config.apiKey !== undefined || config.testMode || config.exporter !== undefined)
    this.diagnostics = createDiagnostics({ logger: config.logger, verbose: config.verbose, label: this.label })
    this.ledger = createLedger({ diagnostics: this.diagnostics, onDrop: config.onDrop })
    this.redactor = redactorFor(config)
    this.resource = createResource(config)
    this.ownSession = createOwnSession(config, remoteSessionId)
    this.#spans = new SpanFactory({
      owner: this,
      ids: collaborators?.ids ?? randomIds,
      sample: createSampling(config.sampler, config.sampleRate, this.diagnostics),
      keep: createFilter(config.spanFilter, this.diagnostics),
      ownSession: this.ownSession,
      takeFirstParent: () => this.#takeFirstParent(),
    })
    if (config.spool !== undefined && this.isRecording) void this.outlets
    const { capture } = config
    this.#captureParts = { capture, take: (value) => this.snapshot(value, capture.maxBytes) }
  }

  get isLive(): boolean {
    return this.#isLive
  }

  /** The ways out, opened with the first use: a tracer that records nothing holds no queue and no socket. */
  get outlets(): Outlets {
    this.#outlets ??= createOutlets({ config: this.#config, ledger: this.ledger, diagnostics: this.diagnostics })
    return this.#outlets
  }

  /** The outlets if something used them already. */
  get openOutlets(): Outlets | undefined {
    return this.#outlets
  }

  /** The routing provider whose spans come here when no tracer is active. */
  get provider(): TracerProvider {
    if (this.#provider === undefined) {
      if (this.#config.registerContextManager) ensureContextManager()
      this.#provider = new RoutingProvider({ fallback: this, diagnostics: this.diagnostics, isOwnEndpoint })
    }
    return this.#provider
  }

  /** What is current for this instance in the current async context. */
  current(): Current {
    return this.#spans.current(readSurroundings())
  }

  /** A bounded copy of a user's value in which this package's own objects show no more than their name. */
  snapshot(value: unknown, maxBytes: number = ENRICHMENT_MAX_BYTES): Snapshot {
    return toSnapshot(value, { maxBytes }, hideOwnObjects)
  }

  /** A redacted, bounded copy of a user's value for a REST body. */
  toSafe(path: string, value: unknown): unknown {
    return this.redactor.value(path, this.snapshot(value).value)
  }

  /** Starts a span where it belongs in the current async context; a no-op span once the instance is off. */
  start(request: SpanRequest, at: Surroundings = readSurroundings()): Span {
    if (!this.#isLive || !this.isRecording) return this.#refuse(request.name)
    const span = this.#startSafely(request, at)
    if (span === undefined) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    this.ledger.started()
    if (span.isRecording()) this.ensureSession(InstanceSpan.recordOf(span).session as TracerSession)
    return span
  }

  /** Starts a span by hand, for `tracer.startSpan`. */
  startManual(name: string, settings: ManualSpan): Span {
    const { eventType, eventId } = readIdentity(settings)
    const span = this.start({ name, options: settings, eventType, eventId, instrumentation: OWN_SCOPE })
    if (span instanceof InstanceSpan && span.isRecording()) {
      this.guard('startSpan', undefined, () => enrichSpan(span, pickBuckets(settings), (value) => this.snapshot(value)))
    }
    return span
  }

  /** The record behind a span, for the parts of the tracer. */
  recordOf(span: InstanceSpan): SpanRecord {
    return InstanceSpan.recordOf(span)
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
      this.diagnostics.warn(topic, `${topic} failed: ${describeThrown(error).message}`)
      return fallback
    }
  }

  startRoutedSpan({ name, options, parent, scopeName, scopeVersion }: RoutedSpan): Span {
    const instrumentation = scopeVersion === undefined ? { name: scopeName } : { name: scopeName, version: scopeVersion }
    return this.start({ name, options, parent, instrumentation })
  }

  runWithSpan<R>(span: Span, fn: () => R): R {
    return runInScope(this.#scopeWith(span, readSurroundings()), fn)
  }

  record(call: CompiledCall, self: unknown, args: readonly unknown[]): Recording | undefined {
    const { options } = call
    const at = readSurroundings()
    const span = this.start(
      {
        name: call.name,
        options: toSpanOptions(options),
        eventType: call.eventType,
        eventName: options.eventName,
        eventId: options.eventId,
        redact: redactorOf(options),
        instrumentation: OWN_SCOPE,
      },
      at,
    )
    if (!(span instanceof InstanceSpan)) return undefined
    if (span.isRecording()) this.guard('capture', undefined, () => captureCall(span, call, self, args, this.#captureParts))
    return new CallRecording(this, span, call, this.#captureParts, this.#scopeWith(span, at), at)
  }

  /** Scope in which `span` is current for this instance. */
  #scopeWith(span: Span, at: Surroundings): Scope {
    const { frame, session: current } = this.#spans.current(at)
    const base: Frame = frame ?? emptyFrame(this)
    const owned = span instanceof InstanceSpan ? (InstanceSpan.recordOf(span).session as TracerSession) : current
    const session = owned === this.ownSession ? base.session : owned
    return this.scopeWithin({ instance: base.instance, span, session, remoteParent: undefined, baggage: base.baggage }, at)
  }

  /** The scope around the caller with `frame`, one of this instance, innermost. */
  scopeWithin(frame: Frame, at: Surroundings = readSurroundings()): Scope {
    return enterFrame(frame, withActiveNeighbour(this, at))
  }

  spanEnded(span: InstanceSpan): void {
    this.ledger.ended()
    const record = InstanceSpan.recordOf(span)
    const { onSpanEnd } = (record.session as TracerSession).options
    if (onSpanEnd !== undefined) this.guard('onSpanEnd', undefined, () => onSpanEnd(span))
    if (record.fate === 'export') this.outlets.spans.enqueue(new EndedSpan(span))
    else this.ledger.droppedOne(record.fate, { name: record.name, spanId: record.context.spanId }, '')
  }

  /** Asks the backend for the session record, once, in the background. */
  ensureSession(session: TracerSession): void {
    if (!session.isCreatedHere || this.#startedSessions.has(session)) return
    this.#startedSessions.add(session)
    this.ledger.sessionStarted()
    void this.outlets.rest.startSession(toStartBody(session, this.#config.project, (path, value) => this.toSafe(path, value)))
  }

  /** Ends this instance's life: nothing is recorded from here on. */
  retire(): void {
    this.#isLive = false
  }

  #takeFirstParent(): SpanContext | undefined {
    const parent = this.#firstParent
    this.#firstParent = undefined
    return parent
  }

  #refuse(name: string): Span {
    this.ledger.started()
    this.ledger.ended()
    this.ledger.droppedOne(this.#isLive ? 'disabled' : 'afterShutdown', { name: nameText(name), spanId: '' }, 'the tracer was shut down')
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  }

  /** Options of a span are read from the caller's object, which may throw; such a span is counted as lost. */
  #startSafely(request: SpanRequest, at: Surroundings): InstanceSpan | undefined {
    try {
      return this.#spans.start(request, at)
    } catch (error) {
      this.ledger.started()
      this.ledger.ended()
      this.ledger.droppedOne(
        'internal',
        { name: nameText(request.name), spanId: '' },
        `it could not be started: ${describeThrown(error).message}`,
      )
      return undefined
    }
  }
}

const randomIds = createIdSource()
const systemClock = createSystemClock()

/**
 * `scope` with the active OpenTelemetry span of another instance in that instance's frame. Instrumentors make their spans
 * current through OpenTelemetry alone; once ours takes that place, only the frame still knows theirs.
 */
function withActiveNeighbour(instance: Instance, { scope, active }: Surroundings): Scope | undefined {
  const owner = ownerOf(active)
  if (active === undefined || owner === undefined || owner === instance) return scope
  const frame = frameOf(owner, scope) ?? emptyFrame(owner)
  if (frame.span === active) return scope
  const session = frame.session ?? (active instanceof InstanceSpan ? InstanceSpan.recordOf(active).session : undefined)
  return enterFrame({ ...frame, span: active, session }, scope)
}

/** Event type and id among a caller's options, read with care: anything but text is not taken. */
function readIdentity(settings: ManualSpan): { eventType: string; eventId: string | undefined } {
  try {
    const { eventType, eventId } = settings as { readonly eventType?: unknown; readonly eventId?: unknown }
    return {
      eventType: typeof eventType === 'string' ? eventType : EventType.tool,
      eventId: typeof eventId === 'string' ? eventId : undefined,
    }
  } catch {
    return { eventType: EventType.tool, eventId: undefined }
  }
}

function hideOwnObjects(value: object): string | undefined {
  return 'honeyhiveText' in value && typeof value.honeyhiveText === 'string' ? value.honeyhiveText : undefined
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

/** An ended span in the queue. */
class EndedSpan implements PendingSpan {
  readonly #span: InstanceSpan

  constructor(span: InstanceSpan) {
    this.#span = span
  }

  get name(): string {
    return InstanceSpan.recordOf(this.#span).name
  }

  get spanId(): string {
    return InstanceSpan.recordOf(this.#span).context.spanId
  }

  get estimatedBytes(): number {
    return InstanceSpan.recordOf(this.#span).bytes
  }

  toReadable(): ReadableSpan {
    return toReadableSpan(this.#span)
  }

  release(): void {
    InstanceSpan.release(this.#span)
  }
}

class CallRecording implements Recording {
  readonly #instance: TracerInstance
  readonly #span: InstanceSpan
  readonly #call: CompiledCall
  readonly #parts: CaptureParts
  readonly #scope: Scope
  readonly #at: Surroundings

  constructor(instance: TracerInstance, span: InstanceSpan, call: CompiledCall, parts: CaptureParts, scope: Scope, at: Surroundings) {
    this.#instance = instance
    this.#span = span
    this.#call = call
    this.#parts = parts
    this.#scope = scope
    this.#at = at
  }

  get maxBytes(): number {
    return this.#parts.capture.maxBytes
  }

  get span(): Span {
    return this.#span
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    // A span that is not exported must not become the parent of standard spans.
    if (!this.#span.isRecording() || isForeign(this.#at.active))
      return runInScope(this.#scope, Reflect.apply as (...call: unknown[]) => R, fn, self, args)
    return runInScope(this.#scope, callWithActiveSpan<R>, this.#span, fn, self, args)
  }

  succeed(output: unknown): void {
    if (this.#span.isRecording())
      this.#instance.guard('capture', undefined, () => captureResult(this.#span, this.#call, output, this.#parts))
    this.#span.end()
  }

  fail(error: unknown): void {
    this.#span.fail(error)
    this.#span.end()
  }
}

import { type Context, type Link, ROOT_CONTEXT, type SpanContext, type SpanOptions, TraceFlags, trace } from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import { type IdGenerator, SamplingDecision, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Frame } from '../context/frame.js'
import type { Instance, OwnedSpan, Place } from '../context/instance.js'
import { isReceivedByOther } from '../context/live-spans.js'
import { frameOf, nextOrder } from '../context/scope.js'
import type { Session } from '../context/session.js'
import type { Diagnostics } from '../diagnostics.js'
import { ATTRIBUTE, CROSS_TRACER_LINK } from '../semantics/attributes.js'
import { toTimerMs } from '../time.js'
import { readSpanContext } from './foreign-span.js'
import { GuardedSpan } from './guarded-span.js'
import { toShownContext } from './host.js'
import { innermostSpanOf, originOf, type Surroundings } from './owner.js'
import { createSampler, type SpanDraft, type SpanSampler } from './sampler.js'
import { SpanMetrics } from './span-metrics.js'
import { nameText, readItems, toSpanKind } from './span-arguments.js'
import { SpanData } from './span-data.js'
import { createFilter, type KeepSpan } from './span-filter.js'
import { toAllowedLink } from './span-links.js'
import { SpanProcessors, UserSpanProcessor } from './span-processors.js'
import type { Fate, SpanDescription, SpanOwner, SpanRecord } from './span-record.js'

/** A span to start. Where the host's calls lead here every field is named, so that none is looked for on a prototype. */
export interface SpanRequest extends SpanDescription {
  readonly options?: SpanOptions | undefined
  /** Where an instrumentor starts it; `undefined` for what is current for the instance. */
  readonly place?: Place | undefined
  /** `undefined` for the current context. */
  readonly context?: Context | undefined
  /** Ids to show in place of the span's own. */
  readonly shownContext?: SpanContext | undefined
}

/** What a provider is made of. */
export interface InstanceProviderParts {
  readonly owner: SpanOwner & FirstParentSource
  readonly config: ResolvedConfig
  readonly diagnostics: Diagnostics
  readonly ownSession: Session
  readonly ids: IdGenerator
  /** Takes what ended to the exporter. */
  readonly exportProcessor: SpanProcessor
}

/** Who knows the remote caller that made the tracer. */
interface FirstParentSource {
  /** Remote parent of the tracer's first root, given out once. */
  takeFirstParent(): SpanContext | undefined
}

/** What is current for one tracer: its frame, its innermost active span, an instrumentor's included, and its session. */
export interface Current {
  readonly frame: Frame | undefined
  readonly span: OwnedSpan | undefined
  readonly session: Session
}

/** Where a new span stands among those of its instance. */
interface Standing {
  readonly session: Session
  readonly parent: SpanRecord | undefined
  readonly remoteParent: SpanContext | undefined
  /** Own span that is active in another session: linked, not nested under. */
  readonly leftBehind: SpanRecord | undefined
}

/** Value of the link attribute on a root that left an active span of the same tracer for another session. */
const SESSION_LINK = 'session'
const NO_LINKS: Link[] = []

/**
 * The tracer provider of one tracer, with processors of ours and of the user, and the rule where each span stands. It starts spans by the
 * steps of OpenTelemetry's own tracer: ids, sampler, span, processors. The ambient context is never asked for the parent.
 */
export class InstanceProvider {
  /** Key under which contexts hold what the propagator of this tracer extracted; set with the propagator. */
  extractKey: symbol | undefined
  readonly #parts: InstanceProviderParts
  readonly #processors: SpanProcessors
  readonly #metrics: SpanMetrics | undefined
  readonly #sampler: SpanSampler
  readonly #keep: KeepSpan | undefined
  /** Whether anything of the user's sees the context in which a span starts. */
  readonly #isContextSeen: boolean
  /** OpenTelemetry's own provider, which flushes the processors of the user; made with the first flush. */
  #sdk: TracerProvider | undefined

  constructor(parts: InstanceProviderParts) {
    const { config, diagnostics, exportProcessor } = parts
    const { sampler, sampleRate, spanFilter, meterProvider, spanProcessors } = config
    this.#parts = parts
    this.#sampler = createSampler(sampler, sampleRate, diagnostics)
    this.#keep = createFilter(spanFilter, diagnostics)
    this.#metrics = meterProvider && new SpanMetrics(meterProvider, diagnostics)
    const ofUser = spanProcessors.map((processor) => new UserSpanProcessor(processor, diagnostics))
    this.#processors = new SpanProcessors(ofUser, this.#metrics, exportProcessor)
    this.#isContextSeen = sampler !== undefined || ofUser.length > 0
  }

  /** The processors of the user. */
  get userProcessors(): readonly UserSpanProcessor[] {
    return this.#processors.ofUser
  }

  /** As OpenTelemetry's own provider flushes: rejects with a list of what failed, and of those that took longer than `timeoutMs`. */
  flushProcessors(timeoutMs: number): Promise<void> {
    this.#sdk ??= new TracerProvider({ resource: this.#parts.owner.resource, spanProcessors: [...this.#processors.ofUser] })
    return this.#sdk.forceFlush({ timeoutMillis: toTimerMs(timeoutMs) })
  }

  /** What is current for this tracer. */
  current(at: Surroundings): Current {
    const { owner, ownSession } = this.#parts
    const frame = frameOf(owner.instance, at.scope)
    const span = innermostSpanOf(owner.instance, frame, at.owned)
    const extracted = this.#extractedIn(at.context)
    if (extracted !== undefined && extracted.order > (frame?.order ?? 0) && extracted.order > (span?.order ?? 0))
      return { frame: extracted, span: undefined, session: extracted.session ?? frame?.session ?? ownSession }
    const isInFrame = frame !== undefined && span === frame.span
    const session = isInFrame ? frame.session : (GuardedSpan.recordOf(span)?.session ?? frame?.session)
    return { frame, span, session: session ?? ownSession }
  }

  /**
   * Starts a span where it belongs. May throw what the caller's options throw when they are read.
   *
   * @param current what {@link current} says of `at`, when the caller knows it.
   */
  start(request: SpanRequest, at: Surroundings, current?: Current): GuardedSpan {
    const standing = this.#findStanding(request, at, current)
    const { owner, ids } = this.#parts
    const { options } = request
    const { parent: above, session } = standing
    const parent = keptContext(above) ?? standing.remoteParent
    const startedMs = owner.clock.monotonicMs()
    const anchor = above?.anchor ?? owner.clock.anchor(startedMs)
    if (above !== undefined) above.activeMs = startedMs
    const order = nextOrder()
    const origin = above?.origin ?? originOf(at) ?? order
    const span = new GuardedSpan(owner, request, { session, parent: above, parentContext: parent, order, origin, anchor, startedMs })
    const draft: SpanDraft = {
      name: nameText(request.name),
      kind: toSpanKind(options?.kind),
      attributes: options?.attributes === undefined ? {} : GuardedSpan.takeStart(span, options.attributes),
      links: this.#toLinks(options?.links, standing, at),
      parent,
      // A root below spans that were left out goes on with their trace.
      traceId: parent?.traceId ?? request.copied?.traceId ?? above?.context.traceId ?? ids.generateTraceId(),
      context: this.#isContextSeen ? toParentContext(parent, request.context ?? at.context) : ROOT_CONTEXT,
    }
    this.#begin(span, draft, request)
    return span
  }

  /** Asks filter and sampler, gives the span its ids, and has it recorded where they say so. */
  #begin(span: GuardedSpan, draft: SpanDraft, { options, copied, shownContext }: SpanRequest): void {
    const { owner, ids } = this.#parts
    const { traceId, parent } = draft
    const isKept = this.#keep === undefined || this.#keep(draft.name, draft.attributes)
    const { decision, attributes = draft.attributes, traceState = parent?.traceState ?? copied?.traceState } = this.#sampler.decide(draft)
    const traceFlags = decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE
    // All fields, so that those of every span are of one shape.
    const context = { traceId, spanId: copied?.spanId ?? ids.generateSpanId(), traceFlags, traceState } as SpanContext
    const fate = toFate(decision, isKept)
    // What the filter leaves out shows its nearest kept ancestor, for the next service to name.
    GuardedSpan.identify(span, context, fate, shownContext ?? (fate === 'filtered' ? toShown(parent) : undefined))
    if (isKept) this.#metrics?.started(parent, decision)
    if (fate !== 'export' && fate !== 'recordOnly') return
    GuardedSpan.begin(span, new SpanData(draft, attributes, owner.limits, this.#processors), options?.startTime)
    this.#processors.onStart(span, draft.context)
  }

  /** What a propagator of this tracer put into the context. */
  #extractedIn(at: Context): Frame | undefined {
    return this.extractKey === undefined ? undefined : (at.getValue(this.extractKey) as Frame | undefined)
  }

  #findStanding({ place, options, context }: SpanRequest, at: Surroundings, known: Current | undefined): Standing {
    const chosen = GuardedSpan.recordOf(place?.parent)
    if (chosen !== undefined) return { session: chosen.session, parent: chosen, remoteParent: undefined, leftBehind: undefined }
    const { frame, span, session } = known ?? this.current(context === undefined || context === at.context ? at : { ...at, context })
    if (place?.isChosen === true && !isReceivedByOther(place.remoteParent, this.#parts.owner.instance))
      return { session, parent: undefined, remoteParent: place.remoteParent, leftBehind: undefined }
    const active = options?.root === true ? undefined : GuardedSpan.recordOf(span)
    const parent = active?.session.id === session.id ? active : undefined
    const remoteParent = parent === undefined ? (frame?.remoteParent ?? this.#parts.owner.takeFirstParent()) : undefined
    return { session, parent, remoteParent, leftBehind: parent === undefined ? active : undefined }
  }

  #toLinks(given: unknown, { session, parent, remoteParent, leftBehind }: Standing, at: Surroundings): Link[] {
    const isTop = parent === undefined && remoteParent === undefined
    const crossed = findCrossed(this.#parts.owner.instance, at)
    const followed = isTop ? session.follows : undefined
    const isPlain = given === undefined && leftBehind === undefined && crossed === undefined && followed === undefined
    return isPlain ? NO_LINKS : collectLinks(this.#parts.owner.instance, given, leftBehind?.context, followed, crossed)
  }
}

/**
 * Apart from its caller: an empty list in a branch that was never taken is what Node 20 compiles wrongly into a function that makes
 * objects on every call. The process ended in a segmentation fault once in thirty runs.
 */
function collectLinks(instance: Instance, given: unknown, ...[left, followed, crossed]: readonly (SpanContext | undefined)[]): Link[] {
  const links = readItems(given).flatMap((item) => toAllowedLink(item, instance) ?? [])
  if (left !== undefined) links.push(toOwnLink(left, SESSION_LINK))
  if (followed !== undefined) links.push(toOwnLink(followed, SESSION_LINK))
  if (crossed !== undefined) links.push(toOwnLink(crossed, CROSS_TRACER_LINK))
  return links
}

/** The context that names the parent to samplers and processors of the user, around what else they may want to see. */
function toParentContext(parent: SpanContext | undefined, at: Context): Context {
  const base = isTracingSuppressed(at) ? ROOT_CONTEXT : at
  const around = trace.getSpan(base)
  if (parent === undefined) return around === undefined ? base : trace.deleteSpan(base)
  return readSpanContext(around) === parent ? base : trace.setSpanContext(base, parent)
}

function toFate(decision: SamplingDecision, isKept: boolean): Fate {
  if (decision === SamplingDecision.RECORD_AND_SAMPLED) return isKept ? 'export' : 'filtered'
  return decision === SamplingDecision.RECORD && isKept ? 'recordOnly' : 'unsampled'
}

function toShown(parent: SpanContext | undefined): SpanContext {
  return parent === undefined ? toShownContext(ROOT_CONTEXT) : { ...parent }
}

/** The context children attach to: the span's own, or that of its nearest kept ancestor when a filter left it out. */
export function keptContext(record: SpanRecord | undefined): SpanContext | undefined {
  return record?.fate === 'filtered' ? record.parent : record?.context
}

/** The span of another tracer inside which a span of `instance` is opened; only its ids are taken. */
function findCrossed(instance: Instance, { scope, owned }: Surroundings): SpanContext | undefined {
  if (owned !== undefined && (scope === undefined || owned.order > scope.frame.order)) {
    return owned.owner === instance ? undefined : toCrossing(instance, owned)
  }
  for (let at = scope; at !== undefined; at = at.outer) {
    const { span } = at.frame
    if (span !== undefined) return at.frame.instance === instance ? undefined : toCrossing(instance, span)
  }
  return undefined
}

function toCrossing(instance: Instance, { owner, context }: OwnedSpan): SpanContext | undefined {
  const { traceId, spanId, traceFlags } = context
  const isVisible = instance.crossTracerLinks && owner?.crossTracerLinks === true && (traceFlags & TraceFlags.SAMPLED) !== 0
  return isVisible ? { traceId, spanId, traceFlags } : undefined
}

function toOwnLink(context: SpanContext, kind: string): Link {
  return { context, attributes: { [ATTRIBUTE.link]: kind } }
}

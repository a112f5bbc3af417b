import { NativeWeakMap } from '../builtins.js'
import {
  type Attributes,
  type Context,
  createNoopMeter,
  type Link,
  type MeterProvider,
  ROOT_CONTEXT,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import { type Sampler, SamplingDecision, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Frame } from '../context/frame.js'
import type { Instance, InstrumentationLibrary, OwnedSpan, Place } from '../context/instance.js'
import { frameOf, nextOrder } from '../context/scope.js'
import type { Session } from '../context/session.js'
import type { Diagnostics } from '../diagnostics.js'
import { ATTRIBUTE, CROSS_TRACER_LINK } from '../semantics/attributes.js'
import { toTimerMs } from '../time.js'
import { toHrTime } from './clock.js'
import { readSpanContext } from './foreign-span.js'
import { GuardedSpan } from './guarded-span.js'
import { toShownContext } from './host.js'
import type { InstanceIdGenerator } from './id-generator.js'
import { innermostSpanOf, originOf, type Surroundings } from './owner.js'
import { createSampler } from './sampler.js'
import { guardMeters } from './span-metrics.js'
import { PARENT_SLOT } from './parent-slot.js'
import { nameText, readItems, toLink, toSpanKind, toTime } from './span-arguments.js'
import { createFilter, type KeepSpan } from './span-filter.js'
import { SessionProcessor, UserSpanProcessor } from './span-processors.js'
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
  readonly ids: InstanceIdGenerator
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

/** What the SDK is asked to start. */
interface Draft {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes | undefined
  readonly links: Link[]
  readonly parent: SpanContext | undefined
  /** What is around it. */
  readonly context: Context
}

/** Value of the link attribute on a root that left an active span of the same tracer for another session. */
const SESSION_LINK = 'session'
const NO_ATTRIBUTES: Attributes = Object.freeze({})
const NO_LINKS: Link[] = []
const NO_METER = createNoopMeter()
/** What the SDK would make for each provider. */
const NO_METERS: MeterProvider = { getMeter: () => NO_METER }

/**
 * The OpenTelemetry side of one tracer: its own SDK tracer provider, with processors of ours and of the user, and the rule
 * where each span stands. The parent is handed to the SDK in an explicit context; the ambient one is never asked for it.
 */
export class InstanceProvider {
  /** Key under which contexts hold what the propagator of this tracer extracted; set with the propagator. */
  extractKey: symbol | undefined
  readonly #parts: InstanceProviderParts
  readonly #sdk: TracerProvider
  /** The SDK puts a key together to find a tracer. Most providers have one library only, and need no map. */
  #first: { readonly library: InstrumentationLibrary; readonly tracer: Tracer } | undefined
  #others: WeakMap<InstrumentationLibrary, Tracer> | undefined
  readonly #sessions = new SessionProcessor()
  readonly #userProcessors: readonly UserSpanProcessor[]
  readonly #sampler: Sampler
  readonly #keep: KeepSpan | undefined
  /** Whether anything of the user's runs, and sees the context, while the SDK starts a span. */
  readonly #isContextSeen: boolean

  constructor(parts: InstanceProviderParts) {
    const { config, diagnostics, owner } = parts
    this.#parts = parts
    this.#sampler = createSampler(config.sampler, config.sampleRate, diagnostics)
    this.#keep = createFilter(config.spanFilter, diagnostics)
    this.#userProcessors = config.spanProcessors.map((processor) => new UserSpanProcessor(processor, diagnostics))
    const { sampler, idGenerator, meterProvider, spanProcessors } = config
    this.#isContextSeen = sampler !== undefined || idGenerator !== undefined || meterProvider !== undefined || spanProcessors.length > 0
    this.#sdk = new TracerProvider({
      sampler: this.#sampler,
      resource: owner.resource,
      idGenerator: parts.ids,
      meterProvider: config.meterProvider === undefined ? NO_METERS : guardMeters(config.meterProvider, diagnostics),
      // Of its exact length, where a literal with a spread has room for sixteen more.
      spanProcessors: Array.of<SpanProcessor>(this.#sessions, ...this.#userProcessors, parts.exportProcessor),
      spanLimits: {
        // The guard counts attributes itself, so that those of ours never take the place of the user's while it is open.
        attributeCountLimit: Number.POSITIVE_INFINITY,
        attributeValueLengthLimit: Number.POSITIVE_INFINITY,
        eventCountLimit: config.limits.maxEvents,
        linkCountLimit: config.limits.maxLinks,
        attributePerEventCountLimit: config.limits.maxAttributesPerEvent ?? config.limits.maxAttributes,
        attributePerLinkCountLimit: config.limits.maxAttributesPerLink ?? config.limits.maxAttributes,
      },
    })
  }

  /** The processors of the user. */
  get userProcessors(): readonly UserSpanProcessor[] {
    return this.#userProcessors
  }

  /** As the SDK flushes: rejects with a list of what failed, and of those that took longer than `timeoutMs`. */
  flushProcessors(timeoutMs: number): Promise<void> {
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
    const draft: Draft = {
      name: nameText(request.name),
      kind: toSpanKind(options?.kind),
      attributes: options?.attributes === undefined ? undefined : GuardedSpan.takeStart(span, options.attributes),
      links: this.#toLinks(options?.links, standing, at),
      parent,
      context: request.context ?? at.context,
    }
    // A root below spans that were left out goes on with their trace.
    const { copied } = request
    if (parent === undefined) ids.useForNextRoot(copied?.traceId ?? above?.context.traceId ?? ids.generateTraceId())
    if (copied !== undefined) ids.useForNextSpan(copied.spanId)
    if (this.#isLeftOut(draft, options?.attributes)) this.#leaveOut(span, draft, parent, request)
    else this.#begin(span, draft, toTime(options?.startTime, anchor) ?? toHrTime(anchor + startedMs), request)
    return span
  }

  /** What a propagator of this tracer put into the context. */
  #extractedIn(at: Context): Frame | undefined {
    return this.extractKey === undefined ? undefined : (at.getValue(this.extractKey) as Frame | undefined)
  }

  #findStanding({ place, options, context }: SpanRequest, at: Surroundings, known: Current | undefined): Standing {
    const chosen = GuardedSpan.recordOf(place?.parent)
    if (chosen !== undefined) return { session: chosen.session, parent: chosen, remoteParent: undefined, leftBehind: undefined }
    const { frame, span, session } = known ?? this.current(context === undefined || context === at.context ? at : { ...at, context })
    if (place?.isChosen === true) return { session, parent: undefined, remoteParent: place.remoteParent, leftBehind: undefined }
    const active = options?.root === true ? undefined : GuardedSpan.recordOf(span)
    const parent = active?.session.id === session.id ? active : undefined
    const remoteParent = parent === undefined ? (frame?.remoteParent ?? this.#parts.owner.takeFirstParent()) : undefined
    return { session, parent, remoteParent, leftBehind: parent === undefined ? active : undefined }
  }

  /** The context that names the parent to the SDK, around what samplers and processors of the user may want to see. */
  #toParentContext({ parent, context: at }: Draft): Context {
    if (!this.#isContextSeen) return parent === undefined ? ROOT_CONTEXT : PARENT_SLOT.naming(parent)
    const base = isTracingSuppressed(at) ? ROOT_CONTEXT : at
    const around = trace.getSpan(base)
    if (parent === undefined) return around === undefined ? base : trace.deleteSpan(base)
    return readSpanContext(around) === parent ? base : trace.setSpanContext(base, parent)
  }

  #toLinks(given: unknown, { session, parent, remoteParent, leftBehind }: Standing, at: Surroundings): Link[] {
    const isTop = parent === undefined && remoteParent === undefined
    const crossed = findCrossed(this.#parts.owner.instance, at)
    const followed = isTop ? session.follows : undefined
    if (given === undefined && leftBehind === undefined && crossed === undefined && followed === undefined) return NO_LINKS
    const links = given === undefined ? [] : readItems(given).flatMap((item) => toLink(item) ?? [])
    if (leftBehind !== undefined) links.push(toOwnLink(leftBehind.context, SESSION_LINK))
    if (followed !== undefined) links.push(toOwnLink(followed, SESSION_LINK))
    if (crossed !== undefined) links.push(toOwnLink(crossed, CROSS_TRACER_LINK))
    return links
  }

  #isLeftOut({ name }: Draft, attributes: Attributes | undefined): boolean {
    return this.#keep !== undefined && !this.#keep(name, attributes ?? NO_ATTRIBUTES)
  }

  /** A span that the filter leaves out is none of the SDK's; it shows its nearest kept ancestor, for the next service to name. */
  #leaveOut(span: GuardedSpan, draft: Draft, parent: SpanContext | undefined, { shownContext }: SpanRequest): void {
    const { ids } = this.#parts
    const traceId = parent?.traceId ?? ids.generateTraceId()
    const { name, kind, attributes = {}, links } = draft
    const { decision } = this.#sampler.shouldSample(this.#toParentContext(draft), traceId, name, kind, attributes, links)
    const fate: Fate = decision === SamplingDecision.RECORD_AND_SAMPLED ? 'filtered' : 'unsampled'
    const context = { traceId, spanId: ids.generateSpanId(), traceFlags: fate === 'filtered' ? TraceFlags.SAMPLED : TraceFlags.NONE }
    GuardedSpan.identify(span, context, fate, shownContext ?? (fate === 'filtered' ? toShown(parent) : undefined))
  }

  #begin(span: GuardedSpan, draft: Draft, startTime: [number, number], { library, shownContext, copied }: SpanRequest): void {
    const { name, kind, attributes, links } = draft
    this.#sessions.expect(span)
    // All of them, so that the SDK looks for none on a prototype.
    const options = { kind, links, startTime, attributes, root: false } as SpanOptions
    const sdk = this.#tracerFor(library).startSpan(name, options, this.#toParentContext(draft))
    const context = copied === undefined ? sdk.spanContext() : withTraceState(sdk.spanContext(), copied)
    const isSampled = (context.traceFlags & TraceFlags.SAMPLED) !== 0
    const fate: Fate = !sdk.isRecording() ? 'unsampled' : isSampled ? 'export' : 'recordOnly'
    GuardedSpan.identify(span, context, fate, shownContext)
    GuardedSpan.countLinks(span, links)
  }

  #tracerFor(library: InstrumentationLibrary): Tracer {
    const known = this.#first?.library === library ? this.#first.tracer : this.#others?.get(library)
    if (known !== undefined) return known
    const { name, version, schemaUrl } = library
    const tracer = this.#sdk.getTracer(name, version, schemaUrl === undefined ? undefined : { schemaUrl })
    if (this.#first === undefined) this.#first = { library, tracer }
    else {
      this.#others ??= new NativeWeakMap()
      this.#others.set(library, tracer)
    }
    return tracer
  }
}

function toShown(parent: SpanContext | undefined): SpanContext {
  return parent === undefined ? toShownContext(ROOT_CONTEXT) : { ...parent }
}

/** What a sampler of ours says about the tracestate stands; else a copy has that of the span it is made of. */
function withTraceState(context: SpanContext, { traceState }: SpanContext): SpanContext {
  return context.traceState !== undefined || traceState === undefined ? context : { ...context, traceState }
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

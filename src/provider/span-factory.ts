import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type TimeInput,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { ATTRIBUTE, CROSS_TRACER_LINK } from '../semantics/attributes.js'
import { currentScope, type Frame, frameOf, type Instance, type Scope } from '../context/scope.js'
import { nowOn, toUnixMs } from './clock.js'
import type { KeepSpan } from './span-filter.js'
import type { IdSource } from './id-generator.js'
import { ownerOf } from './owner.js'
import type { SampleSpan } from './sampler.js'
import { InstanceSpan, type InstrumentationScope, nameText, type SpanOwner, type SpanRecord, toSpanKind } from './span.js'
import type { Redactor } from '../values/redact.js'
import type { TracerSession } from '../tracer/session.js'

/** A span to start. */
export interface SpanRequest {
  readonly name: string
  readonly options?: SpanOptions | undefined
  readonly eventType?: string | undefined
  readonly eventName?: string | undefined
  readonly eventId?: string | undefined
  readonly redact?: Redactor | undefined
  readonly instrumentation: InstrumentationScope
  /** Parent named by an instrumentor's context, one of this instance's own spans; wins over what is current. */
  readonly parent?: Span | undefined
}

/** What the factory needs of its tracer. */
export interface SpanFactoryParts {
  readonly owner: SpanOwner
  readonly ids: IdSource
  readonly sample: SampleSpan
  readonly keep: KeepSpan | undefined
  readonly ownSession: TracerSession
  /** Remote parent of the tracer's first root, given out once. */
  readonly takeFirstParent: () => SpanContext | undefined
}

/** Where a new span stands. */
interface Place {
  readonly session: TracerSession
  readonly parent: SpanRecord | undefined
  readonly remote: SpanContext | undefined
  /** Own span that is active in another session: linked, not nested under. */
  readonly leftBehind: SpanRecord | undefined
}

/** What surrounds the start of a span; read once for each span, because every look into a context costs. */
export interface Surroundings {
  readonly scope: Scope | undefined
  readonly context: Context
  /** The active OpenTelemetry span, of whomever. */
  readonly active: Span | undefined
}

/** Reads what surrounds the caller. */
export function readSurroundings(scope: Scope | undefined = currentScope()): Surroundings {
  const at = context.active()
  return { scope, context: at, active: trace.getSpan(at) }
}

/** What is current for one tracer: its frame, and its innermost active span, an instrumentor's included. */
export interface Current {
  readonly frame: Frame | undefined
  readonly span: InstanceSpan | undefined
  readonly session: TracerSession
}

/** Starts spans of one tracer: finds parent, session and links, decides sampling and filtering. */
export class SpanFactory {
  readonly #parts: SpanFactoryParts

  constructor(parts: SpanFactoryParts) {
    this.#parts = parts
  }

  /** What is current for this tracer. */
  current({ scope, active }: Surroundings): Current {
    const { owner, ownSession } = this.#parts
    const frame = frameOf(owner.instance, scope)
    // A span of ours in the OpenTelemetry context is at least as deep as our own scope: we set both together.
    const span = ownerOf(active) === owner.instance ? active : frame?.span
    const own = span instanceof InstanceSpan ? span : undefined
    const session = frame === undefined ? sessionOf(own) : (frame.session as TracerSession | undefined)
    return { frame, span: own, session: session ?? ownSession }
  }

  start(request: SpanRequest, at: Surroundings): InstanceSpan {
    const place = this.#findPlace(request, at)
    const span = new InstanceSpan(this.#begin(request, place))
    const { options } = request
    if (options?.attributes !== undefined) span.setAttributes(options.attributes)
    if (options?.links !== undefined) span.addLinks(options.links)
    if (span.isRecording()) this.#addOwnLinks(span, place, at)
    return span
  }

  #findPlace(request: SpanRequest, at: Surroundings): Place {
    if (request.parent instanceof InstanceSpan) {
      const parent = InstanceSpan.recordOf(request.parent)
      return { session: parent.session as TracerSession, parent, remote: undefined, leftBehind: undefined }
    }
    const { frame, span, session } = this.current(at)
    const active = span === undefined || request.options?.root === true ? undefined : InstanceSpan.recordOf(span)
    const parent = active?.session.id === session.id ? active : undefined
    const remote = parent === undefined ? (frame?.remoteParent ?? this.#parts.takeFirstParent()) : undefined
    return { session, parent, remote, leftBehind: parent === undefined ? active : undefined }
  }

  #begin(request: SpanRequest, { session, parent, remote }: Place): ConstructorParameters<typeof InstanceSpan>[0] {
    const { owner, ids } = this.#parts
    const { options, instrumentation, eventType, eventName, eventId, redact } = request
    const name = nameText(request.name)
    const traceId = parent?.context.traceId ?? remote?.traceId ?? ids.traceId()
    const kind = toSpanKind(options?.kind)
    const fate = this.#decide(name, kind, traceId, options, parent, remote)
    const anchor = parent?.anchor ?? owner.clock.anchor()
    const startMs = toUnixMs(options?.startTime as TimeInput | undefined, anchor) ?? nowOn(anchor, owner.clock)
    const spanContext = { traceId, spanId: ids.spanId(), traceFlags: fate === 'export' ? TraceFlags.SAMPLED : TraceFlags.NONE }
    return {
      owner,
      session,
      context: spanContext,
      parent: keptContext(parent) ?? remote,
      kind,
      anchor,
      startMs,
      instrumentation,
      fate,
      redact,
      name,
      eventType,
      eventName,
      eventId,
    }
  }

  #decide(
    name: string,
    kind: SpanRecord['kind'],
    traceId: string,
    options: SpanOptions | undefined,
    parent: SpanRecord | undefined,
    remote: SpanContext | undefined,
  ): SpanRecord['fate'] {
    const { sample, keep } = this.#parts
    const attributes: Attributes = options?.attributes ?? NO_ATTRIBUTES
    const isSampled = sample({
      traceId,
      name,
      kind,
      attributes,
      links: options?.links ?? NO_LINKS,
      parent: parent?.context ?? remote,
      parentSampled: parent === undefined ? undefined : parent.fate !== 'unsampled',
    })
    if (!isSampled) return 'unsampled'
    return keep === undefined || keep(name, attributes) ? 'export' : 'filtered'
  }

  #addOwnLinks(span: InstanceSpan, { leftBehind }: Place, at: Surroundings): void {
    if (leftBehind !== undefined) span.addLink(toLink(leftBehind.context, SESSION_LINK))
    const { instance } = this.#parts.owner
    const crossed = findCrossed(instance, at)
    if (crossed !== undefined) span.addLink(toLink(crossed, CROSS_TRACER_LINK))
  }
}

/** Value of the link attribute on a root that left an active span of the same tracer for another session. */
const SESSION_LINK = 'session'
const NO_ATTRIBUTES: Attributes = Object.freeze({})
const NO_LINKS: Link[] = []

function sessionOf(span: InstanceSpan | undefined): TracerSession | undefined {
  return span === undefined ? undefined : (InstanceSpan.recordOf(span).session as TracerSession)
}

/** The context children attach to: the span's own, or that of its nearest kept ancestor when a filter left it out. */
export function keptContext(record: SpanRecord | undefined): SpanContext | undefined {
  return record === undefined || record.fate !== 'filtered' ? record?.context : record.parent
}

/** The span of another tracer whose inside a span of `instance` is opened in; only its ids are taken. */
function findCrossed(instance: Instance, { scope, active }: Surroundings): SpanContext | undefined {
  const owner = ownerOf(active)
  if (owner === instance) return undefined
  if (active !== undefined && owner !== undefined) return toCrossing(instance, owner, active)
  for (let at = scope; at !== undefined && at.frame.instance !== instance; at = at.outer) {
    if (at.frame.span !== undefined) return toCrossing(instance, at.frame.instance, at.frame.span)
  }
  return undefined
}

function toCrossing(instance: Instance, other: Instance, span: Span): SpanContext | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const isVisible = instance.crossTracerLinks && other.crossTracerLinks && (traceFlags & TraceFlags.SAMPLED) !== 0
  return isVisible ? { traceId, spanId, traceFlags } : undefined
}

function toLink(target: SpanContext, kind: string): Link {
  return { context: target, attributes: { [ATTRIBUTE.link]: kind } }
}

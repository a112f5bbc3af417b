import { type Attributes, type Context, INVALID_SPAN_CONTEXT, type Link, type SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan } from '@opentelemetry/sdk-trace'
import type { ResolvedLimits } from '../config/resolved.js'
import type { Instance, OwnedSpan } from '../context/instance.js'
import type { Session } from '../context/session.js'
import { ATTRIBUTE, type Bucket } from '../semantics/attributes.js'
import type { Plain } from '../values/plain.js'
import type { Redactor } from '../values/redact.js'
import type { Clock, ClockAnchor } from './clock.js'

/** What a span needs of the instance that owns it. */
export interface SpanOwner {
  readonly instance: Instance
  readonly limits: ResolvedLimits
  /** Most bytes of one bucket. */
  readonly maxBucketBytes: number
  readonly redactor: Redactor
  readonly resource: ReadableSpan['resource']
  readonly clock: Clock
  /** Called once for each span that was started, before its processors see the end. */
  spanEnding(record: SpanRecord): void
  /** Called once for each span that was started, after its processors saw the end. */
  spanEnded(record: SpanRecord, span: OwnedSpan): void
}

/**
 * What becomes of a span at its end: it is exported; its processors see it and nobody exports it (`RECORD_ONLY`); the sampler
 * or the filter left it out.
 */
export type Fate = 'export' | 'recordOnly' | 'unsampled' | 'filtered'

/** Everything we know of one span beside what the SDK's span holds; filled while it is open, read when it is exported. */
export interface SpanRecord {
  readonly owner: SpanOwner
  readonly session: Session
  readonly order: number
  readonly origin: number
  readonly anchor: ClockAnchor
  /** A redaction rule of one wrapper, applied after the instance's. */
  readonly redact: Redactor | undefined
  /** Parent as it is exported: the nearest ancestor that is kept. */
  readonly parent: SpanContext | undefined
  /** Name it was started with. */
  readonly name: string
  /** Context that names it, or its nearest kept ancestor, as the parent. */
  asParent: Context | undefined
  /** The SDK's span, which holds name, times, attributes, events, links and status; none for a span that nobody records. */
  sdk: SdkSpan | undefined
  /** Its own ids. */
  context: SpanContext
  /** The ids others see. */
  shown: SpanContext
  fate: Fate
  eventType: string | undefined
  eventName: string | undefined
  eventId: string | undefined
  /** Rough size of what is held, for the queue's byte limit. */
  bytes: number
  attributeCount: number
  droppedAttributes: number
  buckets: Partial<Record<Bucket, Plain>> | undefined
  /** What `fail` was given: its type, and its message with what caused it. */
  error: { readonly type: string; readonly message: string } | undefined
  lastException: unknown
  isTruncated: boolean
  /** Whether it can be found by its ids. */
  isKnown: boolean
  /** Its ids are those of somebody else's span: whoever names them means that one. */
  readonly isCopy: boolean
  /** Set by the first call of `end`. */
  isEnding: boolean
  /** Set when nothing can be written any more. */
  isEnded: boolean
  /** The exportable form, once something asked for it after the end. */
  finished: ReadableSpan | undefined
}

/** What a new record is made of. */
export type SpanStart = Pick<
  SpanRecord,
  'owner' | 'name' | 'session' | 'order' | 'origin' | 'anchor' | 'redact' | 'parent' | 'eventType' | 'eventName' | 'eventId' | 'isCopy'
>

const SPAN_OVERHEAD_BYTES = 400
/** What an attribute costs besides its name and value, bytes. */
export const ENTRY_OVERHEAD_BYTES = 40
/** Names written by us alone: what says whose a span is cannot be set from outside. */
export const IDENTITY_KEYS: ReadonlySet<string> = new Set([
  ATTRIBUTE.sessionId,
  ATTRIBUTE.sessionAutoCreate,
  ATTRIBUTE.sessionName,
  ATTRIBUTE.project,
  ATTRIBUTE.source,
  ATTRIBUTE.parentId,
])

/** A record of a span that is about to start. */
export function createRecord(start: SpanStart): SpanRecord {
  return {
    owner: start.owner,
    name: start.name,
    session: start.session,
    order: start.order,
    origin: start.origin,
    anchor: start.anchor,
    redact: start.redact,
    parent: start.parent,
    asParent: undefined,
    sdk: undefined,
    context: INVALID_SPAN_CONTEXT,
    shown: INVALID_SPAN_CONTEXT,
    fate: 'unsampled',
    eventType: start.eventType,
    eventName: start.eventName,
    eventId: start.eventId,
    bytes: SPAN_OVERHEAD_BYTES,
    attributeCount: 0,
    droppedAttributes: 0,
    buckets: undefined,
    error: undefined,
    lastException: undefined,
    isTruncated: false,
    isKnown: false,
    isCopy: start.isCopy,
    isEnding: false,
    isEnded: false,
    finished: undefined,
  }
}

/** Rough size of a value, bytes. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (!Array.isArray(value)) return Object.entries(value).reduce((total, [key, item]) => total + key.length + sizeOf(item) + 4, 0)
  let total = 0
  for (const item of value) total += sizeOf(item) + 2
  return total
}

/** Rough size of attributes, bytes. */
export function sizeOfAll(attributes: Attributes | undefined): number {
  let total = 0
  for (const key in attributes) total += key.length + sizeOf(attributes[key]) + ENTRY_OVERHEAD_BYTES
  return total
}

/** Rough size of an event, bytes. */
export function sizeOfEvent(name: string, attributes: Attributes | undefined): number {
  return name.length + sizeOfAll(attributes) + ENTRY_OVERHEAD_BYTES
}

/** Rough size of a link, bytes. */
export function sizeOfLink({ attributes }: Link): number {
  return sizeOfAll(attributes) + 2 * ENTRY_OVERHEAD_BYTES
}

import { NativeSet } from '../builtins.js'
import { type Attributes, INVALID_SPAN_CONTEXT, type Link, type SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { ResolvedLimits } from '../config/resolved.js'
import type { Instance, InstrumentationLibrary, OwnedSpan } from '../context/instance.js'
import type { Session } from '../context/session.js'
import { ATTRIBUTE, type Bucket } from '../semantics/attributes.js'
import type { Plain } from '../values/plain.js'
import { sizeOf } from '../values/room.js'
import type { Redactor } from '../values/redact.js'
import { boundName, isTooLong, MAX_NAME_CHARS } from './bound-text.js'
import type { Clock, ClockAnchor } from './clock.js'
import { nameText } from './span-arguments.js'
import type { SpanData } from './span-data.js'

/** What a span needs of the instance that owns it. */
export interface SpanOwner {
  readonly instance: Instance
  readonly limits: ResolvedLimits
  /** Most bytes of one bucket. */
  readonly maxBucketBytes: number
  readonly redactor: Redactor
  readonly resource: ReadableSpan['resource']
  readonly clock: Clock
  /**
   * Called once for each span that was started, before its processors see the end.
   *
   * @returns false when the span was counted already, so that nothing comes of its end.
   */
  spanEnding(record: SpanRecord): boolean
  /** Says of what a span was ended with that it is no time. */
  tellNoTime(given: unknown): void
  /** Called once for each span that was started, after its processors saw the end. */
  spanEnded(record: SpanRecord, span: OwnedSpan): void
}

/**
 * What becomes of a span at its end: it is exported; its processors see it and nobody exports it (`RECORD_ONLY`); the sampler
 * or the filter left it out.
 */
export type Fate = 'export' | 'recordOnly' | 'unsampled' | 'filtered'

/** Everything we know of one span; filled while it is open, read when it is exported. */
export interface SpanRecord {
  readonly owner: SpanOwner
  readonly session: Session
  readonly order: number
  readonly origin: number
  readonly anchor: ClockAnchor
  /** A redaction rule of one wrapper, applied after the instance's. */
  readonly redact: Redactor | undefined
  /** Parent as it is exported: the nearest ancestor that is kept. */
  parent: SpanContext | undefined
  /** What is exported of the way up to here: the span itself, or else its nearest ancestor that is. */
  arriving: SpanContext | undefined
  /** Name it was started with. */
  readonly name: string
  /** Library that started it. */
  readonly library: InstrumentationLibrary
  /** Times are readings of the owner's monotonic clock, milliseconds. */
  readonly startedMs: number
  /** When something happened in it for the last time: its start, or the start or end of a span directly below it. */
  activeMs: number
  /** When it ended; infinite while it is open. */
  endedMs: number
  /** Span of the same process it was started under, filtered or not; given up at its end. */
  above: SpanRecord | undefined
  /** What OpenTelemetry's span model has of it; none for a span that nobody records. */
  data: SpanData | undefined
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
  /** At which `bytes` it is cut to its limits while it is open. */
  shrinkAtBytes: number
  attributeCount: number
  droppedAttributes: number
  /** Events and links that were cut; `data` counts those beyond their limits. */
  droppedEvents: number
  droppedLinks: number
  buckets: Partial<Record<Bucket, Plain>> | undefined
  /** What `fail` was given: its type, and its message with what caused it. */
  error: { readonly type: string; readonly message: string } | undefined
  lastException: unknown
  isTruncated: boolean
  /** Whether it can be found by its ids. */
  isKnown: boolean
  /** Its ids are those of somebody else's span: whoever names them means that one. */
  readonly isCopy: boolean
  /** The span whose record it is. */
  readonly span: OwnedSpan
  /** Neighbours among the open spans of its owner. */
  older: SpanRecord | undefined
  newer: SpanRecord | undefined
  /** Whether it stands among them, or did until there were too many. */
  listing: 'unlisted' | 'listed' | 'letGo'
  /** What it counts for among them, bytes. */
  heldBytes: number
  /** Adds what was gathered so far, when the span is exported before its call is over. */
  gather: (() => void) | undefined
  /** Whether its tracer ended it, because nothing else had. */
  isUnfinished: boolean
  /** Set by the first call of `end`. */
  isEnding: boolean
  /** Set when nothing can be written any more. */
  isEnded: boolean
  /** Whether it was counted as started, and as ended: where the stack ends between the two halves of a step, a step is taken twice. */
  isStartCounted: boolean
  isEndCounted: boolean
  /** What stands for it in the queue while it is handed over. */
  ended: object | undefined
  isHandedOver: boolean
  /** The exportable form, once something asked for it after the end. */
  finished: ReadableSpan | undefined
}

/** What a span is that is about to start. */
export interface SpanDescription {
  readonly name: string
  readonly library: InstrumentationLibrary
  readonly redact?: Redactor | undefined
  readonly eventType?: string | undefined
  readonly eventName?: string | undefined
  readonly eventId?: string | undefined
  /** Ids of the span of somebody else that it is a copy of; `undefined` for new ids. */
  readonly copied?: SpanContext | undefined
}

/** Where and when it starts. */
export interface SpanBeginning {
  readonly session: Session
  /** Span of the same process it is started under, filtered or not. */
  readonly parent: SpanRecord | undefined
  /** Parent as it is exported. */
  readonly parentContext: SpanContext | undefined
  readonly order: number
  readonly origin: number
  readonly anchor: ClockAnchor
  /** A reading of the owner's monotonic clock, milliseconds. */
  readonly startedMs: number
}

/** What a span takes besides what it holds, bytes. */
export const SPAN_OVERHEAD_BYTES = 400
/**
 * An open span holds at most this many times its limits, so that what is set last has as fair a share as what was set first; beyond
 * that it is cut to its limits at once. A cut halves at least, so that all of them together cost no more than what was written.
 */
export const MOST_HELD = 2
/** What an attribute costs besides its name and value, bytes. */
export const ENTRY_OVERHEAD_BYTES = 40
/** Names written by us alone: what says whose a span is cannot be set from outside. */
export const IDENTITY_KEYS: ReadonlySet<string> = new NativeSet([
  ATTRIBUTE.sessionId,
  ATTRIBUTE.sessionAutoCreate,
  ATTRIBUTE.sessionName,
  ATTRIBUTE.project,
  ATTRIBUTE.source,
  ATTRIBUTE.parentId,
])

/** A record of a span that is about to start. Its parts are those its caller has in hand: no object is made to hand them over. */
export function createRecord(span: OwnedSpan, owner: SpanOwner, what: SpanDescription, at: SpanBeginning): SpanRecord {
  const name = nameText(what.name)
  return {
    owner,
    span,
    name,
    library: what.library,
    startedMs: at.startedMs,
    activeMs: at.startedMs,
    endedMs: Number.POSITIVE_INFINITY,
    above: at.parent,
    session: at.session,
    order: at.order,
    origin: at.origin,
    anchor: at.anchor,
    redact: what.redact,
    parent: at.parentContext,
    arriving: at.parentContext,
    data: undefined,
    context: INVALID_SPAN_CONTEXT,
    shown: INVALID_SPAN_CONTEXT,
    fate: 'unsampled',
    eventType: boundName(what.eventType),
    eventName: boundName(what.eventName),
    eventId: boundName(what.eventId),
    bytes: SPAN_OVERHEAD_BYTES + name.length,
    shrinkAtBytes: MOST_HELD * owner.limits.maxSpanBytes,
    attributeCount: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    buckets: undefined,
    error: undefined,
    lastException: undefined,
    isTruncated: isLongName(name) || isLongName(what.eventType) || isLongName(what.eventName) || isLongName(what.eventId),
    isKnown: false,
    isCopy: what.copied !== undefined,
    older: undefined,
    newer: undefined,
    listing: 'unlisted',
    heldBytes: 0,
    gather: undefined,
    isUnfinished: false,
    isEnding: false,
    isEnded: false,
    isStartCounted: false,
    isEndCounted: false,
    ended: undefined,
    isHandedOver: false,
    finished: undefined,
  }
}

function isLongName(name: string | undefined): boolean {
  return isTooLong(name, MAX_NAME_CHARS)
}

/** Rough size of attributes, bytes. */
export function sizeOfAll(attributes: Attributes | undefined): number {
  let total = 0
  for (const [key, value] of Object.entries(attributes ?? {})) total += key.length + sizeOf(value as Plain) + ENTRY_OVERHEAD_BYTES
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

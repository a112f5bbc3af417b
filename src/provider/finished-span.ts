import { hasOwnField } from '../builtins.js'
import type { Attributes, AttributeValue, HrTime, Link, SpanContext } from '@opentelemetry/api'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import { ATTRIBUTE, BUCKET_PREFIX } from '../semantics/attributes.js'
import { countLeaves, flatten } from '../values/flatten.js'
import type { Plain } from '../values/plain.js'
import { shareOut } from '../values/room.js'
import { toShownContext, toShownScope } from './labels.js'
import { setOwn } from './span-arguments.js'
import { readParts, type SpanParts } from './span-parts.js'
import { chooseAttributes, type FittedParts, fitParts } from './span-room.js'
import { cutValues } from './value-length.js'
import { type SpanRecord, sizeOfEvent, sizeOfLink } from './span-record.js'

/**
 * The exportable form of a span: values redacted, cut to the limits and flattened. Runs when the span is exported or looked at, not
 * when it ends. What did not fit is marked on the span.
 */
export function toFinishedSpan(record: SpanRecord): ReadableSpan {
  const span = toFittedSpan(record)
  const { maxValueLength } = record.owner.limits
  if (maxValueLength === undefined) return span
  const { identity } = record.session
  const isIdentity = (key: string): boolean => Object.hasOwn(identity, key) || key === ATTRIBUTE.eventType || key === ATTRIBUTE.eventId
  if (cutValues(span, maxValueLength, isIdentity)) span.attributes[ATTRIBUTE.truncated] = true
  return span
}

function toFittedSpan(record: SpanRecord): FinishedSpan {
  const parts = readParts(record)
  const written = writeAttributes(parts, record)
  if (isSurelyWithin(parts, written, record)) return new FinishedSpan(record, parts, written)
  const { limits, maxBucketBytes } = record.owner
  const fitted = fitParts(parts, { maxSpanBytes: limits.maxSpanBytes, maxBucketBytes })
  return new FinishedSpan(record, fitted.parts, writeAttributes(fitted.parts, record, fitted.bucketBytes), fitted.dropped)
}

/** UTF-16 units to bytes of UTF-8, at most. */
const MOST_BYTES_PER_UNIT = 3

/** Nearly every span is far from its limits, and needs no exact account. */
function isSurelyWithin(parts: SpanParts, written: WrittenAttributes, { owner }: SpanRecord): boolean {
  let units = written.units + parts.texts.name.length + (parts.texts.status?.length ?? 0)
  for (const event of parts.events) units += sizeOfEvent(event.name, event.attributes)
  for (const link of parts.links) units += sizeOfLink(link)
  return (
    units * MOST_BYTES_PER_UNIT <= owner.limits.maxSpanBytes &&
    written.bucketUnits.every((size) => size * MOST_BYTES_PER_UNIT <= owner.maxBucketBytes)
  )
}

const NEVER: HrTime = [0, 0]
const NOTHING_DROPPED: NonNullable<FittedParts['dropped']> = { attributes: 0, events: 0, links: 0 }

/** What made a span, as it is exported. */
export function resourceOf({ owner }: SpanRecord): ReadableSpan['resource'] {
  return owner.resource
}

/** The library that started a span, as it is exported. */
export function scopeOf({ library, owner }: SpanRecord): ReadableSpan['instrumentationScope'] {
  return toShownScope(library as ReadableSpan['instrumentationScope'], owner.redactor)
}

/** Under a symbol and not a private field: processors and exporters wrap what they are given in proxies. */
const CONTEXT = Symbol('honeyhive-tracer.context')

/** One shape for every span: the serialiser reads each field of each span. */
class FinishedSpan implements ReadableSpan {
  readonly name: string
  readonly kind: ReadableSpan['kind']
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly duration: HrTime
  readonly status: ReadableSpan['status']
  readonly attributes: Attributes
  readonly events: TimedEvent[]
  readonly links: Link[]
  readonly ended: boolean
  readonly resource: ReadableSpan['resource']
  readonly instrumentationScope: ReadableSpan['instrumentationScope']
  readonly droppedAttributesCount: number
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number
  readonly [CONTEXT]: SpanContext

  constructor(record: SpanRecord, parts: SpanParts, written: WrittenAttributes, dropped = NOTHING_DROPPED) {
    const { data, owner } = record
    const { name, status } = parts.texts
    const code = data?.status.code ?? SpanStatusCode.UNSET
    this.name = name
    this.kind = data?.kind ?? SpanKind.INTERNAL
    if (record.parent !== undefined) this.parentSpanContext = toShownContext(record.parent, owner.redactor)
    this.startTime = data?.startTime ?? NEVER
    this.endTime = data?.endTime ?? NEVER
    this.duration = data?.duration ?? NEVER
    this.status = status === undefined ? { code } : { code, message: status }
    this.events = [...parts.events]
    this.links = [...parts.links]
    this.resource = resourceOf(record)
    this.instrumentationScope = scopeOf(record)
    this.attributes = written.attributes
    this.droppedAttributesCount = record.droppedAttributes + written.dropped + dropped.attributes
    this.droppedEventsCount = (data?.droppedEventsCount ?? 0) + record.droppedEvents + dropped.events
    this.droppedLinksCount = (data?.droppedLinksCount ?? 0) + record.droppedLinks + dropped.links
    this.ended = record.isEnded
    this[CONTEXT] = toShownContext(record.context, owner.redactor)
    if (record.isTruncated || dropped !== NOTHING_DROPPED || lacksSomething(this)) this.attributes[ATTRIBUTE.truncated] = true
  }

  spanContext(): SpanContext {
    return this[CONTEXT]
  }
}

function lacksSomething({ droppedAttributesCount, droppedEventsCount, droppedLinksCount, events, links }: ReadableSpan): boolean {
  if (droppedAttributesCount + droppedEventsCount + droppedLinksCount > 0) return true
  const isCut = (part: TimedEvent | Link): boolean => (part.droppedAttributesCount ?? 0) > 0
  return events.some(isCut) || links.some(isCut)
}

// ---- attributes ---------------------------------------------------------------------------------------------------------

interface WrittenAttributes {
  readonly attributes: Attributes
  /** Size of all of them and of each bucket, in UTF-16 units. */
  readonly units: number
  readonly bucketUnits: readonly number[]
  /** Attributes that found no place. */
  readonly dropped: number
}

/**
 * Identity and errors, then the buckets, then what was set as attributes; of two with one name the first counts.
 *
 * @param bucketBytes most bytes of each bucket, its attribute names included.
 */
function writeAttributes(parts: SpanParts, record: SpanRecord, bucketBytes?: readonly number[]): WrittenAttributes {
  const writer = new AttributeWriter()
  writer.addAll(parts.identity)
  for (const [key, value] of parts.event) writer.add(key, value)
  const { eventName, error, errorType } = parts.texts
  if (eventName !== undefined) writer.add(ATTRIBUTE.eventName, eventName)
  if (error !== undefined) writer.add(ATTRIBUTE.error, error)
  if (errorType !== undefined) writer.add(ATTRIBUTE.errorType, errorType)
  // One place is kept for the mark of what was cut.
  const places = sharePlaces(parts, record.owner.limits.maxAttributes - writer.count - 1)
  const bucketUnits = parts.buckets.map(([bucket, value], i) =>
    writer.bucket(BUCKET_PREFIX[bucket], value, places.ofBuckets[i] ?? 1, bucketBytes?.[i]),
  )
  for (const [i, [key, value]] of parts.attributes.entries()) {
    if (places.chosen?.has(i) ?? true) writer.add(key, value)
  }
  const dropped = places.chosen === undefined ? 0 : parts.attributes.length - places.chosen.size
  return { attributes: writer.attributes, units: writer.units, bucketUnits, dropped }
}

interface Places {
  /** Most attributes of each bucket. */
  readonly ofBuckets: readonly number[]
  /** Which attributes are kept; `undefined`: all. */
  readonly chosen: ReadonlySet<number> | undefined
}

/** Places that a bucket has before attributes that were set give way: one that needs more travels as JSON text and loses nothing. */
const SURE_PLACES = 32

function sharePlaces({ buckets, attributes }: SpanParts, places: number): Places {
  const leaves = buckets.map(([, value]) => countLeaves(value, Math.max(1, places) + 1))
  const total = leaves.reduce((sum, count) => sum + count, 0)
  if (total + attributes.length <= places) return { ofBuckets: leaves, chosen: undefined }
  const sure = leaves.reduce((sum, count) => sum + Math.min(count, SURE_PLACES), 0)
  const keys = attributes.map(([key]) => key)
  const chosen = chooseAttributes(keys, Math.max(0, places - sure))
  return { ofBuckets: shareOut(leaves, places - chosen.size).map((count) => Math.max(1, count)), chosen }
}

class AttributeWriter {
  readonly attributes: Attributes = {}
  count = 0
  units = 0

  /** Without a list of the names: the engine keeps one with the shape of an object. */
  addAll(attributes: Readonly<Record<string, AttributeValue>>): void {
    for (const key in attributes) if (hasOwnField(attributes, key)) this.add(key, attributes[key] as AttributeValue)
  }

  add(key: string, value: AttributeValue): void {
    if (Object.hasOwn(this.attributes, key)) return
    setOwn(this.attributes, key, value)
    this.count += 1
    this.units += key.length + unitsOf(value)
  }

  /** Adds a bucket, one attribute for each leaf while there are places and bytes for that. Gives back its size. */
  bucket(prefix: string, value: Plain, places: number, maxBytes: number | undefined): number {
    const before = this.units
    const most = maxBytes === undefined ? places : placesWithin(prefix, value, places, maxBytes)
    flatten(prefix, value, most, (key, leaf) => this.add(key, leaf))
    return this.units - before
  }
}

/** Most places at which a bucket stays within its bytes: each repeats its path. */
function placesWithin(prefix: string, value: Plain, places: number, maxBytes: number): number {
  for (let most = places; most > 1; most = most >> 2) {
    let bytes = 0
    flatten(prefix, value, most, (key, leaf) => {
      bytes += Buffer.byteLength(key) + Buffer.byteLength(String(leaf))
    })
    if (bytes <= maxBytes) return most
  }
  return 1
}

function unitsOf(value: AttributeValue): number {
  if (typeof value === 'string') return value.length
  return Array.isArray(value) ? value.reduce<number>((total, item) => total + (typeof item === 'string' ? item.length + 2 : 8), 0) : 8
}

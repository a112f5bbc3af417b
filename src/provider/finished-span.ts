import type { Attributes, AttributeValue, HrTime, Link, SpanContext } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS, EventType } from '../semantics/attributes.js'
import { clampText, flatten, toWellFormedText } from '../values/flatten.js'
import type { Redactor } from '../values/redact.js'
import type { Plain } from '../values/snapshot.js'
import { toHrTime } from './clock.js'
import { detectEventType } from '../semantics/event-type.js'
import { InstanceSpan, type RecordedEvent, type RecordedLink, type SpanRecord } from './span.js'

/**
 * The exportable form of an ended span: buckets flattened, values redacted and then cut to the limits. Runs when the
 * span is exported, not when it ends. Identity comes first and always fits; what did not fit is marked on the span.
 */
export function toReadableSpan(span: InstanceSpan): ReadableSpan {
  const record = InstanceSpan.recordOf(span)
  const writer = new AttributeWriter(record)
  writeIdentity(writer, record)
  writeError(writer, record)
  if (record.buckets !== undefined) writeBuckets(writer, record.buckets)
  if (record.attributes !== undefined) for (const [key, value] of record.attributes) writer.redacted(key, value)
  return new ExportedSpan(record, writer)
}

/** One shape for every span: the serialiser reads each field of each span. */
class ExportedSpan implements ReadableSpan {
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
  readonly ended = true
  readonly resource: ReadableSpan['resource']
  readonly instrumentationScope: ReadableSpan['instrumentationScope']
  readonly droppedAttributesCount: number
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number
  readonly #context: SpanContext

  constructor(record: SpanRecord, writer: AttributeWriter) {
    this.name = writer.text('name', record.name)
    this.kind = record.kind
    if (record.parent !== undefined) this.parentSpanContext = record.parent
    this.startTime = toHrTime(record.startMs)
    this.endTime = toHrTime(record.endMs)
    this.duration = toHrTime(record.endMs - record.startMs)
    this.status = toStatus(record, writer)
    const events = record.events === undefined ? NO_RECORDED : record.events.filter((event) => writer.takes(event))
    const links = record.links === undefined ? NO_RECORDED : record.links.filter((link) => writer.takes(link))
    this.events = toEvents(events as readonly RecordedEvent[], writer)
    this.links = toLinks(links as readonly RecordedLink[], writer)
    this.resource = record.owner.resource
    this.instrumentationScope = record.instrumentation
    this.attributes = writer.finish()
    this.droppedAttributesCount = record.droppedAttributes + writer.dropped
    this.droppedEventsCount = record.droppedEvents + (record.events?.length ?? 0) - events.length
    this.droppedLinksCount = record.droppedLinks + (record.links?.length ?? 0) - links.length
    this.#context = record.context
  }

  spanContext(): SpanContext {
    return this.#context
  }
}

const NO_RECORDED: readonly never[] = []

// Enough for the identity, error and mark attributes, so that they never compete with the user's.
const RESERVED_ATTRIBUTES = 24

/** Collects the attributes of one span within its limits, redacted before they are cut. */
class AttributeWriter {
  readonly #attributes: Attributes = {}
  readonly #redactors: readonly Redactor[]
  readonly #maxBucketBytes: number
  #free: number
  #freeBytes: number
  /** Kept free of attributes for events and links. */
  #reservedBytes: number
  #dropped = 0
  #isTruncated: boolean

  constructor(record: SpanRecord) {
    const { limits, redactor, maxBucketBytes } = record.owner
    this.#maxBucketBytes = maxBucketBytes
    this.#redactors = redactorsOf(redactor, record.redact)
    this.#free = Math.max(0, limits.maxAttributes - Math.min(RESERVED_ATTRIBUTES, limits.maxAttributes >> 1))
    this.#reservedBytes = Math.min(sizeOfEvents(record), limits.maxSpanBytes >> 2)
    this.#freeBytes = limits.maxSpanBytes - this.#reservedBytes
    this.#isTruncated = record.isTruncated || record.droppedAttributes + record.droppedEvents + record.droppedLinks > 0
  }

  /** Adds one of our own attributes, unredacted and outside the limit. */
  fixed(key: string, value: string | number | boolean): void {
    this.#attributes[key] = value
  }

  /** Adds a value of the user. */
  redacted(key: string, value: AttributeValue): void {
    this.#add(toWellFormedText(key), redactAttribute(this.#redactors, key, value))
  }

  /** Adds a bucket, one attribute for each leaf. */
  bucket(prefix: string, value: Plain): void {
    let clean = value
    for (const redactor of this.#redactors) clean = redactor.value(prefix, clean)
    if (this.#free <= 0) {
      this.#dropped++
      return
    }
    const maxBytes = Math.max(0, Math.min(this.#freeBytes, this.#maxBucketBytes))
    const cut = flatten(prefix, clean, { budget: this.#free, maxBytes }, (key, leaf) => this.#add(key, leaf))
    if (cut.truncated) this.#isTruncated = true
  }

  /** Text that is no attribute: names and messages. */
  text(path: string, value: string): string {
    let clean = value
    for (const redactor of this.#redactors) clean = redactor.text(path, clean)
    return toWellFormedText(clean)
  }

  /** Attributes of an event or link. */
  map(path: string, values: ReadonlyMap<string, AttributeValue>): Attributes {
    const clean: Attributes = {}
    for (const [key, value] of values) setOwn(clean, toWellFormedText(key), redactAttribute(this.#redactors, `${path}.${key}`, value))
    return clean
  }

  /** Whether an event or link still fits; once attributes are written. */
  takes(part: RecordedEvent | RecordedLink): boolean {
    this.#freeBytes += this.#reservedBytes
    this.#reservedBytes = 0
    const size = sizeOfPart(part)
    if (size > this.#freeBytes) {
      this.#isTruncated = true
      return false
    }
    this.#freeBytes -= size
    return true
  }

  /** Attributes that found no room. */
  get dropped(): number {
    return this.#dropped
  }

  /** Everything that was added, with the mark of what was cut. */
  finish(): Attributes {
    if (this.#isTruncated || this.#dropped > 0) this.#attributes[ATTRIBUTE.truncated] = true
    return this.#attributes
  }

  #add(key: string, value: AttributeValue): void {
    if (Object.hasOwn(this.#attributes, key)) return
    const size = key.length + roughSize(value)
    if (this.#free <= 0 || size > this.#freeBytes) return this.#cutOrDrop(key, value)
    this.#free--
    this.#freeBytes -= size
    setOwn(this.#attributes, key, value)
  }

  #cutOrDrop(key: string, value: AttributeValue): void {
    this.#isTruncated = true
    if (this.#free <= 0 || typeof value !== 'string' || this.#freeBytes < key.length + 64) {
      this.#dropped++
      return
    }
    setOwn(this.#attributes, key, clampText(value, this.#freeBytes - key.length))
    this.#free--
    this.#freeBytes = 0
  }
}

/** Most spans have the one redactor of their instance: its list is made once. */
function redactorsOf(own: Redactor, ofCall: Redactor | undefined): readonly Redactor[] {
  if (ofCall !== undefined) return own.isActive ? [own, ofCall] : [ofCall]
  const known = redactorLists.get(own)
  if (known !== undefined) return known
  const list = own.isActive ? [own] : []
  redactorLists.set(own, list)
  return list
}

const redactorLists = new WeakMap<Redactor, readonly Redactor[]>()

/** An attribute may have any name, `__proto__` included. */
function setOwn(holder: Attributes, key: string, value: AttributeValue): void {
  if (key === '__proto__') Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
  else holder[key] = value
}

function redactAttribute(redactors: readonly Redactor[], key: string, value: AttributeValue): AttributeValue {
  let clean = value
  for (const redactor of redactors) clean = toValue(redactor.value(key, clean as Plain))
  return clean
}

function toValue(value: Plain): AttributeValue {
  return typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : (value as AttributeValue)
}

function roughSize(value: AttributeValue): number {
  if (typeof value === 'string') return value.length
  return Array.isArray(value) ? value.reduce<number>((total, item) => total + (typeof item === 'string' ? item.length : 8), 0) : 8
}

function sizeOfEvents({ events, links }: SpanRecord): number {
  let total = 0
  if (events !== undefined) for (const event of events) total += sizeOfPart(event)
  if (links !== undefined) for (const link of links) total += sizeOfPart(link)
  return total
}

function sizeOfPart({ attributes }: RecordedEvent | RecordedLink): number {
  let total = 64
  for (const [key, value] of attributes) total += key.length + roughSize(value)
  return total
}

function writeIdentity(writer: AttributeWriter, record: SpanRecord): void {
  for (const [key, value] of record.session.identity) writer.fixed(key, value)
  const { attributes } = record
  const type = record.eventType ?? (attributes === undefined ? EventType.tool : detectEventType((key) => attributes.get(key)))
  writer.fixed(ATTRIBUTE.eventType, type)
  // A name that is the span's own needs no second copy: ingestion falls back to it.
  if (record.eventName !== undefined && record.eventName !== record.name)
    writer.fixed(ATTRIBUTE.eventName, writer.text(ATTRIBUTE.eventName, record.eventName))
  if (record.eventId !== undefined) writer.fixed(ATTRIBUTE.eventId, record.eventId)
}

function writeError(writer: AttributeWriter, record: SpanRecord): void {
  if (record.attributes?.has(ATTRIBUTE.error)) return
  const failed = record.error ?? (record.status.code === SpanStatusCode.ERROR ? errorOfEvents(record) : undefined)
  if (failed === undefined) return
  writer.fixed(ATTRIBUTE.error, clampText(writer.text(ATTRIBUTE.error, failed.message), MAX_ERROR_BYTES))
  if (failed.type !== undefined) writer.fixed(ATTRIBUTE.errorType, failed.type)
}

const MAX_ERROR_BYTES = 32_768

/** HoneyHive reads errors from its own attribute only, so an instrumentor's ERROR status has to be copied there. */
function errorOfEvents(record: SpanRecord): { message: string; type: string | undefined } {
  const event = record.events?.findLast((candidate) => candidate.name === 'exception')
  const message = record.status.message ?? event?.attributes.get('exception.message') ?? 'error'
  const type = event?.attributes.get('exception.type')
  return { message: String(message), type: typeof type === 'string' ? type : undefined }
}

function writeBuckets(writer: AttributeWriter, buckets: NonNullable<SpanRecord['buckets']>): void {
  for (const bucket of BUCKETS) {
    const parts = buckets[bucket]
    if (parts !== undefined) writer.bucket(BUCKET_PREFIX[bucket], mergeParts(parts))
  }
}

function mergeParts(parts: readonly Plain[]): Plain {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  return Object.assign(Object.create(null), ...parts.filter((part) => typeof part === 'object'))
}

function toStatus(record: SpanRecord, writer: AttributeWriter): ReadableSpan['status'] {
  const { code, message } = record.status
  return message === undefined ? { code } : { code, message: clampText(writer.text('status', message), MAX_ERROR_BYTES) }
}

function toEvents(events: readonly RecordedEvent[], writer: AttributeWriter): TimedEvent[] {
  return events.map((event) => ({
    name: writer.text('event', event.name),
    time: toHrTime(event.timeMs),
    attributes: writer.map(event.name, event.attributes),
    droppedAttributesCount: 0,
  }))
}

function toLinks(links: readonly RecordedLink[], writer: AttributeWriter): Link[] {
  return links.map((link) => ({ context: link.context, attributes: writer.map('link', link.attributes), droppedAttributesCount: 0 }))
}

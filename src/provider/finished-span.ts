import type { Attributes, AttributeValue, HrTime, Link, SpanContext } from '@opentelemetry/api'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../semantics/attributes.js'
import { detectEventType } from '../semantics/event-type.js'
import { clampText, flatten, toWellFormedText } from '../values/flatten.js'
import type { Plain } from '../values/plain.js'
import type { Redactor } from '../values/redact.js'
import { setOwn } from './span-arguments.js'
import type { SpanRecord } from './span-record.js'

/**
 * The exportable form of a span: buckets flattened, values redacted and then cut to the limits. Runs when the span is
 * exported or looked at, not when it ends. Identity comes first and always fits; what did not fit is marked on the span.
 */
export function toFinishedSpan(record: SpanRecord): ReadableSpan {
  const writer = new AttributeWriter(record)
  writeIdentity(writer, record)
  writeError(writer, record)
  if (record.buckets !== undefined) writeBuckets(writer, record.buckets)
  const attributes = record.sdk?.attributes ?? NO_ATTRIBUTES
  for (const key of Object.keys(attributes)) writer.redacted(key, attributes[key] as AttributeValue)
  return new FinishedSpan(record, writer)
}

const NO_ATTRIBUTES: Attributes = Object.freeze({})
const NEVER: HrTime = [0, 0]
const NO_LIBRARY: ReadableSpan['instrumentationScope'] = { name: '' }

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
  readonly #context: SpanContext

  constructor(record: SpanRecord, writer: AttributeWriter) {
    const { sdk, owner } = record
    this.name = writer.text('name', sdk?.name ?? '')
    this.kind = sdk?.kind ?? SpanKind.INTERNAL
    if (record.parent !== undefined) this.parentSpanContext = record.parent
    this.startTime = sdk?.startTime ?? NEVER
    this.endTime = sdk?.endTime ?? NEVER
    this.duration = sdk?.duration ?? NEVER
    this.status = toStatus(record, writer)
    const events = sdk?.events ?? []
    const links = sdk?.links ?? []
    const keptEvents = events.filter((event) => writer.takes(event))
    const keptLinks = links.filter((link) => writer.takes(link))
    this.events = toEvents(keptEvents, writer)
    this.links = toLinks(keptLinks, writer)
    this.resource = sdk?.resource ?? owner.resource
    this.instrumentationScope = sdk?.instrumentationScope ?? NO_LIBRARY
    this.attributes = writer.finish()
    this.droppedAttributesCount = record.droppedAttributes + writer.dropped
    this.droppedEventsCount = (sdk?.droppedEventsCount ?? 0) + events.length - keptEvents.length
    this.droppedLinksCount = (sdk?.droppedLinksCount ?? 0) + links.length - keptLinks.length
    this.ended = record.isEnded
    this.#context = record.context
  }

  spanContext(): SpanContext {
    return this.#context
  }
}
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
    // One place is kept for the mark of what was cut.
    this.#free = limits.maxAttributes - 1
    this.#reservedBytes = Math.min(sizeOfEvents(record), limits.maxSpanBytes >> 2)
    this.#freeBytes = limits.maxSpanBytes - this.#reservedBytes
    const { droppedEventsCount = 0, droppedLinksCount = 0 } = record.sdk ?? {}
    this.#isTruncated = record.isTruncated || record.droppedAttributes + droppedEventsCount + droppedLinksCount > 0
  }

  /** Adds one of our own attributes, unredacted; it takes its place from the user's and always has one. */
  fixed(key: string, value: string | number | boolean): void {
    this.#attributes[key] = value
    this.#free -= 1
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
  map(path: string, values: Attributes | undefined): Attributes {
    const clean: Attributes = {}
    for (const key in values)
      setOwn(clean, toWellFormedText(key), redactAttribute(this.#redactors, `${path}.${key}`, values[key] as AttributeValue))
    return clean
  }

  /** Whether an event or link still fits; once attributes are written. */
  takes(part: TimedEvent | Link): boolean {
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

function sizeOfEvents({ sdk }: SpanRecord): number {
  let total = 0
  if (sdk === undefined) return total
  for (const event of sdk.events) total += sizeOfPart(event)
  for (const link of sdk.links) total += sizeOfPart(link)
  return total
}

function sizeOfPart({ attributes }: TimedEvent | Link): number {
  let total = 64
  for (const key in attributes) total += key.length + roughSize(attributes[key] as AttributeValue)
  return total
}

function writeIdentity(writer: AttributeWriter, record: SpanRecord): void {
  const { identity } = record.session
  for (const key of Object.keys(identity)) writer.fixed(key, identity[key] as string | boolean)
  const type =
    record.eventType ??
    detectEventType(
      record.sdk?.attributes ?? {},
      record.sdk?.events.map(({ name }) => name),
    )
  writer.fixed(ATTRIBUTE.eventType, type)
  // A name that is the span's own needs no second copy: ingestion falls back to it.
  if (record.eventName !== undefined && record.eventName !== record.sdk?.name)
    writer.fixed(ATTRIBUTE.eventName, writer.text(ATTRIBUTE.eventName, record.eventName))
  if (record.eventId !== undefined) writer.fixed(ATTRIBUTE.eventId, record.eventId)
}

function writeError(writer: AttributeWriter, record: SpanRecord): void {
  if (record.sdk !== undefined && Object.hasOwn(record.sdk.attributes, ATTRIBUTE.error)) return
  const failed = record.error ?? (record.sdk?.status.code === SpanStatusCode.ERROR ? errorOfEvents(record) : undefined)
  if (failed === undefined) return
  writer.fixed(ATTRIBUTE.error, clampText(writer.text(ATTRIBUTE.error, failed.message), MAX_ERROR_BYTES))
  if (failed.type !== undefined) writer.fixed(ATTRIBUTE.errorType, failed.type)
}

const MAX_ERROR_BYTES = 32_768

/** HoneyHive reads errors from its own attribute only, so an instrumentor's ERROR status has to be copied there. */
function errorOfEvents({ sdk }: SpanRecord): { message: string; type: string | undefined } {
  const event = sdk?.events.findLast((candidate) => candidate.name === 'exception')
  const message = sdk?.status.message ?? event?.attributes?.['exception.message'] ?? 'error'
  const type = event?.attributes?.['exception.type']
  return { message: String(message), type: typeof type === 'string' ? type : undefined }
}

function writeBuckets(writer: AttributeWriter, buckets: NonNullable<SpanRecord['buckets']>): void {
  for (const bucket of BUCKETS) {
    const value = buckets[bucket]
    if (value !== undefined) writer.bucket(BUCKET_PREFIX[bucket], value)
  }
}

function toStatus({ sdk }: SpanRecord, writer: AttributeWriter): ReadableSpan['status'] {
  const { code, message } = sdk?.status ?? UNSET
  return message === undefined ? { code } : { code, message: clampText(writer.text('status', message), MAX_ERROR_BYTES) }
}

const UNSET: ReadableSpan['status'] = { code: SpanStatusCode.UNSET }

function toEvents(events: readonly TimedEvent[], writer: AttributeWriter): TimedEvent[] {
  return events.map((event) => ({
    name: writer.text('event', event.name),
    time: event.time,
    attributes: writer.map(event.name, event.attributes),
    droppedAttributesCount: event.droppedAttributesCount ?? 0,
  }))
}

function toLinks(links: readonly Link[], writer: AttributeWriter): Link[] {
  return links.map(({ context, attributes, droppedAttributesCount }) => ({
    context,
    ...(attributes === undefined ? {} : { attributes: writer.map('link', attributes) }),
    ...(droppedAttributesCount === undefined ? {} : { droppedAttributesCount }),
  }))
}

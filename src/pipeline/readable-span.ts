import type { Attributes, AttributeValue, Link } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../attributes.js'
import { clampText, flatten } from '../values/flatten.js'
import type { Redactor } from '../values/redact.js'
import type { Plain } from '../values/snapshot.js'
import { toHrTime } from './clock.js'
import { detectEventType } from './event-type.js'
import { InstanceSpan, type SpanRecord } from './span.js'

/**
 * The exportable form of an ended span: buckets flattened, values redacted and then cut to the limits. Runs when the
 * span is exported, not when it ends. Identity comes first and always fits; what did not fit is marked on the span.
 */
export function toReadableSpan(span: InstanceSpan): ReadableSpan {
  const record = InstanceSpan.recordOf(span)
  const writer = createWriter(record)
  writeIdentity(writer, record)
  writeError(writer, record)
  writeBuckets(writer, record)
  for (const [key, value] of record.attributes ?? []) writer.redacted(key, value)
  const { attributes, dropped } = writer.finish()
  return {
    name: writer.text('name', record.name),
    kind: record.kind,
    spanContext: () => record.context,
    ...(record.parent === undefined ? {} : { parentSpanContext: record.parent }),
    startTime: toHrTime(record.startMs),
    endTime: toHrTime(record.endMs),
    duration: toHrTime(record.endMs - record.startMs),
    status: toStatus(record, writer),
    attributes,
    events: toEvents(record, writer),
    links: toLinks(record, writer),
    ended: true,
    resource: record.owner.resource,
    instrumentationScope: record.instrumentation,
    droppedAttributesCount: record.droppedAttributes + dropped,
    droppedEventsCount: record.droppedEvents,
    droppedLinksCount: record.droppedLinks,
  }
}

interface Writer {
  /** Adds one of our own attributes, unredacted and outside the limit. */
  fixed(key: string, value: string | number | boolean): void
  /** Adds a value of the user within the limits. */
  redacted(key: string, value: AttributeValue): void
  bucket(prefix: string, value: Plain): void
  text(path: string, value: string): string
  map(path: string, values: ReadonlyMap<string, AttributeValue>): Attributes
  finish(): { attributes: Attributes; dropped: number }
}

// Enough for the identity, error and mark attributes, so that they never compete with the user's.
const RESERVED_ATTRIBUTES = 24

function createWriter(record: SpanRecord): Writer {
  const { limits } = record.owner
  const redactors = record.redact === undefined ? [record.owner.redactor] : [record.owner.redactor, record.redact]
  const attributes: Attributes = Object.create(null)
  let free = Math.max(0, limits.maxAttributes - Math.min(RESERVED_ATTRIBUTES, limits.maxAttributes >> 1))
  let freeBytes = limits.maxSpanBytes
  let dropped = 0
  let isTruncated = record.isTruncated

  function put(key: string, value: AttributeValue): void {
    if (key in attributes) return
    const size = key.length + roughSize(value)
    if (free <= 0 || size > freeBytes) return cutOrDrop(key, value)
    attributes[key] = value
    free--
    freeBytes -= size
  }

  function cutOrDrop(key: string, value: AttributeValue): void {
    isTruncated = true
    if (free <= 0 || typeof value !== 'string' || freeBytes < key.length + 64) {
      dropped++
      return
    }
    attributes[key] = clampText(value, freeBytes - key.length)
    free--
    freeBytes = 0
  }

  return {
    fixed(key, value) {
      attributes[key] = value
    },
    redacted(key, value) {
      put(key, redactAttribute(redactors, key, value))
    },
    bucket(prefix, value) {
      const clean = redactors.reduce((at, redactor) => redactor.value(prefix, at), value)
      const cut = flatten(prefix, clean, { budget: free, maxBytes: Math.max(0, freeBytes) }, put)
      isTruncated ||= cut.truncated
    },
    text: (path, value) => redactors.reduce((at, redactor) => redactor.text(path, at), value),
    map(path, values) {
      const clean: Attributes = Object.create(null)
      for (const [key, value] of values) clean[key] = redactAttribute(redactors, `${path}.${key}`, value)
      return clean
    },
    finish() {
      if (isTruncated || dropped > 0 || record.droppedAttributes > 0) attributes[ATTRIBUTE.truncated] = true
      return { attributes, dropped }
    },
  }
}

function redactAttribute(redactors: readonly Redactor[], key: string, value: AttributeValue): AttributeValue {
  return redactors.reduce<AttributeValue>((at, redactor) => (redactor.isActive ? toValue(redactor.value(key, at as Plain)) : at), value)
}

function toValue(value: Plain): AttributeValue {
  return typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : (value as AttributeValue)
}

function roughSize(value: AttributeValue): number {
  if (typeof value === 'string') return value.length
  return Array.isArray(value) ? value.reduce<number>((total, item) => total + (typeof item === 'string' ? item.length : 8), 0) : 8
}

function writeIdentity(writer: Writer, record: SpanRecord): void {
  for (const [key, value] of record.session.identity) writer.fixed(key, value)
  const type = record.eventType ?? detectEventType((key) => record.attributes?.get(key))
  writer.fixed(ATTRIBUTE.eventType, type)
  if (record.eventName !== undefined) writer.fixed(ATTRIBUTE.eventName, writer.text(ATTRIBUTE.eventName, record.eventName))
  if (record.eventId !== undefined) writer.fixed(ATTRIBUTE.eventId, record.eventId)
  writer.fixed(ATTRIBUTE.durationMs, Math.round((record.endMs - record.startMs) * 1e6) / 1e6)
}

function writeError(writer: Writer, record: SpanRecord): void {
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

function writeBuckets(writer: Writer, record: SpanRecord): void {
  if (record.buckets === undefined) return
  for (const bucket of BUCKETS) {
    const parts = record.buckets[bucket]
    if (parts !== undefined) writer.bucket(BUCKET_PREFIX[bucket], mergeParts(parts))
  }
}

function mergeParts(parts: readonly Plain[]): Plain {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  return Object.assign(Object.create(null), ...parts.filter((part) => typeof part === 'object'))
}

function toStatus(record: SpanRecord, writer: Writer): ReadableSpan['status'] {
  const { code, message } = record.status
  return message === undefined ? { code } : { code, message: clampText(writer.text('status', message), MAX_ERROR_BYTES) }
}

function toEvents(record: SpanRecord, writer: Writer): TimedEvent[] {
  return (record.events ?? []).map((event) => ({
    name: writer.text('event', event.name),
    time: toHrTime(event.timeMs),
    attributes: writer.map(event.name, event.attributes),
    droppedAttributesCount: 0,
  }))
}

function toLinks(record: SpanRecord, writer: Writer): Link[] {
  return (record.links ?? []).map((link) => ({ context: link.context, attributes: writer.map('link', link.attributes), droppedAttributesCount: 0 }))
}

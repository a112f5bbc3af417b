import {
  type Attributes,
  type AttributeValue,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { ATTRIBUTE, type Bucket } from '../semantics/attributes.js'
import type { ResolvedLimits } from '../config/resolved.js'
import type { Instance, Session } from '../context/scope.js'
import type { AttributeScalar } from '../values/flatten.js'
import { toAttributeValue } from '../values/flatten.js'
import type { Redactor } from '../values/redact.js'
import type { Plain, Snapshot } from '../values/snapshot.js'
import { toBigIntText } from '../values/stand-in.js'
import { type Clock, type ClockAnchor, nowOn, toUnixMs } from './clock.js'
import { describeThrown, type ThrownText } from '../values/thrown.js'
import type { OwnedSpan } from './owner.js'

/** Name and version of the library that made a span. */
export type InstrumentationScope = ReadableSpan['instrumentationScope']
/** What a span's service and process say about themselves. */
export type Resource = ReadableSpan['resource']

/** A session as its spans need it: the identity attributes every one of them carries, made once. */
export interface SpanSession extends Session {
  readonly identity: readonly (readonly [key: string, value: string | boolean])[]
}

/** What a span needs of the instance that owns it. */
export interface SpanOwner {
  readonly instance: Instance
  readonly limits: ResolvedLimits
  /** Most bytes of one bucket. */
  readonly maxBucketBytes: number
  readonly redactor: Redactor
  readonly resource: Resource
  readonly clock: Clock
  /** Called once for each span that was started. */
  spanEnded(span: InstanceSpan): void
}

/** An event on a span. */
export interface RecordedEvent {
  readonly name: string
  readonly timeMs: number
  readonly attributes: ReadonlyMap<string, AttributeValue>
}

/** A link to another span. */
export interface RecordedLink {
  readonly context: SpanContext
  readonly attributes: ReadonlyMap<string, AttributeValue>
}

/** What becomes of a span at its end. */
export type Fate = 'export' | 'unsampled' | 'filtered'

/** Everything known of one span; filled while it is open, read once when it is exported. */
export interface SpanRecord {
  readonly owner: SpanOwner
  readonly session: SpanSession
  readonly context: SpanContext
  /** Parent as it is exported: the nearest ancestor that is kept. */
  readonly parent: SpanContext | undefined
  readonly kind: SpanKind
  readonly anchor: ClockAnchor
  readonly startMs: number
  readonly instrumentation: InstrumentationScope
  readonly fate: Fate
  /** A redaction rule of one wrapper, applied after the instance's. */
  readonly redact: Redactor | undefined
  name: string
  eventType: string | undefined
  eventName: string | undefined
  eventId: string | undefined
  endMs: number
  /** Rough size of what is held, for the queue's byte limit. */
  bytes: number
  attributes: Map<string, AttributeValue> | undefined
  droppedAttributes: number
  buckets: Partial<Record<Bucket, readonly Plain[]>> | undefined
  events: RecordedEvent[] | undefined
  droppedEvents: number
  links: RecordedLink[] | undefined
  droppedLinks: number
  status: SpanStatus
  error: ThrownText | undefined
  lastException: unknown
  isTruncated: boolean
}

const SPAN_OVERHEAD_BYTES = 400
const ENTRY_OVERHEAD_BYTES = 40
const IDENTITY_KEYS: ReadonlySet<string> = new Set([
  ATTRIBUTE.sessionId,
  ATTRIBUTE.sessionAutoCreate,
  ATTRIBUTE.sessionName,
  ATTRIBUTE.project,
  ATTRIBUTE.source,
  ATTRIBUTE.parentId,
])

/** What a new record is made of. */
export type SpanStart = Pick<
  SpanRecord,
  | 'owner'
  | 'session'
  | 'context'
  | 'parent'
  | 'kind'
  | 'anchor'
  | 'startMs'
  | 'instrumentation'
  | 'fate'
  | 'redact'
  | 'name'
  | 'eventType'
  | 'eventName'
  | 'eventId'
>

function createRecord(start: SpanStart): SpanRecord {
  return {
    owner: start.owner,
    session: start.session,
    context: start.context,
    parent: start.parent,
    kind: start.kind,
    anchor: start.anchor,
    startMs: start.startMs,
    instrumentation: start.instrumentation,
    fate: start.fate,
    redact: start.redact,
    name: start.name,
    eventType: start.eventType,
    eventName: start.eventName,
    eventId: start.eventId,
    endMs: 0,
    bytes: SPAN_OVERHEAD_BYTES,
    attributes: undefined,
    droppedAttributes: 0,
    buckets: undefined,
    events: undefined,
    droppedEvents: 0,
    links: undefined,
    droppedLinks: 0,
    status: UNSET,
    error: undefined,
    lastException: undefined,
    isTruncated: false,
  }
}

const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }

/**
 * The OpenTelemetry span of one tracer instance. Every method is safe with any argument: what cannot be recorded is
 * left out, nothing throws. Its contents are not reachable from outside, so logging a span shows no other data.
 */
export class InstanceSpan implements Span, OwnedSpan {
  readonly #record: SpanRecord
  #isEnded = false

  constructor(start: SpanStart) {
    this.#record = createRecord(start)
  }

  /** The data of `span`, for the pipeline. */
  static recordOf(span: InstanceSpan): SpanRecord {
    return span.#record
  }

  /** Frees the data of a span that is settled; a scope may hold the span itself for much longer. */
  static release(span: InstanceSpan): void {
    const record = span.#record
    record.attributes = undefined
    record.buckets = undefined
    record.events = undefined
    record.links = undefined
    record.error = undefined
    record.lastException = undefined
  }

  /** The instance this span belongs to. */
  get honeyhiveInstance(): Instance {
    return this.#record.owner.instance
  }

  spanContext(): SpanContext {
    return this.#record.context
  }

  isRecording(): boolean {
    return !this.#isEnded && this.#record.fate === 'export'
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.isRecording()) this.#set(key, value)
    return this
  }

  setAttributes(attributes: Attributes): this {
    if (this.isRecording()) forEachEntry(attributes, (key, value) => this.#set(key, value))
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this
    const isTime = isTimeInput(attributesOrTime)
    const at = isTime ? (attributesOrTime as TimeInput) : time
    this.#addEvent(name, isTime ? undefined : (attributesOrTime as Attributes | undefined), at)
    return this
  }

  addLink(link: Link): this {
    if (this.isRecording()) this.#addLink(link)
    return this
  }

  addLinks(links: Link[]): this {
    if (this.isRecording()) for (const link of readItems(links)) this.#addLink(link)
    return this
  }

  setStatus(status: SpanStatus): this {
    if (!this.isRecording()) return this
    const next = readStatus(status)
    // OK is final: the specification lets an explicit success win over a later error.
    if (next !== undefined && this.#record.status.code !== SpanStatusCode.OK) this.#record.status = next
    return this
  }

  updateName(name: string): this {
    if (this.isRecording() && typeof name === 'string') this.#record.name = name
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    if (this.isRecording()) this.#recordException(exception, time)
  }

  end(endTime?: TimeInput): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const record = this.#record
    record.endMs = Math.max(record.startMs, toUnixMs(endTime, record.anchor) ?? nowOn(record.anchor, record.owner.clock))
    record.owner.spanEnded(this)
  }

  /** Status ERROR, one exception event and the error attributes; the span stays open. */
  fail(thrown: unknown): void {
    if (!this.isRecording()) return
    const error = this.#recordException(thrown, undefined)
    this.#record.error = error
    this.#record.status = { code: SpanStatusCode.ERROR, message: error.message }
  }

  /** Adds a captured value to a bucket of the event; later keys win. */
  addToBucket(bucket: Bucket, snapshot: Snapshot): void {
    if (!this.isRecording()) return
    const record = this.#record
    record.buckets ??= {}
    const earlier = record.buckets[bucket]
    record.buckets[bucket] = earlier === undefined ? [snapshot.value] : [...earlier, snapshot.value]
    record.bytes += snapshot.bytes
    if (snapshot.truncated) record.isTruncated = true
  }

  #set(key: string, value: unknown): void {
    const record = this.#record
    if (typeof key !== 'string' || key === '' || IDENTITY_KEYS.has(key)) return
    const safe = toAttributeValue(value)
    if (safe === undefined || takeSpecial(record, key, safe)) return
    record.attributes ??= new Map()
    if (record.attributes.size >= record.owner.limits.maxAttributes && !record.attributes.has(key)) {
      record.droppedAttributes++
      return
    }
    record.attributes.set(key, safe as AttributeValue)
    record.bytes += key.length + sizeOf(safe) + ENTRY_OVERHEAD_BYTES
  }

  #addEvent(name: unknown, attributes: Attributes | undefined, time: TimeInput | undefined): void {
    const record = this.#record
    record.events ??= []
    if (record.events.length >= record.owner.limits.maxEvents) {
      record.droppedEvents++
      return
    }
    const event = {
      name: nameText(name),
      timeMs: toUnixMs(time, record.anchor) ?? nowOn(record.anchor, record.owner.clock),
      attributes: copyAttributes(attributes),
    }
    record.events.push(event)
    record.bytes += event.name.length + sizeOfAll(event.attributes) + ENTRY_OVERHEAD_BYTES
  }

  #addLink(link: unknown): void {
    const record = this.#record
    const copied = readLink(link)
    if (copied === undefined) return
    record.links ??= []
    if (record.links.length >= record.owner.limits.maxLinks) {
      record.droppedLinks++
      return
    }
    record.links.push(copied)
    record.bytes += sizeOfAll(copied.attributes) + 2 * ENTRY_OVERHEAD_BYTES
  }

  #recordException(thrown: unknown, time: TimeInput | undefined): ThrownText {
    const record = this.#record
    const text = describeThrown(thrown)
    // The same object may pass by twice: recorded by hand, then thrown out of the traced function.
    if (typeof thrown === 'object' && thrown !== null && record.lastException === thrown) return text
    record.lastException = thrown
    const attributes: Attributes = { 'exception.type': text.type, 'exception.message': text.message }
    if (text.stack !== undefined) attributes['exception.stacktrace'] = text.stack
    this.#addEvent('exception', attributes, time)
    return text
  }
}

/** HoneyHive's own root fields set through `setAttribute` become those fields; true when `key` was one of them. */
function takeSpecial(record: SpanRecord, key: string, value: AttributeScalar | readonly AttributeScalar[]): boolean {
  if (typeof value !== 'string') return false
  if (key === ATTRIBUTE.eventType || key === 'honeyhive.event_type') record.eventType = value
  else if (key === ATTRIBUTE.eventName) record.eventName = value
  else if (key === ATTRIBUTE.eventId) record.eventId = value
  else return false
  return true
}

function forEachEntry(attributes: unknown, visit: (key: string, value: unknown) => void): void {
  if (typeof attributes !== 'object' || attributes === null) return
  for (const key of safeKeys(attributes)) {
    try {
      visit(key, Reflect.get(attributes, key))
    } catch {
      visit(key, '[Unreadable]')
    }
  }
}

function isTimeInput(value: unknown): value is TimeInput {
  try {
    return typeof value === 'number' || value instanceof Date || Array.isArray(value)
  } catch {
    return false
  }
}

/** The items of a list that can be read; a hole or a getter that throws costs only itself. */
function readItems(list: unknown): unknown[] {
  try {
    if (!Array.isArray(list)) return []
    const length = Math.min(list.length, MAX_LISTED_ITEMS)
    return Array.from({ length }, (_, i) => readItem(list, i))
  } catch {
    return []
  }
}

// More than any limit keeps, so that a list with a huge length costs nothing.
const MAX_LISTED_ITEMS = 10_000

function readItem(list: readonly unknown[], index: number): unknown {
  try {
    return list[index]
  } catch {
    return undefined
  }
}

function safeKeys(holder: object): string[] {
  try {
    return Object.keys(holder)
  } catch {
    return []
  }
}

function copyAttributes(attributes: unknown): Map<string, AttributeValue> {
  const copy = new Map<string, AttributeValue>()
  forEachEntry(attributes, (key, value) => {
    const safe = toAttributeValue(value)
    if (safe !== undefined && key !== '') copy.set(key, safe as AttributeValue)
  })
  return copy
}

function readLink(link: unknown): RecordedLink | undefined {
  if (typeof link !== 'object' || link === null) return undefined
  try {
    const { context, attributes } = link as Link
    const { traceId, spanId, traceFlags } = context
    if (!isHex(traceId, 32) || !isHex(spanId, 16)) return undefined
    return {
      context: { traceId, spanId, traceFlags: typeof traceFlags === 'number' ? traceFlags & 0xff : 0 },
      attributes: copyAttributes(attributes),
    }
  } catch {
    return undefined
  }
}

/** Only text is looked at: turning a huge list into text could take for ever. */
function isHex(value: unknown, length: number): boolean {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value)
}

function readStatus(status: unknown): SpanStatus | undefined {
  try {
    const { code, message } = status as SpanStatus
    if (code !== SpanStatusCode.OK && code !== SpanStatusCode.ERROR) return undefined
    return typeof message === 'string' && code === SpanStatusCode.ERROR ? { code, message } : { code }
  } catch {
    return undefined
  }
}

/** Text of a span or event name given by a caller, whatever it gave. */
export function nameText(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  if (typeof name === 'bigint') return toBigIntText(name)
  return typeof name === 'number' ? String(name) : 'unnamed'
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (!Array.isArray(value)) return 8
  let total = 0
  for (const item of value) total += sizeOf(item) + 2
  return total
}

function sizeOfAll(attributes: ReadonlyMap<string, AttributeValue>): number {
  let total = 0
  for (const [key, value] of attributes) total += key.length + sizeOf(value) + ENTRY_OVERHEAD_BYTES
  return total
}

/** Kind of a span given by a caller; anything unknown is INTERNAL. */
export function toSpanKind(kind: unknown): SpanKind {
  return typeof kind === 'number' && kind >= SpanKind.INTERNAL && kind <= SpanKind.CONSUMER ? kind : SpanKind.INTERNAL
}

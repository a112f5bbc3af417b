import { hasOwnField, NativeMap } from '../builtins.js'
import type { Attributes, AttributeValue, HrTime, Link, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import { ByteWriter } from './byte-writer.js'
import {
  type ExportableSpan,
  type Grouped,
  groupSpans,
  type ScopeWithAttributes,
  type SpanWriter,
  type TimedSpan,
  toFlags,
} from './span-writer.js'

/**
 * Writes OTLP requests as protobuf, byte for byte as the official serialiser does, but in one pass: without asking first how large each
 * part becomes. Attribute names and what the spans of a session have in common are encoded once.
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
export class ProtobufWriter implements SpanWriter {
  readonly #out = new ByteWriter()
  readonly #names = new NativeMap<string, Uint8Array>()
  /** The shared attributes met last, and how they are written. */
  #shared: Attributes | undefined
  #sharedBytes: Uint8Array = NO_BYTES
  #sharedCount = 0
  /** Of the span that was begun. */
  #flags = 0
  #spanFrom = 0

  /** @throws whatever reading a span throws. */
  write(spans: readonly ExportableSpan[]): Uint8Array {
    this.#out.rewind(0)
    for (const group of groupSpans(spans)) this.#resourceSpans(group)
    return this.#out.take()
  }

  #resourceSpans({ resource, scopes }: Grouped): void {
    const out = this.#out
    const from = this.#open(FIELD.request.resourceSpans)
    const resourceFrom = this.#open(FIELD.resourceSpans.resource)
    this.#attributes(FIELD.resource.attributes, resource.attributes)
    this.#count(FIELD.resource.droppedAttributes, 0)
    out.close(resourceFrom)
    for (const spans of scopes) this.#scopeSpans(spans)
    if (resource.schemaUrl) this.#text(FIELD.resourceSpans.schemaUrl, resource.schemaUrl)
    out.close(from)
  }

  #scopeSpans(spans: readonly ExportableSpan[]): void {
    const out = this.#out
    const scope: ScopeWithAttributes = (spans[0] as ExportableSpan).instrumentationScope
    const from = this.#open(FIELD.resourceSpans.scopeSpans)
    const scopeFrom = this.#open(FIELD.scopeSpans.scope)
    this.#text(FIELD.scope.name, scope.name)
    if (scope.version) this.#text(FIELD.scope.version, scope.version)
    this.#attributes(FIELD.scope.attributes, scope.attributes)
    if (scope.droppedAttributesCount) this.#count(FIELD.scope.droppedAttributes, scope.droppedAttributesCount)
    out.close(scopeFrom)
    for (const span of spans) {
      if (span.writeTo === undefined) this.span(span.toReadable())
      else span.writeTo(this)
    }
    if (scope.schemaUrl) this.#text(FIELD.scopeSpans.schemaUrl, scope.schemaUrl)
    out.close(from)
  }

  // ---- one span ---------------------------------------------------------------------------------------------------------

  get length(): number {
    return this.#out.length
  }

  rewind(length: number): void {
    this.#out.rewind(length)
  }

  span(span: ReadableSpan): void {
    this.begin(span.spanContext(), span.parentSpanContext, span.name, span)
    this.#attributes(FIELD.span.attributes, span.attributes)
    this.#count(FIELD.span.droppedAttributes, span.droppedAttributesCount)
    for (const event of span.events) this.#event(event)
    this.#count(FIELD.span.droppedEvents, span.droppedEventsCount)
    for (const link of span.links) this.#link(link)
    this.#count(FIELD.span.droppedLinks, span.droppedLinksCount)
    this.#endSpan(span.status.code, span.status.message)
  }

  begin(context: SpanContext, parent: SpanContext | undefined, name: string, timed: TimedSpan): void {
    this.#spanFrom = this.#open(FIELD.scopeSpans.spans)
    this.#id(FIELD.span.traceId, context.traceId)
    this.#id(FIELD.span.spanId, context.spanId)
    this.#traceState(FIELD.span.traceState, context)
    if (parent?.spanId) this.#id(FIELD.span.parentSpanId, parent.spanId)
    this.#text(FIELD.span.name, name)
    const kind = (timed.kind ?? -1) + 1
    if (kind !== 0) this.#count(FIELD.span.kind, kind)
    this.#time(FIELD.span.start, timed.startTime)
    this.#time(FIELD.span.end, timed.endTime)
    this.#flags = toFlags(context.traceFlags, parent?.isRemote)
  }

  end(statusCode: number, statusMessage: string | undefined): void {
    this.#count(FIELD.span.droppedAttributes, 0)
    this.#count(FIELD.span.droppedEvents, 0)
    this.#count(FIELD.span.droppedLinks, 0)
    this.#endSpan(statusCode, statusMessage)
  }

  #endSpan(statusCode: number, statusMessage: string | undefined): void {
    const out = this.#out
    const statusFrom = this.#open(FIELD.span.status)
    if (statusMessage) this.#text(FIELD.status.message, statusMessage)
    this.#count(FIELD.status.code, statusCode)
    out.close(statusFrom)
    out.varint(FIELD.span.flags | FIXED32)
    out.fixed32(this.#flags)
    out.close(this.#spanFrom)
  }

  #event({ time, name, attributes, droppedAttributesCount }: TimedEvent): void {
    const from = this.#open(FIELD.span.events)
    this.#time(FIELD.event.time, time)
    this.#text(FIELD.event.name, name)
    this.#attributes(FIELD.event.attributes, attributes)
    this.#count(FIELD.event.droppedAttributes, droppedAttributesCount ?? 0)
    this.#out.close(from)
  }

  #link({ context, attributes, droppedAttributesCount }: Link): void {
    const out = this.#out
    const from = this.#open(FIELD.span.links)
    this.#id(FIELD.link.traceId, context.traceId)
    this.#id(FIELD.link.spanId, context.spanId)
    this.#traceState(FIELD.link.traceState, context)
    this.#attributes(FIELD.link.attributes, attributes)
    this.#count(FIELD.link.droppedAttributes, droppedAttributesCount ?? 0)
    out.varint(FIELD.link.flags | FIXED32)
    out.fixed32(toFlags(context.traceFlags, context.isRemote))
    out.close(from)
  }

  #traceState(field: number, { traceState }: SpanContext): void {
    const state = traceState?.serialize()
    if (state) this.#text(field, state)
  }

  // ---- attributes -------------------------------------------------------------------------------------------------------

  #attributes(field: number, attributes: Attributes | undefined): void {
    for (const name in attributes) if (hasOwnField(attributes, name)) this.#attribute(field, name, attributes[name])
  }

  shared(shared: Attributes): number {
    const out = this.#out
    if (this.#shared === shared) {
      out.bytes(this.#sharedBytes)
      return this.#sharedCount
    }
    const from = out.length
    this.#attributes(FIELD.span.attributes, shared)
    this.#shared = shared
    this.#sharedBytes = out.copy(from)
    this.#sharedCount = Object.keys(shared).length
    return this.#sharedCount
  }

  attribute(name: string, value: AttributeValue | undefined): void {
    this.#attribute(FIELD.span.attributes, name, value)
  }

  #attribute(field: number, name: string, value: unknown): void {
    const from = this.#open(field)
    this.#out.bytes(this.#names.get(name) ?? this.#learnName(name))
    this.#value(FIELD.keyValue.value, value)
    this.#out.close(from)
  }

  /** The field of the name, which stands first in an attribute. */
  #learnName(name: string): Uint8Array {
    const out = this.#out
    const from = out.length
    this.#text(FIELD.keyValue.key, name)
    const bytes = out.copy(from)
    out.rewind(from)
    if (name.length > MAX_KEPT_CHARS) return bytes
    if (this.#names.size >= MAX_KEPT_NAMES) this.#names.clear()
    this.#names.set(name, bytes)
    return bytes
  }

  #value(field: number, value: unknown): void {
    const out = this.#out
    const from = this.#open(field)
    if (typeof value === 'string') this.#text(FIELD.value.text, value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'boolean') this.#count(FIELD.value.boolean, value ? 1 : 0)
    else if (typeof value === 'object' && value !== null) this.#object(value)
    out.close(from)
  }

  #number(value: number): void {
    const out = this.#out
    if (Number.isInteger(value) && value >= -MAX_INT64 && value < MAX_INT64) {
      out.varint(FIELD.value.integer | VARINT)
      if (value >= 0 && value <= MAX_UINT32) out.varint(value)
      else this.#int64(value)
    } else {
      out.varint(FIELD.value.double | FIXED64)
      out.double(value)
    }
  }

  #int64(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest > 0x7fn; rest >>= 7n) this.#out.byte(Number(rest & 0x7fn) | 0x80)
    this.#out.byte(Number(rest))
  }

  #object(value: object): void {
    const out = this.#out
    if (value instanceof Uint8Array) {
      out.varint(FIELD.value.bytes | LENGTH)
      out.varint(value.length)
      out.bytes(value)
      return
    }
    const from = this.#open(Array.isArray(value) ? FIELD.value.array : FIELD.value.list)
    if (Array.isArray(value)) for (const item of value) this.#value(FIELD.array.values, item)
    else this.#attributes(FIELD.list.values, value as Attributes)
    out.close(from)
  }

  // ---- fields -----------------------------------------------------------------------------------------------------------

  /** Begins a field that is closed once its length is known. */
  #open(field: number): number {
    this.#out.varint(field | LENGTH)
    return this.#out.open()
  }

  #text(field: number, text: string): void {
    const out = this.#out
    const from = this.#open(field)
    if (!out.simple(text)) out.text(text)
    out.close(from)
  }

  #id(field: number, hex: string): void {
    this.#out.varint(field | LENGTH)
    this.#out.varint(hex.length >> 1)
    this.#out.hex(hex)
  }

  #count(field: number, count: number): void {
    this.#out.varint(field | VARINT)
    this.#out.varint(count)
  }

  /** Nanoseconds since the epoch. In two halves, since a number holds 53 bits of them. */
  #time(field: number, [seconds, nanos]: HrTime): void {
    const out = this.#out
    out.varint(field | FIXED64)
    const high = Math.floor(seconds / TWO_16)
    const above = high * NANOS_PER_SECOND
    const shifted = Math.floor(above / TWO_16)
    // Whole in a number, as is `above`, which counts 2^16 ns.
    const below = (above - shifted * TWO_16) * TWO_16 + (seconds - high * TWO_16) * NANOS_PER_SECOND + Math.trunc(nanos)
    out.fixed32(below >>> 0)
    out.fixed32((shifted + Math.floor(below / TWO_32)) >>> 0)
  }
}

const NO_BYTES = new Uint8Array(0)
const MAX_KEPT_NAMES = 4096
const MAX_KEPT_CHARS = 128
const MAX_INT64 = 2 ** 63
const MAX_UINT32 = 2 ** 32 - 1
const TWO_16 = 2 ** 16
const TWO_32 = 2 ** 32
const NANOS_PER_SECOND = 1e9

/** How the value of a field is written, beside its number. */
const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/** Numbers of the fields, with room for how they are written. */
const FIELD = {
  request: { resourceSpans: 1 << 3 },
  resourceSpans: { resource: 1 << 3, scopeSpans: 2 << 3, schemaUrl: 3 << 3 },
  resource: { attributes: 1 << 3, droppedAttributes: 2 << 3 },
  scopeSpans: { scope: 1 << 3, spans: 2 << 3, schemaUrl: 3 << 3 },
  scope: { name: 1 << 3, version: 2 << 3, attributes: 3 << 3, droppedAttributes: 4 << 3 },
  span: {
    traceId: 1 << 3,
    spanId: 2 << 3,
    traceState: 3 << 3,
    parentSpanId: 4 << 3,
    name: 5 << 3,
    kind: 6 << 3,
    start: 7 << 3,
    end: 8 << 3,
    attributes: 9 << 3,
    droppedAttributes: 10 << 3,
    events: 11 << 3,
    droppedEvents: 12 << 3,
    links: 13 << 3,
    droppedLinks: 14 << 3,
    status: 15 << 3,
    flags: 16 << 3,
  },
  event: { time: 1 << 3, name: 2 << 3, attributes: 3 << 3, droppedAttributes: 4 << 3 },
  link: { traceId: 1 << 3, spanId: 2 << 3, traceState: 3 << 3, attributes: 4 << 3, droppedAttributes: 5 << 3, flags: 6 << 3 },
  status: { message: 2 << 3, code: 3 << 3 },
  keyValue: { key: 1 << 3, value: 2 << 3 },
  value: { text: 1 << 3, boolean: 2 << 3, integer: 3 << 3, double: 4 << 3, array: 5 << 3, list: 6 << 3, bytes: 7 << 3 },
  array: { values: 1 << 3 },
  list: { values: 1 << 3 },
} as const

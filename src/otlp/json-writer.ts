import { hasOwnField, NativeMap, toJsonText } from '../builtins.js'
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
 * Writes OTLP requests as JSON, byte for byte as the official serialiser does, in one pass: without a tree of the request and without
 * its text. Attribute names and what the spans of a session have in common are encoded once.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export class JsonWriter implements SpanWriter {
  readonly #out = new ByteWriter()
  readonly #names = new NativeMap<string, NameBytes>()
  /** The shared attributes met last, and how they are written. */
  #shared: Attributes | undefined
  #sharedBytes: Uint8Array = NO_BYTES
  #sharedCount = 0
  /** The second met last, and how it is written. */
  #second = Number.NaN
  #secondBytes: Uint8Array = NO_BYTES
  /** Of the span that was begun. */
  #flags = 0
  #attributesAt = 0

  /** @throws whatever reading a span throws. */
  write(spans: readonly ExportableSpan[]): Uint8Array {
    this.#out.rewind(0)
    this.#out.bytes(TEXT.request)
    this.#list(groupSpans(spans), (group) => this.#resourceSpans(group))
    this.#out.byte(CLOSING_BRACE)
    return this.#out.take()
  }

  #resourceSpans({ resource, scopes }: Grouped): void {
    const { attributes, schemaUrl } = resource
    this.#out.bytes(TEXT.resource)
    this.#attributes(attributes)
    this.#out.bytes(TEXT.nothingDropped)
    this.#schemaUrl(schemaUrl)
    this.#out.bytes(TEXT.scopeSpans)
    this.#list(scopes, (spans) => this.#scopeSpans(spans))
    this.#schemaUrl(schemaUrl)
    this.#out.byte(CLOSING_BRACE)
  }

  #scopeSpans(spans: readonly ExportableSpan[]): void {
    const scope: ScopeWithAttributes = (spans[0] as ExportableSpan).instrumentationScope
    const { name, version, attributes, droppedAttributesCount, schemaUrl } = scope
    this.#out.bytes(TEXT.scope)
    this.#text(name)
    if (version !== undefined) this.#field(TEXT.version, version)
    if (attributes !== undefined && Object.keys(attributes).length > 0) {
      this.#out.bytes(TEXT.attributes)
      this.#attributes(attributes)
      this.#count(TEXT.droppedAttributes, droppedAttributesCount ?? 0)
    }
    this.#out.bytes(TEXT.spans)
    this.#list(spans, (span) => (span.writeTo === undefined ? this.span(span.toReadable()) : span.writeTo(this)))
    this.#schemaUrl(schemaUrl, true)
    this.#out.byte(CLOSING_BRACE)
  }

  // ---- one span ---------------------------------------------------------------------------------------------------------

  get length(): number {
    return this.#out.length
  }

  rewind(length: number): void {
    this.#out.rewind(length)
  }

  span(span: ReadableSpan): void {
    const out = this.#out
    const { attributes, events, links, status } = span
    this.begin(span.spanContext(), span.parentSpanContext, span.name, span)
    this.#entries(attributes)
    this.#endList(this.#attributesAt)
    this.#count(TEXT.droppedAttributes, span.droppedAttributesCount)
    out.bytes(TEXT.events)
    this.#list(events, (event) => this.#event(event))
    this.#count(TEXT.droppedEvents, span.droppedEventsCount)
    this.#status(status.code, status.message)
    out.bytes(TEXT.links)
    this.#list(links, (link) => this.#link(link))
    this.#count(TEXT.droppedLinks, span.droppedLinksCount)
    this.#count(TEXT.flags, this.#flags)
    out.byte(CLOSING_BRACE)
  }

  begin(context: SpanContext, parent: SpanContext | undefined, name: string, timed: TimedSpan): void {
    this.#field(TEXT.traceId, context.traceId)
    this.#field(TEXT.spanId, context.spanId)
    if (parent?.spanId) this.#field(TEXT.parentSpanId, parent.spanId)
    if (context.traceState !== undefined) this.#field(TEXT.traceState, context.traceState.serialize())
    this.#field(TEXT.name, name)
    this.#count(TEXT.kind, (timed.kind ?? -1) + 1)
    this.#time(TEXT.start, timed.startTime)
    this.#time(TEXT.end, timed.endTime)
    this.#flags = toFlags(context.traceFlags, parent?.isRemote)
    this.#out.bytes(TEXT.attributes)
    this.#attributesAt = this.#out.length
  }

  end(statusCode: number, statusMessage: string | undefined): void {
    this.#endList(this.#attributesAt)
    this.#out.bytes(TEXT.noEvents)
    this.#status(statusCode, statusMessage)
    this.#out.bytes(TEXT.noLinks)
    this.#out.digits(this.#flags)
    this.#out.byte(CLOSING_BRACE)
  }

  #status(code: number, message: string | undefined): void {
    this.#count(TEXT.status, code)
    if (message !== undefined) this.#field(TEXT.message, message)
  }

  #event({ name, time, attributes, droppedAttributesCount }: TimedEvent): void {
    this.#out.bytes(TEXT.firstAttributes)
    this.#attributes(attributes)
    this.#field(TEXT.name, name)
    this.#time(TEXT.time, time)
    this.#count(TEXT.droppedAttributes, droppedAttributesCount ?? 0)
    this.#out.byte(CLOSING_BRACE)
  }

  #link({ context, attributes, droppedAttributesCount }: Link): void {
    this.#out.bytes(TEXT.firstAttributes)
    this.#attributes(attributes)
    this.#linked(context)
    this.#count(TEXT.droppedAttributes, droppedAttributesCount ?? 0)
    this.#count(TEXT.flags, toFlags(context.traceFlags, context.isRemote))
    this.#out.byte(CLOSING_BRACE)
  }

  #linked({ traceId, spanId, traceState }: SpanContext): void {
    this.#field(TEXT.nextSpanId, spanId)
    this.#field(TEXT.nextTraceId, traceId)
    if (traceState !== undefined) this.#field(TEXT.traceState, traceState.serialize())
  }

  // ---- attributes -------------------------------------------------------------------------------------------------------

  #attributes(attributes: Attributes | undefined): void {
    const from = this.#out.length
    if (attributes !== undefined) this.#entries(attributes)
    this.#endList(from)
  }

  #entries(attributes: Attributes): void {
    for (const name in attributes) if (hasOwnField(attributes, name)) this.attribute(name, attributes[name])
  }

  /** Each item has a comma before it: that of the first becomes the bracket. */
  #endList(from: number): void {
    if (this.#out.length === from) this.#out.byte(OPENING_BRACKET)
    else this.#out.replace(from, OPENING_BRACKET)
    this.#out.byte(CLOSING_BRACKET)
  }

  shared(shared: Attributes): number {
    if (this.#shared === shared) {
      this.#out.bytes(this.#sharedBytes)
      return this.#sharedCount
    }
    const from = this.#out.length
    this.#entries(shared)
    this.#shared = shared
    this.#sharedBytes = this.#out.copy(from)
    this.#sharedCount = Object.keys(shared).length
    return this.#sharedCount
  }

  attribute(name: string, value: AttributeValue | undefined): void {
    const out = this.#out
    const { beforeText, beforeValue } = this.#names.get(name) ?? this.#learnName(name)
    if (typeof value === 'string') {
      const from = out.length
      out.bytes(beforeText)
      if (out.simple(value)) return out.bytes(TEXT.closingText)
      out.rewind(from)
    }
    out.bytes(beforeValue)
    this.#value(value)
    out.byte(CLOSING_BRACE)
  }

  #learnName(name: string): NameBytes {
    const key = `,{"key":${toJsonText(name)},"value":`
    const bytes = { beforeText: Buffer.from(`${key}{"stringValue":"`), beforeValue: Buffer.from(key) }
    if (name.length > MAX_KEPT_CHARS) return bytes
    if (this.#names.size >= MAX_KEPT_NAMES) this.#names.clear()
    this.#names.set(name, bytes)
    return bytes
  }

  #value(value: unknown): void {
    const out = this.#out
    switch (typeof value) {
      case 'string':
        return this.#field(TEXT.stringValue, value, true)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return out.bytes(value ? TEXT.yes : TEXT.no)
      default:
        return typeof value === 'object' && value !== null ? this.#object(value) : out.bytes(TEXT.nothing)
    }
  }

  #number(value: number): void {
    const out = this.#out
    out.bytes(Number.isInteger(value) ? TEXT.intValue : TEXT.doubleValue)
    if (value >= 0 && value === (value | 0)) out.digits(value)
    else out.ascii(Number.isFinite(value) ? `${value}` : 'null')
    out.byte(CLOSING_BRACE)
  }

  #object(value: object): void {
    const out = this.#out
    if (value instanceof Uint8Array) return this.#field(TEXT.bytesValue, Buffer.from(value).toString('base64'), true)
    if (Array.isArray(value)) {
      out.bytes(TEXT.arrayValue)
      this.#list(value, (item: unknown) => this.#value(item))
    } else {
      out.bytes(TEXT.kvlistValue)
      this.#attributes(value as Attributes)
    }
    out.bytes(TEXT.closing)
  }

  // ---- pieces -----------------------------------------------------------------------------------------------------------

  #list<T>(items: readonly T[], write: (item: T) => void): void {
    const out = this.#out
    out.byte(OPENING_BRACKET)
    for (let i = 0; i < items.length; i++) {
      if (i > 0) out.byte(COMMA)
      write(items[i] as T)
    }
    out.byte(CLOSING_BRACKET)
  }

  /** @param isLast whether the object ends with it. */
  #field(before: Uint8Array, text: string, isLast = false): void {
    this.#out.bytes(before)
    this.#text(text)
    if (isLast) this.#out.byte(CLOSING_BRACE)
  }

  #text(text: string): void {
    const out = this.#out
    const from = out.length
    out.byte(QUOTE)
    if (out.simple(text)) return out.byte(QUOTE)
    out.rewind(from)
    out.text(toJsonText(text))
  }

  #count(before: Uint8Array, count: number): void {
    this.#out.bytes(before)
    this.#out.digits(count)
  }

  /** Seconds and nanoseconds as the digits of one number of nanoseconds. */
  #time(before: Uint8Array, time: HrTime): void {
    const out = this.#out
    const [seconds, nanos] = time
    out.bytes(before)
    if (isUsual(time)) {
      if (seconds !== this.#second) this.#learnSecond(seconds)
      out.bytes(this.#secondBytes)
      out.digits(Math.trunc(nanos), NANOS_DIGITS)
    } else {
      out.ascii(`${BigInt(Math.trunc(seconds)) * NANOS_PER_SECOND + BigInt(Math.trunc(nanos))}`)
    }
    out.byte(QUOTE)
  }

  #learnSecond(seconds: number): void {
    this.#second = seconds
    this.#secondBytes = Buffer.from(`${Math.trunc(seconds)}`)
  }

  #schemaUrl(url: string | undefined, mayBeEmpty = false): void {
    if (url !== undefined && (mayBeEmpty || url !== '')) this.#field(TEXT.schemaUrl, url)
  }
}

/** Whether the nanoseconds can follow the seconds as nine digits. */
function isUsual([seconds, nanos]: HrTime): boolean {
  return seconds >= 1 && seconds <= Number.MAX_SAFE_INTEGER && nanos >= 0 && nanos < 1e9
}

/** What stands before the value of an attribute: up to the first letter of a short text, and of any other value. */
interface NameBytes {
  readonly beforeText: Uint8Array
  readonly beforeValue: Uint8Array
}

const NO_BYTES = new Uint8Array(0)
const MAX_KEPT_NAMES = 4096
const MAX_KEPT_CHARS = 128
const NANOS_DIGITS = 9
const NANOS_PER_SECOND = 1_000_000_000n

const QUOTE = 0x22
const COMMA = 0x2c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const CLOSING_BRACE = 0x7d

/** What stands between the values. */
const TEXT = {
  request: Buffer.from('{"resourceSpans":'),
  resource: Buffer.from('{"resource":{"attributes":'),
  nothingDropped: Buffer.from(',"droppedAttributesCount":0'),
  scopeSpans: Buffer.from('},"scopeSpans":'),
  scope: Buffer.from('{"scope":{"name":'),
  version: Buffer.from(',"version":'),
  spans: Buffer.from('},"spans":'),
  schemaUrl: Buffer.from(',"schemaUrl":'),
  traceId: Buffer.from('{"traceId":'),
  spanId: Buffer.from(',"spanId":'),
  nextTraceId: Buffer.from(',"traceId":'),
  nextSpanId: Buffer.from(',"spanId":'),
  parentSpanId: Buffer.from(',"parentSpanId":'),
  traceState: Buffer.from(',"traceState":'),
  name: Buffer.from(',"name":'),
  kind: Buffer.from(',"kind":'),
  start: Buffer.from(',"startTimeUnixNano":"'),
  end: Buffer.from(',"endTimeUnixNano":"'),
  time: Buffer.from(',"timeUnixNano":"'),
  attributes: Buffer.from(',"attributes":'),
  firstAttributes: Buffer.from('{"attributes":'),
  droppedAttributes: Buffer.from(',"droppedAttributesCount":'),
  events: Buffer.from(',"events":'),
  droppedEvents: Buffer.from(',"droppedEventsCount":'),
  status: Buffer.from(',"status":{"code":'),
  message: Buffer.from(',"message":'),
  links: Buffer.from('},"links":'),
  droppedLinks: Buffer.from(',"droppedLinksCount":'),
  flags: Buffer.from(',"flags":'),
  noEvents: Buffer.from(',"droppedAttributesCount":0,"events":[],"droppedEventsCount":0'),
  noLinks: Buffer.from('},"links":[],"droppedLinksCount":0,"flags":'),
  stringValue: Buffer.from('{"stringValue":'),
  closingText: Buffer.from('"}}'),
  intValue: Buffer.from('{"intValue":'),
  doubleValue: Buffer.from('{"doubleValue":'),
  yes: Buffer.from('{"boolValue":true}'),
  no: Buffer.from('{"boolValue":false}'),
  bytesValue: Buffer.from('{"bytesValue":'),
  arrayValue: Buffer.from('{"arrayValue":{"values":'),
  kvlistValue: Buffer.from('{"kvlistValue":{"values":'),
  nothing: Buffer.from('{}'),
  closing: Buffer.from('}}'),
}

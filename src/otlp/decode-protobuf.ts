/** Reads an OTLP/protobuf export request. Field numbers are those of opentelemetry/proto/trace/v1/trace.proto. */
import { createObject, type JsonObject, MAX_DEPTH } from '../semantics/json.js'
import type { DecodeOptions } from './decode.js'
import { createSpanCollector, type DecodedExport, type DecodedLink, type DecodedSpanEvent, type RawSpan, toTimeMs } from './decoded-span.js'
import { type ProtobufField, readFields, toDouble, toText } from './protobuf.js'

const DEPRECATED_LIBRARY_SPANS = 1000

/**
 * Turns the bytes of an `ExportTraceServiceRequest` into spans.
 *
 * @throws OtlpDecodeError when the bytes are not such a message.
 * @throws TooManySpansError beyond `maxSpans`.
 */
export function decodeOtlpProtobuf(body: Uint8Array, { maxSpans, nowMs }: DecodeOptions): DecodedExport {
  const collector = createSpanCollector(maxSpans, nowMs)
  readFields(body, (field) => {
    if (field.number === 1) readResourceSpans(field.bytes, (span) => collector.add(span))
  })
  return collector.finish()
}

function readResourceSpans(bytes: Uint8Array, onSpan: (span: RawSpan) => void): void {
  const resource = createObject()
  const groups: Uint8Array[] = []
  readFields(bytes, ({ number, bytes: value }) => {
    if (number === 1) readFields(value, (field) => readAttributeInto(resource, field, 1))
    if (number === 2 || number === DEPRECATED_LIBRARY_SPANS) groups.push(value)
  })
  for (const group of groups) readScopeSpans(group, resource, onSpan)
}

function readScopeSpans(bytes: Uint8Array, resource: JsonObject, onSpan: (span: RawSpan) => void): void {
  const scope = { name: '', version: '' }
  const spans: Uint8Array[] = []
  readFields(bytes, ({ number, bytes: value }) => {
    if (number === 1) readFields(value, (field) => readScopeField(scope, field))
    if (number === 2) spans.push(value)
  })
  for (const span of spans) onSpan({ ...readSpan(span), scopeName: scope.name, scopeVersion: scope.version, resource })
}

function readScopeField(scope: { name: string; version: string }, { number, bytes }: ProtobufField): void {
  if (number === 1) scope.name = toText(bytes)
  if (number === 2) scope.version = toText(bytes)
}

function readSpan(bytes: Uint8Array): Omit<RawSpan, 'scopeName' | 'scopeVersion' | 'resource'> {
  const attributes = createObject()
  const events: DecodedSpanEvent[] = []
  const links: DecodedLink[] = []
  const span = { traceId: '', spanId: '', parentSpanId: '', name: '', statusMessage: '', isError: false }
  let startMs: number | undefined
  let endMs: number | undefined
  readFields(bytes, (field) => {
    switch (field.number) {
      case 1:
        span.traceId = toId(field.bytes, 16)
        break
      case 2:
        span.spanId = toId(field.bytes, 8)
        break
      case 4:
        span.parentSpanId = toId(field.bytes, 8)
        break
      case 5:
        span.name = toText(field.bytes)
        break
      case 7:
        startMs = toTimeMs(Number(field.integer))
        break
      case 8:
        endMs = toTimeMs(Number(field.integer))
        break
      case 9:
        readAttributeInto(attributes, field, 9)
        break
      case 11:
        events.push(readEvent(field.bytes))
        break
      case 13:
        links.push(...readLink(field.bytes))
        break
      case 15:
        readFields(field.bytes, ({ number, bytes: value, integer }) => {
          if (number === 2) span.statusMessage = toText(value)
          if (number === 3) span.isError = integer === 2n
        })
        break
    }
  })
  return { ...span, startMs, endMs, attributes, events, links }
}

function readEvent(bytes: Uint8Array): DecodedSpanEvent {
  const attributes = createObject()
  let name = ''
  readFields(bytes, (field) => {
    if (field.number === 2) name = toText(field.bytes)
    readAttributeInto(attributes, field, 3)
  })
  return { name, attributes }
}

function readLink(bytes: Uint8Array): DecodedLink[] {
  const attributes = createObject()
  let traceId = ''
  let spanId = ''
  readFields(bytes, (field) => {
    if (field.number === 1) traceId = toId(field.bytes, 16)
    if (field.number === 2) spanId = toId(field.bytes, 8)
    readAttributeInto(attributes, field, 4)
  })
  return traceId === '' || spanId === '' ? [] : [{ traceId, spanId, attributes }]
}

function readAttributeInto(target: JsonObject, field: ProtobufField, number: number, depth: number = MAX_DEPTH): void {
  if (field.number !== number) return
  let key = ''
  let value: unknown
  readFields(field.bytes, (part) => {
    if (part.number === 1) key = toText(part.bytes)
    if (part.number === 2) value = readValue(part.bytes, depth)
  })
  target[key] = value ?? null
}

function readValue(bytes: Uint8Array, depth: number): unknown {
  if (depth === 0) return '[nested too deep]'
  let value: unknown = null
  readFields(bytes, (field) => {
    switch (field.number) {
      case 1:
        value = toText(field.bytes)
        break
      case 2:
        value = field.integer !== 0n
        break
      case 3:
        value = toNumber(BigInt.asIntN(64, field.integer))
        break
      case 4:
        value = toFinite(toDouble(field.integer))
        break
      case 5:
        value = readList(field.bytes, depth)
        break
      case 6:
        value = readMap(field.bytes, depth)
        break
      case 7:
        value = Buffer.from(field.bytes).toString('base64')
        break
    }
  })
  return value
}

function readList(bytes: Uint8Array, depth: number): unknown[] {
  const list: unknown[] = []
  readFields(bytes, (field) => {
    if (field.number === 1) list.push(readValue(field.bytes, depth - 1))
  })
  return list
}

function readMap(bytes: Uint8Array, depth: number): JsonObject {
  const map = createObject()
  readFields(bytes, (field) => readAttributeInto(map, field, 1, depth - 1))
  return map
}

function toNumber(integer: bigint): number | string {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : String(integer)
}

function toFinite(number: number): number | string {
  return Number.isFinite(number) ? number : String(number)
}

function toId(bytes: Uint8Array, length: number): string {
  if (bytes.byteLength !== length || bytes.every((byte) => byte === 0)) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

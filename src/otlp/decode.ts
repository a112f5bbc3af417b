/** Reads an OTLP/JSON export request; lenient about the id spelling, enum spelling and field case of real exporters. */
import { createObject, isObject, type JsonObject, MAX_DEPTH, toFiniteNumber } from '../semantics/json.js'
import {
  createSpanCollector,
  type DecodedExport,
  type DecodedLink,
  type DecodedSpanEvent,
  OtlpDecodeError,
  type RawSpan,
  toTimeMs,
} from './decoded-span.js'

/** Limits of one request. */
export interface DecodeOptions {
  /** Most spans in one request. */
  readonly maxSpans: number
  /** Unix milliseconds, for spans that carry no usable time. */
  readonly nowMs: number
}

/**
 * Turns a parsed JSON body into spans.
 *
 * @throws OtlpDecodeError when the body is not an export request.
 * @throws TooManySpansError beyond `maxSpans`.
 */
export function decodeOtlpJson(body: unknown, { maxSpans, nowMs }: DecodeOptions): DecodedExport {
  if (!isObject(body)) throw new OtlpDecodeError('The body is not an object; expected {"resourceSpans": [...]}.')
  const collector = createSpanCollector(maxSpans, nowMs)
  for (const resourceSpans of listOf(body, 'resourceSpans', 'resource_spans')) {
    const resource = readAttributes(objectOf(resourceSpans, 'resource'))
    const groups = [
      ...listOf(resourceSpans, 'scopeSpans', 'scope_spans'),
      ...listOf(resourceSpans, 'instrumentationLibrarySpans', 'instrumentation_library_spans'),
    ]
    for (const group of groups) {
      const scope = objectOf(group, 'scope', 'instrumentationLibrary')
      for (const span of listOf(group, 'spans')) collector.add(readSpan(span, resource, scope))
    }
  }
  return collector.finish()
}

function readSpan(span: JsonObject, resource: JsonObject, scope: JsonObject): RawSpan {
  const status = objectOf(span, 'status')
  return {
    traceId: readId(pick(span, 'traceId', 'trace_id'), 16),
    spanId: readId(pick(span, 'spanId', 'span_id'), 8),
    parentSpanId: readId(pick(span, 'parentSpanId', 'parent_span_id'), 8),
    name: textOf(span, 'name'),
    startMs: readTime(pick(span, 'startTimeUnixNano', 'start_time_unix_nano')),
    endMs: readTime(pick(span, 'endTimeUnixNano', 'end_time_unix_nano')),
    attributes: readAttributes(span),
    events: listOf(span, 'events').map(readEvent),
    links: listOf(span, 'links').flatMap(readLink),
    isError: isErrorCode(status.code),
    statusMessage: textOf(status, 'message'),
    scopeName: textOf(scope, 'name'),
    scopeVersion: textOf(scope, 'version'),
    resource,
  }
}

function readEvent(event: JsonObject): DecodedSpanEvent {
  return { name: textOf(event, 'name'), attributes: readAttributes(event) }
}

function readLink(link: JsonObject): DecodedLink[] {
  const traceId = readId(pick(link, 'traceId', 'trace_id'), 16)
  const spanId = readId(pick(link, 'spanId', 'span_id'), 8)
  return traceId === '' || spanId === '' ? [] : [{ traceId, spanId, attributes: readAttributes(link) }]
}

function readAttributes(holder: JsonObject): JsonObject {
  const attributes = createObject()
  for (const { key, value } of listOf(holder, 'attributes')) {
    if (typeof key === 'string' && isObject(value)) attributes[key] = readValue(value, MAX_DEPTH)
  }
  return attributes
}

function readValue(value: JsonObject, depth: number): unknown {
  if (depth === 0) return '[nested too deep]'
  const text = pick(value, 'stringValue', 'string_value')
  if (text !== undefined) return String(text)
  const flag = pick(value, 'boolValue', 'bool_value')
  if (flag !== undefined) return flag === true || flag === 'true'
  const int = pick(value, 'intValue', 'int_value')
  if (int !== undefined) return readInteger(int)
  const double = pick(value, 'doubleValue', 'double_value')
  if (double !== undefined) return toFiniteNumber(double) ?? String(double)
  const list = pick(value, 'arrayValue', 'array_value')
  if (isObject(list)) return listOf(list, 'values').map((item) => readValue(item, depth - 1))
  const map = pick(value, 'kvlistValue', 'kvlist_value')
  if (isObject(map)) return readMap(map, depth)
  return pick(value, 'bytesValue', 'bytes_value') ?? null
}

function readMap(map: JsonObject, depth: number): JsonObject {
  const result = createObject()
  for (const { key, value } of listOf(map, 'values')) {
    if (typeof key === 'string' && isObject(value)) result[key] = readValue(value, depth - 1)
  }
  return result
}

function readInteger(value: unknown): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** Hex as the OTLP specification asks, or base64 as protojson writes; empty when it is neither or all zero. */
function readId(value: unknown, bytes: number): string {
  if (typeof value !== 'string') return ''
  const hex = value.length === bytes * 2 && /^[0-9a-f]+$/i.test(value) ? value.toLowerCase() : readBase64Id(value, bytes)
  return /^0*$/.test(hex) ? '' : hex
}

function readBase64Id(value: string, bytes: number): string {
  if (value.length > 24 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(value)) return ''
  const decoded = Buffer.from(value, 'base64')
  return decoded.length === bytes ? decoded.toString('hex') : ''
}

function readTime(value: unknown): number | undefined {
  const nanos = toFiniteNumber(value)
  return nanos === undefined ? undefined : toTimeMs(nanos)
}

function isErrorCode(code: unknown): boolean {
  return code === 2 || code === '2' || code === 'STATUS_CODE_ERROR' || code === 'ERROR'
}

function pick(holder: JsonObject, ...names: readonly string[]): unknown {
  for (const name of names) {
    if (Object.hasOwn(holder, name)) return holder[name]
  }
  return undefined
}

function listOf(holder: JsonObject, ...names: readonly string[]): JsonObject[] {
  const value = pick(holder, ...names)
  return Array.isArray(value) ? value.filter(isObject) : []
}

function objectOf(holder: JsonObject, ...names: readonly string[]): JsonObject {
  const value = pick(holder, ...names)
  return isObject(value) ? value : {}
}

function textOf(holder: JsonObject, name: string): string {
  const value = pick(holder, name)
  return typeof value === 'string' ? value : ''
}

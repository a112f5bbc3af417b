// What a sink got, as spans: OTLP in JSON and in protobuf.
import zlib from 'node:zlib'

/** The fields of a protobuf message: field number to its values (bytes, or a BigInt of a number). */
function fieldsOf(buf) {
  const fields = {}
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = buf[at++]
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 128) return value
    }
  }
  const fixed = () => {
    at += 8
    return buf.readBigUInt64LE(at - 8)
  }
  while (at < buf.length) {
    const tag = Number(varint())
    const kind = tag & 7
    let value
    if (kind === 0) value = varint()
    else if (kind === 1) value = fixed()
    else if (kind === 2) {
      const length = Number(varint())
      value = buf.subarray(at, at + length)
      at += length
    } else if (kind === 5) {
      value = BigInt(buf.readUInt32LE(at))
      at += 4
    } else throw new Error(`protobuf wire type ${kind}`)
    fields[tag >> 3] ??= []
    fields[tag >> 3].push(value)
  }
  return fields
}
const textOf = (bytes) => bytes?.toString('utf8') ?? ''
const hexOf = (bytes) => bytes?.toString('hex') ?? ''
function valueOfProto(bytes) {
  const fields = fieldsOf(bytes)
  if (fields[1]) return textOf(fields[1][0])
  if (fields[2]) return fields[2][0] === 1n
  if (fields[3]) return Number(BigInt.asIntN(64, fields[3][0]))
  if (fields[4]) return new Float64Array(BigUint64Array.of(fields[4][0]).buffer)[0]
  if (fields[5]) return (fieldsOf(fields[5][0])[1] ?? []).map(valueOfProto)
  if (fields[6]) return attributesOfProto(fieldsOf(fields[6][0])[1])
  if (fields[7]) return fields[7][0].toString('base64')
  return null
}
function attributesOfProto(pairs = []) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair)
      return [textOf(fields[1]?.[0]), fields[2] ? valueOfProto(fields[2][0]) : null]
    }),
  )
}
function spanOfProto(bytes) {
  const fields = fieldsOf(bytes)
  return {
    traceId: hexOf(fields[1]?.[0]),
    spanId: hexOf(fields[2]?.[0]),
    parentSpanId: hexOf(fields[4]?.[0]),
    name: textOf(fields[5]?.[0]),
    durationMs: Number((fields[8]?.[0] ?? 0n) - (fields[7]?.[0] ?? 0n)) / 1e6,
    attributes: attributesOfProto(fields[9]),
    events: (fields[11] ?? []).map((event) => attributesOfProto(fieldsOf(event)[3])),
  }
}
function spansOfProto(body) {
  const resources = fieldsOf(body)[1] ?? []
  const scopes = resources.flatMap((resource) => fieldsOf(resource)[2] ?? [])
  return scopes.flatMap((scope) => fieldsOf(scope)[2] ?? []).map(spanOfProto)
}

function valueOfJson(value = {}) {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueOfJson)
  if (value.kvlistValue) return attributesOfJson(value.kvlistValue.values)
  if ('intValue' in value) return Number(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? null
}
const attributesOfJson = (pairs = []) => Object.fromEntries(pairs.map(({ key, value }) => [key, valueOfJson(value)]))
function spansOfJson(body) {
  const { resourceSpans = [] } = JSON.parse(body.toString('utf8'))
  const spans = resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap((scope) => scope.spans ?? []))
  return spans.map((span) => ({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    durationMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
    attributes: attributesOfJson(span.attributes),
    events: (span.events ?? []).map((event) => attributesOfJson(event.attributes)),
  }))
}

export function plain({ enc, body }) {
  if (enc === 'gzip') return zlib.gunzipSync(body)
  if (enc === 'deflate') return zlib.inflateSync(body)
  if (enc === 'br') return zlib.brotliDecompressSync(body)
  if (enc === 'zstd' && zlib.zstdDecompressSync) return zlib.zstdDecompressSync(body)
  return body
}

/** The spans of one request, each with the key it was sent under; none when it is not OTLP. */
export function spansOf(request) {
  if (!/v1\/traces$/.test(request.path)) return []
  const body = plain(request)
  const spans = /protobuf/.test(request.ctype) ? spansOfProto(body) : spansOfJson(body)
  return spans.map((span) => ({ ...span, key: request.key }))
}

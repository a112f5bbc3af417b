import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** Names of the OTLP/HTTP encodings. */
export type OtlpProtocol = 'http/protobuf' | 'http/json'

/** What a server said about a request it accepted. */
export interface PartialSuccess {
  /** Spans the server did not take. */
  readonly rejected: number
  /** The server's explanation; empty when it gave none. */
  readonly message: string
}

/** Turns spans into the bytes of an OTLP request, and replies into their meaning. */
export interface TraceSerializer {
  readonly contentType: string
  /** May throw on a span that cannot be written. */
  toBytes(spans: readonly ReadableSpan[]): Uint8Array
}

/** The official serializer of `protocol`. */
export function toSerializer(protocol: OtlpProtocol): TraceSerializer {
  const official = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
  return {
    contentType: protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    toBytes(spans) {
      const bytes = official.serializeRequest([...spans])
      if (bytes === undefined) throw new TypeError('the serializer returned nothing')
      return bytes
    },
  }
}

/**
 * Reads a JSON `ExportTraceServiceResponse`.
 *
 * @throws SyntaxError when it is not JSON.
 */
export function parseJsonReply(body: Uint8Array): PartialSuccess {
  const reply: unknown = JSON.parse(new TextDecoder().decode(body))
  const partial = fieldOf(reply, 'partialSuccess', 'partial_success')
  const rejected = Number(fieldOf(partial, 'rejectedSpans', 'rejected_spans') ?? 0)
  const message = fieldOf(partial, 'errorMessage', 'error_message')
  return { rejected: Number.isFinite(rejected) ? Math.max(0, rejected) : 0, message: typeof message === 'string' ? message : '' }
}

function fieldOf(value: unknown, ...names: string[]): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const record = value as Readonly<Record<string, unknown>>
  for (const name of names) {
    if (record[name] !== undefined) return record[name]
  }
  return undefined
}

/**
 * Reads a protobuf `ExportTraceServiceResponse`: field 1 holds field 1 (rejected spans) and field 2 (message).
 *
 * @throws RangeError when it is not such a message.
 */
export function parseProtobufReply(body: Uint8Array): PartialSuccess {
  let rejected = 0
  let message = ''
  for (const outer of readFields(body)) {
    if (outer.field !== 1 || outer.bytes === undefined) continue
    for (const inner of readFields(outer.bytes)) {
      if (inner.field === 1) rejected = inner.value
      if (inner.field === 2 && inner.bytes !== undefined) message = new TextDecoder().decode(inner.bytes)
    }
  }
  return { rejected: Math.max(0, rejected), message }
}

interface ProtobufField {
  readonly field: number
  readonly value: number
  readonly bytes: Uint8Array | undefined
}

function* readFields(bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0
  function varint(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('the message ends too early')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is too long')
  }
  function take(length: number): Uint8Array {
    if (at + length > bytes.length) throw new RangeError('the message ends too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = varint()
    const field = Math.floor(tag / 8)
    const wire = tag % 8
    if (field === 0) throw new RangeError('a field has no number')
    if (wire === 0) yield { field, value: varint(), bytes: undefined }
    else if (wire === 1) yield { field, value: 0, bytes: take(8) }
    else if (wire === 2) yield { field, value: 0, bytes: take(varint()) }
    else if (wire === 5) yield { field, value: 0, bytes: take(4) }
    else throw new RangeError(`unknown wire type ${wire}`)
  }
}

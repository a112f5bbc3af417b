import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { JsonWriter } from './json-writer.js'
import { sharedAttributesOf } from './request.js'

/** Names of the OTLP/HTTP encodings. */
export type OtlpProtocol = 'http/protobuf' | 'http/json'

/** Turns spans into the bytes of an OTLP request. */
export interface TraceSerializer {
  readonly contentType: string
  /** May throw on a span that cannot be written. */
  toBytes(spans: readonly ReadableSpan[]): Uint8Array
}

/** Writes `protocol`: our own spans in one pass, those of others with the official serializer. */
export function toSerializer(protocol: OtlpProtocol): TraceSerializer {
  return protocol === 'http/json' ? JSON_SERIALIZER : PROTOBUF_SERIALIZER
}

const OPENING_BRACE = 0x7b

const jsonWriter = new JsonWriter()

const JSON_SERIALIZER: TraceSerializer = {
  contentType: 'application/json',
  toBytes(spans) {
    if (areOurs(spans)) return jsonWriter.write(spans)
    const bytes = toBytes(JsonTraceSerializer, spans)
    // A `toJSON` on every object of the process makes something else of it.
    if (bytes[0] !== OPENING_BRACE) throw new TypeError('the serializer wrote no request')
    return bytes
  },
}

const PROTOBUF_SERIALIZER: TraceSerializer = {
  contentType: 'application/x-protobuf',
  toBytes: (spans) => toBytes(ProtobufTraceSerializer, spans),
}

function areOurs(spans: readonly ReadableSpan[]): boolean {
  for (const span of spans) if (sharedAttributesOf(span) === undefined) return false
  return true
}

function toBytes(official: typeof JsonTraceSerializer, spans: readonly ReadableSpan[]): Uint8Array {
  const bytes = official.serializeRequest([...spans])
  if (bytes === undefined) throw new TypeError('the serializer returned nothing')
  return bytes
}

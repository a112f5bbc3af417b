import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** Names of the OTLP/HTTP encodings. */
export type OtlpProtocol = 'http/protobuf' | 'http/json'

/** Turns spans into the bytes of an OTLP request. */
export interface TraceSerializer {
  readonly contentType: string
  /** May throw on a span that cannot be written. */
  toBytes(spans: readonly ReadableSpan[]): Uint8Array
}

const OPENING_BRACE = 0x7b

/** The official serializer of `protocol`. */
export function toSerializer(protocol: OtlpProtocol): TraceSerializer {
  const official = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
  return {
    contentType: protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    toBytes(spans) {
      const bytes = official.serializeRequest([...spans])
      if (bytes === undefined) throw new TypeError('the serializer returned nothing')
      // A `toJSON` on every object of the process makes something else of it.
      if (protocol === 'http/json' && bytes[0] !== OPENING_BRACE) throw new TypeError('the serializer wrote no request')
      return bytes
    },
  }
}

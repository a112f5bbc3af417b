import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** Names of the OTLP/HTTP encodings. */
export type OtlpProtocol = 'http/protobuf' | 'http/json'

/** Turns spans into the bytes of an OTLP request. */
export interface TraceSerializer {
  readonly contentType: string
  /** May throw on a span that cannot be written. */
  toBytes(spans: readonly ReadableSpan[]): Uint8Array
}

/** Loads the official serializer of `protocol`; it is imported with the first spans that are sent, not before. */
export async function loadSerializer(protocol: OtlpProtocol): Promise<TraceSerializer> {
  return toSerializer(await import('@opentelemetry/otlp-transformer'), protocol)
}

/** The serializer of `protocol` out of the loaded package. */
export function toSerializer(transformer: typeof import('@opentelemetry/otlp-transformer'), protocol: OtlpProtocol): TraceSerializer {
  const official = protocol === 'http/json' ? transformer.JsonTraceSerializer : transformer.ProtobufTraceSerializer
  return {
    contentType: protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    toBytes(spans) {
      const bytes = official.serializeRequest([...spans])
      if (bytes === undefined) throw new TypeError('the serializer returned nothing')
      return bytes
    },
  }
}

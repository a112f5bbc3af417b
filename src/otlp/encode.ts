import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { JsonWriter } from './json-writer.js'
import { ProtobufWriter } from './protobuf-writer.js'
import type { ExportableSpan } from './span-writer.js'

/** Names of the OTLP/HTTP encodings. */
export type OtlpProtocol = 'http/protobuf' | 'http/json'

/** Turns spans into the bytes of an OTLP request. */
export interface TraceSerializer {
  readonly contentType: string
  /** May throw on a span that cannot be written. */
  toBytes(spans: readonly ExportableSpan[]): Uint8Array
}

/** Writes `protocol`: our own spans in one pass, those of others with the official serializer. */
export function toSerializer(protocol: OtlpProtocol): TraceSerializer {
  return protocol === 'http/json' ? JSON_SERIALIZER : PROTOBUF_SERIALIZER
}

const OPENING_BRACE = 0x7b

const jsonWriter = new JsonWriter()
const protobufWriter = new ProtobufWriter()

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
  toBytes: (spans) => (areOurs(spans) ? protobufWriter.write(spans) : toBytes(ProtobufTraceSerializer, spans)),
}

function areOurs(spans: readonly ExportableSpan[]): boolean {
  for (const { writeTo } of spans) if (writeTo === undefined) return false
  return true
}

function toBytes(official: typeof JsonTraceSerializer, spans: readonly ExportableSpan[]): Uint8Array {
  const readables: ReadableSpan[] = []
  for (const span of spans) readables[readables.length] = span.toReadable()
  const bytes = official.serializeRequest(readables)
  if (bytes === undefined) throw new TypeError('the serializer returned nothing')
  return bytes
}

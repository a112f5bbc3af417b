import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { type ExportableSpan, toExportable } from '../otlp/span-writer.js'
import type { SpanName } from './decision-log.js'

/** An ended span on its way to the server. */
export interface PendingSpan extends SpanName, ExportableSpan {
  /** Rough size of the exportable form, bytes. */
  readonly estimatedBytes: number
  /** How far it came on its way into the queue, should that be cut short and begun again. Only the queue sets it. */
  stage?: 'queued' | 'admitted' | 'settled' | undefined
  /** Builds the exportable form (flattening, redaction, truncation); runs off the host's stack; may throw. */
  toReadable(): ReadableSpan
  /** Called once when the span is settled, to free what it holds. */
  release?(): void
}

/** Rough size of what every span has: ids, times, name, scope. */
const SPAN_BYTES = 400

/** A span that is exportable as it is. */
export function toPendingSpan(span: ReadableSpan): PendingSpan {
  const parts = [span, ...span.events, ...span.links]
  return {
    name: span.name,
    spanId: span.spanContext().spanId,
    estimatedBytes: parts.reduce((sum, { attributes }) => sum + roughBytes(attributes), SPAN_BYTES),
    ...toExportable(span),
  }
}

function roughBytes(attributes: ReadableSpan['attributes'] | undefined): number {
  let bytes = 0
  for (const [key, value] of Object.entries(attributes ?? {})) {
    bytes += key.length
    for (const item of Array.isArray(value) ? value : [value]) bytes += typeof item === 'string' ? item.length : 8
  }
  return bytes
}

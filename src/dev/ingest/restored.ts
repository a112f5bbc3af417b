/** Events that were exported from a local server: taken as they are, not mapped a second time. */
import type { DecodedSpan } from '../../otlp/decoded-span.js'
import { type JsonObject, readEmbeddedJson, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../../semantics/attributes.js'
import type { WriteScope } from '../context.js'
import { createBody, toEventBucket } from '../store/event-body.js'
import { isUuid } from '../store/ids.js'
import type { EventRecord } from '../store/event-record.js'
import { saveProcess } from './spans.js'

/** Name of the instrumentation scope that marks an exported event. */
export const EXPORT_SCOPE = 'honeyhive-tracer/export'

/** What an exported event says beside its ordinary attributes, so that nothing is rounded or guessed. */
export const EXPORT_ATTRIBUTE = {
  startMs: 'honeyhive.export.start_ms',
  endMs: 'honeyhive.export.end_ms',
  durationMs: 'honeyhive.export.duration_ms',
  isTraced: 'honeyhive.export.is_traced',
  origin: 'honeyhive.export.origin',
} as const

/** Whether a span is an exported event with everything that takes. */
export function isRestored({ scopeName, attributes }: DecodedSpan): boolean {
  return (
    scopeName === EXPORT_SCOPE && toNonEmptyText(attributes[ATTRIBUTE.eventId]) !== undefined && isUuid(attributes[ATTRIBUTE.sessionId])
  )
}

/** The project an exported event names. */
export function labelOf(span: DecodedSpan | undefined): string | undefined {
  return toNonEmptyText(span?.attributes[ATTRIBUTE.project])
}

/** Stores exported events in the project of the sender; a key that has none yet gets the one they came from. */
export function storeRestored(scope: WriteScope, spans: readonly DecodedSpan[], headerLabel: string | undefined): void {
  for (const span of spans) {
    const projectId = scope.projectOf(labelOf(span) ?? headerLabel)
    const processId = saveProcess(scope.tx, span.resource, projectId, span)
    const record = toRecord(span, projectId, processId)
    const origin = span.attributes[EXPORT_ATTRIBUTE.origin]
    if (record.type === 'session' && record.id === record.sessionId)
      scope.events.putSession(record, origin === 'auto' ? 'auto' : 'explicit')
    else scope.events.put(record)
  }
}

function toRecord({ attributes, ...span }: DecodedSpan, projectId: number, processId: string | null): EventRecord {
  const text = (name: string): string | null => toNonEmptyText(attributes[name]) ?? null
  const number = (name: string, otherwise: number): number => toFiniteNumber(attributes[name]) ?? otherwise
  const isTraced = attributes[EXPORT_ATTRIBUTE.isTraced] === true
  const startMs = number(EXPORT_ATTRIBUTE.startMs, span.startMs)
  const endMs = number(EXPORT_ATTRIBUTE.endMs, span.endMs)
  return {
    projectId,
    id: String(attributes[ATTRIBUTE.eventId]),
    sessionId: String(attributes[ATTRIBUTE.sessionId]),
    parentId: text(ATTRIBUTE.parentId),
    type: text(ATTRIBUTE.eventType) ?? 'tool',
    name: text(ATTRIBUTE.eventName) ?? span.name,
    source: text(ATTRIBUTE.source) ?? 'otlp',
    startMs,
    endMs,
    durationMs: number(EXPORT_ATTRIBUTE.durationMs, endMs - startMs),
    error: text(ATTRIBUTE.error),
    body: readBody(attributes),
    traceId: isTraced ? span.traceId : null,
    spanId: isTraced ? span.spanId : null,
    parentSpanId: isTraced && span.parentSpanId !== '' ? span.parentSpanId : null,
    processId,
    links: span.links,
  }
}

function readBody(attributes: JsonObject): EventRecord['body'] {
  const body = createBody()
  for (const bucket of BUCKETS) body[toEventBucket(bucket)] = toObject(readEmbeddedJson(attributes[BUCKET_PREFIX[bucket]]))
  return body
}

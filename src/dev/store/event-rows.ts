/** Events as rows: what is written for one, and what a row says. */
import type { Database, Row } from './database.js'
import { type Contribution, type EventPatch, type EventRecord, NO_CONTRIBUTION, toBody, toModel } from './event-record.js'
import { type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { toTotals } from './session-totals.js'

/** Stores a new event and gives back its key. */
export function insertEvent(database: Database, record: EventRecord, sum: Contribution, nowMs: number): number {
  const row = database.get(
    `INSERT INTO events (project_id, id, session_id, parent_id, type, name, source, start_ms, end_ms, duration_ms, error, prompt_tokens,
       completion_tokens, total_tokens, cost, has_feedback, model, links, trace_id, span_id, parent_span_id, run_id, datapoint_id, process_id, received_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key`,
    record.projectId,
    record.id,
    ...toColumns(record, sum),
    record.traceId,
    record.spanId,
    record.parentSpanId,
    toNonEmptyText(record.body.metadata.run_id),
    toNonEmptyText(record.body.metadata.datapoint_id),
    record.processId,
    nowMs,
  )
  return Number(row?.key)
}

/** Replaces the columns of an event; where it came from stays when the newer record does not know. */
export function updateEvent(database: Database, key: number, record: EventRecord, sum: Contribution): void {
  database.run(
    `UPDATE events SET session_id = ?, parent_id = ?, type = ?, name = ?, source = ?, start_ms = ?, end_ms = ?, duration_ms = ?, error = ?,
       prompt_tokens = ?, completion_tokens = ?, total_tokens = ?, cost = ?, has_feedback = ?, model = ?, links = max(links, ?),
       trace_id = coalesce(?, trace_id), span_id = coalesce(?, span_id), parent_span_id = coalesce(?, parent_span_id),
       run_id = ?, datapoint_id = ?, process_id = coalesce(?, process_id) WHERE key = ?`,
    ...toColumns(record, sum),
    record.traceId,
    record.spanId,
    record.parentSpanId,
    toNonEmptyText(record.body.metadata.run_id),
    toNonEmptyText(record.body.metadata.datapoint_id),
    record.processId,
    key,
  )
}

function toColumns(record: EventRecord, sum: Contribution): (string | number | boolean | null)[] {
  return [
    record.sessionId,
    record.parentId,
    record.type,
    record.name,
    record.source,
    record.startMs,
    record.endMs,
    record.durationMs,
    record.error,
    sum.promptTokens,
    sum.completionTokens,
    sum.totalTokens,
    sum.cost,
    sum.hasFeedback,
    toModel(record.body),
    record.links.length,
  ]
}

/** Stores the body of an event and the updates it already holds. */
export function saveBody(database: Database, key: number, { body }: EventRecord, patch: EventPatch | undefined): void {
  const { inputs, outputs, ...rest } = body
  database.run(
    'INSERT INTO bodies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET inputs = excluded.inputs, outputs = excluded.outputs, rest = excluded.rest, patch = excluded.patch',
    key,
    JSON.stringify(inputs),
    JSON.stringify(outputs),
    JSON.stringify(rest),
    patch === undefined ? null : JSON.stringify(patch),
  )
}

/** Replaces the links of an event. */
export function saveLinks(database: Database, key: number, { links, traceId, spanId }: EventRecord): void {
  if (links.length === 0 || traceId === null || spanId === null) return
  database.run('DELETE FROM links WHERE event_key = ?', key)
  for (const link of links) {
    const kind = toNonEmptyText(link.attributes['honeyhive.link']) ?? null
    database.run(
      'INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)',
      key,
      traceId,
      spanId,
      link.traceId,
      link.spanId,
      kind,
      JSON.stringify(link.attributes),
    )
  }
}

/** Reads a stored body and the updates already applied to it. */
export function readBody(database: Database, key: number): { body: EventRecord['body']; patch: EventPatch | undefined } {
  const row = database.get('SELECT * FROM bodies WHERE key = ?', key)
  const body = toBody({ ...parse(row?.rest), inputs: parse(row?.inputs), outputs: parse(row?.outputs) })
  return { body, patch: typeof row?.patch === 'string' ? (parse(row.patch) as EventPatch) : undefined }
}

function parse(text: unknown): JsonObject {
  return typeof text === 'string' ? toObject(JSON.parse(text)) : {}
}

/** The record in a row, without body and links. */
export function toRecord(row: Row): Omit<EventRecord, 'body'> {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    projectId: Number(row.project_id),
    id: String(row.id),
    sessionId: String(row.session_id),
    parentId: text(row.parent_id),
    type: String(row.type),
    name: String(row.name),
    source: String(row.source),
    startMs: Number(row.start_ms),
    endMs: Number(row.end_ms),
    durationMs: Number(row.duration_ms),
    error: text(row.error),
    traceId: text(row.trace_id),
    spanId: text(row.span_id),
    parentSpanId: text(row.parent_span_id),
    processId: text(row.process_id),
    links: [],
  }
}

/** What the event of a row adds to its session. */
export function toContributionOf(row: Row): Contribution {
  if (row.type === 'session') return { ...NO_CONTRIBUTION, hasFeedback: row.has_feedback === 1 }
  return { ...toTotals(row), events: 1, modelEvents: row.type === 'model' ? 1 : 0, errors: row.error === null ? 0 : 1 }
}

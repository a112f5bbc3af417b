/** Events as rows: what is written for one, and what a row says. */
import type { Transaction } from './change-queue.js'
import type { Reader, Row } from './database.js'
import { type Contribution, type CostSource, type EventPatch, type EventRecord, NO_CONTRIBUTION, toBody, toModel } from './event-record.js'
import { type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { toTotals } from './session-totals.js'
import { type NamedRow, toInsert, toUpdate, toUpsert } from './statement.js'

/** Stores a new event and gives back its key. */
export function insertEvent(tx: Transaction, record: EventRecord, sum: Summed): number {
  const row = { ...toColumns(record, sum), project_id: record.projectId, id: record.id, received_ms: tx.nowMs }
  return Number(tx.get(...toInsert('events', row, 'RETURNING key'))?.key)
}

/** Replaces the columns of an event; where it came from stays when the newer record does not know. */
export function updateEvent(tx: Transaction, present: Row, record: EventRecord, sum: Summed): void {
  const columns = toColumns(record, sum)
  const kept = {
    trace_id: record.traceId ?? present.trace_id,
    span_id: record.spanId ?? present.span_id,
    parent_span_id: record.parentSpanId ?? present.parent_span_id,
    process_id: record.processId ?? present.process_id,
    links: Math.max(Number(present.links), record.links.length),
  }
  tx.run(...toUpdate('events', { ...columns, ...kept }, { key: present.key }))
}

/** What an event counts for, and where its cost comes from. */
interface Summed extends Contribution {
  readonly costSource: CostSource | null
}

function toColumns(record: EventRecord, sum: Summed): NamedRow {
  return {
    session_id: record.sessionId,
    parent_id: record.parentId,
    type: record.type,
    name: record.name,
    source: record.source,
    start_ms: record.startMs,
    end_ms: record.endMs,
    duration_ms: record.durationMs,
    error: record.error,
    prompt_tokens: sum.promptTokens,
    completion_tokens: sum.completionTokens,
    total_tokens: sum.totalTokens,
    cost: sum.cost,
    cost_source: sum.costSource,
    has_feedback: sum.hasFeedback,
    model: toModel(record.body),
    links: record.links.length,
    trace_id: record.traceId,
    span_id: record.spanId,
    parent_span_id: record.parentSpanId,
    run_id: toNonEmptyText(record.body.metadata.run_id),
    datapoint_id: toNonEmptyText(record.body.metadata.datapoint_id),
    process_id: record.processId,
  }
}

/** Replaces what an event counts for in sums; its body still tells what it reported. */
export function saveSums(tx: Transaction, key: number, sum: Contribution): void {
  const row = {
    prompt_tokens: sum.promptTokens,
    completion_tokens: sum.completionTokens,
    total_tokens: sum.totalTokens,
    cost: sum.cost,
  }
  tx.run(...toUpdate('events', row, { key }))
}

/** Stores the body of an event and the updates it already holds. */
export function saveBody(tx: Transaction, key: number, { body }: EventRecord, patch: EventPatch | undefined): void {
  const { inputs, outputs, ...rest } = body
  const row = {
    key,
    inputs: JSON.stringify(inputs),
    outputs: JSON.stringify(outputs),
    rest: JSON.stringify(rest),
    patch: patch === undefined ? null : JSON.stringify(patch),
  }
  tx.run(...toUpsert('bodies', ['key'], row))
}

/** Replaces the links of an event; one that comes again without any keeps those it has. */
export function saveLinks(tx: Transaction, key: number, { links, traceId, spanId }: EventRecord): void {
  if (links.length === 0 || traceId === null || spanId === null) return
  tx.run('DELETE FROM links WHERE event_key = ?', key)
  for (const link of links) {
    const row = {
      event_key: key,
      from_trace: traceId,
      from_span: spanId,
      to_trace: link.traceId,
      to_span: link.spanId,
      kind: toNonEmptyText(link.attributes['honeyhive.link']) ?? null,
      attributes: JSON.stringify(link.attributes),
    }
    tx.run(...toInsert('links', row))
  }
}

/** Reads a stored body and the updates already applied to it. */
export function readBody(reader: Reader, key: number): { body: EventRecord['body']; patch: EventPatch | undefined } {
  const row = reader.get('SELECT * FROM bodies WHERE key = ?', key)
  return { body: parseBody(row ?? {}), patch: row === undefined ? undefined : parsePatch(row) }
}

/** The updates in the columns of `bodies`. */
export function parsePatch(row: Row): EventPatch | undefined {
  return typeof row.patch === 'string' ? (parse(row.patch) as EventPatch) : undefined
}

/** The body in the columns of `bodies`. */
export function parseBody(row: Row): EventRecord['body'] {
  return toBody({ ...parse(row.rest), inputs: parse(row.inputs), outputs: parse(row.outputs) })
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
  return {
    ...toTotals(row),
    unpriced: isUnpriced(row) ? 1 : 0,
    events: 1,
    modelEvents: row.type === 'model' ? 1 : 0,
    errors: row.error === null ? 0 : 1,
  }
}

/** A wrapper whose tokens are counted elsewhere is not missing a price. */
function isUnpriced({ cost_source: source, total_tokens: tokens }: Row): boolean {
  return source === 'unknown' && Number(tokens) > 0
}

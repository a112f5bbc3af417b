/** Events between their REST form and the store. */
import type { Reader, Row } from '../store/database.js'
import { type EventPatch, type EventRecord, NO_SPAN, toBody } from '../store/event-record.js'
import { parseBody, parsePatch } from '../store/event-rows.js'
import { EVENT_TYPES } from '../ingest/event-type.js'
import { badRequest } from '../http/http-error.js'
import { createId, isUuid, toSessionUuid } from '../store/ids.js'
import { LAST_DATE_MS } from '../../otlp/decoded-span.js'
import { isObject, type JsonObject, toFiniteNumber, toNonEmptyText, toStrings } from '../../otlp/json.js'

/** Fields of an event that the server itself names; the same for every local project. */
const LOCAL_OWNER = { org_id: 'local', workspace_id: 'local', tenant: 'local' } as const
/** Later than any millisecond time: what is larger was given in microseconds. */
const MICROSECONDS_FROM = 1e14

/** Reads a posted event. @throws HttpError 400 when its type is missing or unknown, its id is no UUID, or a bucket is no object. */
export function toNewEvent(
  event: JsonObject,
  projectId: number,
  nowMs: number,
  defaults: { sessionId?: string; parentId?: string } = {},
): EventRecord {
  const type = toNonEmptyText(event.event_type) ?? ''
  if (!EVENT_TYPES.has(type)) throw badRequest('event_type must be one of model, tool, chain, session')
  checkBuckets(event)
  const sessionId = defaults.sessionId ?? toSessionUuid(event.session_id) ?? createId()
  const id = readEventId(event.event_id) ?? (type === 'session' ? sessionId : createId())
  const parentId = isUuid(event.parent_id) ? event.parent_id.toLowerCase() : (defaults.parentId ?? sessionId)
  const times = readTimes(event, nowMs)
  return {
    projectId,
    id,
    sessionId,
    parentId: type === 'session' ? null : parentId,
    type,
    name: toNonEmptyText(event.event_name) ?? 'unknown',
    source: toNonEmptyText(event.source) ?? 'unknown',
    ...times,
    error:
      event.error === undefined || event.error === null
        ? null
        : typeof event.error === 'string'
          ? event.error
          : JSON.stringify(event.error),
    body: toBody(event),
    ...NO_SPAN,
  }
}

// Another id in its place would store the event once more each time it is sent again, and no update would find it.
function readEventId(given: unknown): string | undefined {
  if (isUuid(given)) return given.toLowerCase()
  if (given === undefined || given === null || given === '') return undefined
  throw badRequest('event_id must be a UUID; leave it out to get one')
}

/** Start, end and duration in milliseconds; whatever is missing follows from the others. */
export function readTimes(event: JsonObject, nowMs: number): { startMs: number; endMs: number; durationMs: number } {
  const duration = toNumber(event.duration)
  const start = toMs(event.start_time)
  const end = toMs(event.end_time)
  const startMs = start ?? (end === undefined ? nowMs : end - (duration ?? 0))
  const endMs = Math.max(startMs, end ?? startMs + (duration ?? 0))
  return { startMs, endMs, durationMs: Math.max(0, duration ?? endMs - startMs) }
}

/** Reads an update. @throws HttpError 400 when a bucket or the outputs are no object. */
export function toPatch(body: JsonObject): EventPatch {
  const patch: Record<string, unknown> = {}
  for (const bucket of ['metadata', 'feedback', 'metrics', 'config', 'user_properties', 'outputs']) {
    const value = body[bucket]
    if (value === undefined || value === null) continue
    if (!isObject(value)) throw badRequest(`${bucket} must be an object`)
    patch[bucket] = value
  }
  const duration = toNumber(body.duration)
  const endTime = toMs(body.end_time)
  const children = toStrings(body.children_ids)
  return {
    ...patch,
    ...(duration === undefined ? {} : { duration }),
    ...(endTime === undefined ? {} : { end_time: endTime }),
    ...(children.length === 0 ? {} : { children_ids: children }),
  }
}

/** A row of an event with its body, in REST form. */
export function toRestEvent(reader: Reader, row: Row): JsonObject {
  const body = parseBody(row)
  const totals = row.type === 'session' ? findTotals(reader, row) : undefined
  const children = reader.all('SELECT id FROM events WHERE project_id = ? AND parent_id = ? ORDER BY start_ms', row.project_id, row.id)
  return {
    event_id: row.id,
    session_id: row.session_id,
    parent_id: row.parent_id,
    event_type: row.type,
    event_name: row.name,
    source: row.source,
    project_id: String(row.project_id),
    ...LOCAL_OWNER,
    children_ids: children.length > 0 ? children.map((child) => child.id) : (parsePatch(row)?.children_ids ?? []),
    ...body,
    metadata: totals === undefined ? body.metadata : { ...body.metadata, ...toSums(totals) },
    error: row.error,
    ...toRestTimes(row, totals),
  }
}

function findTotals(reader: Reader, { project_id: projectId, session_id: sessionId }: Row): Row | undefined {
  return reader.get('SELECT * FROM sessions WHERE project_id = ? AND id = ?', projectId, sessionId)
}

/** A session begins with its first event and ends with its last, whatever was said when it was started. */
function toRestTimes(row: Row, totals: Row | undefined): JsonObject {
  const [startMs, endMs] = [Number(row.start_ms), Number(row.end_ms)]
  const [firstMs, lastMs] = totals === undefined ? [startMs, endMs] : [Number(totals.start_ms), Number(totals.end_ms)]
  const isWider = firstMs < startMs || lastMs > endMs
  const [fromMs, toMs] = [Math.min(startMs, firstMs), Math.max(endMs, lastMs)]
  return { start_time: Math.floor(fromMs), end_time: Math.floor(toMs), duration: isWider ? toMs - fromMs : row.duration_ms }
}

function toSums(row: Row): JsonObject {
  return {
    num_events: row.events,
    num_model_events: row.model_events,
    has_feedback: row.has_feedback === 1,
    cost: row.cost,
    prompt_tokens: row.prompt_tokens,
    completion_tokens: row.completion_tokens,
    total_tokens: row.total_tokens,
  }
}

function checkBuckets(event: JsonObject): void {
  for (const bucket of ['inputs', 'config', 'metadata', 'feedback', 'metrics', 'user_properties']) {
    const value = event[bucket]
    if (value !== undefined && value !== null && !isObject(value)) throw badRequest(`${bucket} must be an object`)
  }
}

/** Numbers only: text in a time field is ignored, as the contract says; so is what is no time. */
function toNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? toFiniteNumber(value) : undefined
}

function toMs(value: unknown): number | undefined {
  const number = toNumber(value)
  if (number === undefined || number <= 0) return undefined
  const timeMs = number >= MICROSECONDS_FROM ? number / 1000 : number
  return timeMs <= LAST_DATE_MS ? timeMs : undefined
}

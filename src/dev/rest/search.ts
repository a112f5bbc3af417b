/** Search, export and schema of events. */
import { type DevContext, senderOf } from '../context.js'
import type { Row } from '../store/database.js'
import { type EventFilter, matchesFilters, parseFilters, readField } from './event-filter.js'
import { EVENT_BUCKETS } from '../event-body.js'
import { badRequest } from '../http/http-error.js'
import { isObject, type JsonObject, toFiniteNumber, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import { sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import { toRestEvent } from './rest-event.js'
import type { Exchange, Route } from '../http/router.js'
import { setPath } from '../unflatten.js'

const SEARCH_MAX = 1_000
const EXPORT_MAX = 7_500
const SCHEMA_SAMPLE = 2_000

/** Columns that a filter on a top-level field can use directly. */
const COLUMNS: Readonly<Record<string, string>> = {
  event_id: 'id',
  session_id: 'session_id',
  parent_id: 'parent_id',
  event_type: 'type',
  event_name: 'name',
  source: 'source',
}

/** The routes that look for events. */
export function createSearchRoutes(context: DevContext): readonly Route[] {
  return [
    ['POST', '/v1/events/search', (exchange) => search(context, exchange, SEARCH_MAX)],
    ['POST', '/events/search', (exchange) => search(context, exchange, SEARCH_MAX)],
    ['POST', '/v1/events/export', (exchange) => search(context, exchange, EXPORT_MAX)],
    ['POST', '/events/export', (exchange) => search(context, exchange, EXPORT_MAX)],
    [
      'GET',
      '/v1/events/schema',
      (exchange) => sendJson(exchange.response, readSchema(context, exchange, exchange.query.get('evaluation_id') ?? undefined)),
    ],
    [
      'GET',
      '/events/schema',
      (exchange) => sendJson(exchange.response, readSchema(context, exchange, exchange.query.get('evaluation_id') ?? undefined)),
    ],
  ]
}

async function search(context: DevContext, { request, response }: Exchange, maxLimit: number): Promise<void> {
  const body = await readObject(request, context.limits)
  const limit = readInteger(body.limit, 'limit', 1_000, maxLimit)
  const page = readInteger(body.page, 'page', 1, Number.MAX_SAFE_INTEGER)
  const filters = parseFilters(body.filters)
  const label = toNonEmptyText(body.project)
  const projectIds = context.projects.idsOf(senderOf(context, request), label)
  const rows = findRows(context, projectIds, filters, readDates(body), toNonEmptyText(body.evaluation_id))
  const inColumns = filters.every(isColumnFilter)
  const first = (page - 1) * limit
  // Only what the columns cannot decide needs the bodies of events that are not sent.
  const matching = inColumns ? rows : rows.filter((row) => matchesFilters(toRestEvent(context.database, row), filters))
  const projections = toStrings(body.projections)
  const events = matching.slice(first, first + limit).map((row) => project(toRestEvent(context.database, row), projections))
  sendJson(response, { events, count: matching.length, totalEvents: matching.length })
}

function findRows(
  { database }: DevContext,
  projectIds: readonly number[],
  filters: readonly EventFilter[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  runId: string | undefined,
): Row[] {
  const conditions = ['start_ms BETWEEN ? AND ?', `project_id IN (${projectIds.map(() => '?').join() || 'NULL'})`]
  const values: (string | number)[] = [fromMs, toMs, ...projectIds]
  for (const filter of filters.filter(isColumnFilter)) {
    conditions.push(`${COLUMNS[filter.field]} = ?`)
    values.push(String(filter.value))
  }
  if (runId !== undefined) {
    conditions.push('session_id IN (SELECT session_id FROM events WHERE run_id = ?)')
    values.push(runId)
  }
  return database.all(`SELECT * FROM events WHERE ${conditions.join(' AND ')} ORDER BY start_ms DESC, key DESC`, ...values)
}

function isColumnFilter({ field, operator, value }: EventFilter): boolean {
  return operator === 'is' && value !== null && value !== '' && Object.hasOwn(COLUMNS, field)
}

function readDates(body: JsonObject): { fromMs: number; toMs: number } {
  const range = toObject(body.dateRange)
  const read = (value: unknown, otherwise: number): number => {
    if (value === undefined || value === null) return otherwise
    const time = typeof value === 'number' ? value : Date.parse(String(value))
    if (!Number.isFinite(time)) throw badRequest('dateRange needs ISO times')
    return time
  }
  return { fromMs: read(range.$gte ?? range.start_time, 0), toMs: read(range.$lte ?? range.end_time, Number.MAX_SAFE_INTEGER) }
}

function readInteger(value: unknown, name: string, otherwise: number, max: number): number {
  if (value === undefined || value === null) return otherwise
  const number = toFiniteNumber(value)
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > max)
    throw badRequest(`${name} must be a whole number from 1 to ${max}`)
  return number
}

function project(event: JsonObject, projections: readonly string[]): JsonObject {
  if (projections.length === 0) return event
  const result: JsonObject = {}
  for (const path of projections) {
    const value = readField(event, path)
    if (value !== undefined) setPath(result, Object.hasOwn(event, path) ? [path] : path.split('.'), value)
  }
  return result
}

/** Which fields the latest events have. */
export function readSchema(context: DevContext, { request }: Pick<Exchange, 'request'>, runId: string | undefined): JsonObject {
  const projectIds = context.projects.idsOf(senderOf(context, request))
  const rows = findRows(context, projectIds, [], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }, runId).slice(0, SCHEMA_SAMPLE)
  const fields = new Map<string, { name: string; event_type: string }>()
  const mappings: Record<string, { field_name: string; event_type: string }[]> = {}
  const datasets = new Set<string>()
  for (const row of rows) {
    const event = toRestEvent(context.database, row)
    const type = String(row.type)
    for (const bucket of EVENT_BUCKETS) {
      for (const key of Object.keys(isObject(event[bucket]) ? event[bucket] : {})) {
        const name = `${bucket}.${key}`
        if (fields.has(`${type} ${name}`)) continue
        fields.set(`${type} ${name}`, { name, event_type: type })
        if (bucket === 'inputs' || bucket === 'outputs' || bucket === 'feedback')
          mappings[bucket] = [...(mappings[bucket] ?? []), { field_name: name, event_type: type }]
      }
    }
    const dataset = toObject(event.metadata).dataset_id
    if (typeof dataset === 'string') datasets.add(dataset)
  }
  return { fields: [...fields.values()], datasets: [...datasets], mappings }
}

import { nextTurn } from '../../builtins.js'
/** Search, export and schema of events. */
import { type DevContext, projectsOf } from '../context.js'
import { EVENT_BUCKETS } from '../store/event-body.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { isObject, type JsonObject, toFiniteNumber, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import type { Reader, Row } from '../store/database.js'
import {
  both,
  countEvents,
  type EventCondition,
  type EventFilter as Filter,
  eachEventPage,
  findEventPage,
  inProjects,
} from '../store/events.js'
import { setPath } from '../../semantics/unflatten.js'
import { type EventFilter, matchesFilters, parseFilters, readField } from './event-filter.js'
import { bothVersions } from './generations.js'
import { toRestEvent } from './rest-event.js'

const SEARCH_MAX = 1_000
const EXPORT_MAX = 7_500
const SCHEMA_SAMPLE = 2_000
/** Buckets whose fields can be mapped to columns of a dataset. */
const MAPPED = ['inputs', 'outputs', 'feedback'] as const

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
export function addSearchRoutes(app: App, context: DevContext): void {
  app.on('POST', bothVersions('/events/search'), (c) => search(context, c, SEARCH_MAX))
  app.on('POST', bothVersions('/events/export'), (c) => search(context, c, EXPORT_MAX))
  app.on('GET', bothVersions('/events/schema'), async (c) => c.json(await readSchema(context, c, c.req.query('evaluation_id'))))
}

async function search({ store, ...context }: DevContext, c: Call, maxLimit: number): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const limit = readInteger(body.limit, 'limit', 1_000, maxLimit)
  const first = (readInteger(body.page, 'page', 1, Number.MAX_SAFE_INTEGER) - 1) * limit
  const filters = parseFilters(body.filters)
  const projectIds = projectsOf({ store, ...context }, c.env.incoming, toNonEmptyText(body.project))
  const condition = toCondition(projectIds, filters, readDates(body), toNonEmptyText(body.evaluation_id))
  const projections = toStrings(body.projections)
  const { rows, count } = filters.every(isColumnFilter)
    ? { rows: findEventPage(store, condition, { limit, offset: first }), count: countEvents(store, condition) }
    : await findMatching(store, condition, filters, first, limit)
  const events = toLazy(rows, (row) => project(toRestEvent(store, row), projections))
  return sendLarge(c, { events, count, totalEvents: count })
}

/** What the columns cannot decide needs the body of every event; only those that are sent are kept. */
async function findMatching(
  reader: Reader,
  condition: EventCondition,
  filters: readonly EventFilter[],
  first: number,
  limit: number,
): Promise<{ rows: Row[]; count: number }> {
  const rows: Row[] = []
  let count = 0
  for (const page of eachEventPage(reader, condition, { order: 'DESC' })) {
    for (const row of page) {
      if (!matchesFilters(toRestEvent(reader, row), filters)) continue
      if (count >= first && rows.length < limit) rows.push(row)
      count++
    }
    await nextTurn()
  }
  return { rows, count }
}

function* toLazy<T, R>(items: readonly T[], convert: (item: T) => R): Generator<R> {
  for (const item of items) yield convert(item)
}

function toCondition(
  projectIds: readonly number[],
  filters: readonly EventFilter[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  runId: string | undefined,
): EventCondition {
  const parts: Filter[] = filters.filter(isColumnFilter).map(({ field, value }) => ({
    sql: `e.${COLUMNS[field]} = ?`,
    values: [String(value)],
  }))
  if (runId !== undefined) parts.push({ sql: 'e.session_id IN (SELECT session_id FROM events WHERE run_id = ?)', values: [runId] })
  return [{ sql: 'e.start_ms BETWEEN ? AND ?', values: [fromMs, toMs] }, ...parts].reduce(both, inProjects(projectIds))
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
export async function readSchema({ store, ...context }: DevContext, c: Call, runId: string | undefined): Promise<JsonObject> {
  const projectIds = projectsOf({ store, ...context }, c.env.incoming)
  const condition = toCondition(projectIds, [], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }, runId)
  const fields = new Map<string, { name: string; event_type: string }>()
  const mappings = new Map(MAPPED.map((bucket) => [bucket as string, [] as { field_name: string; event_type: string }[]]))
  const datasets = new Set<string>()
  for (const row of findEventPage(store, condition, { limit: SCHEMA_SAMPLE, offset: 0 })) {
    const event = toRestEvent(store, row)
    const type = String(row.type)
    for (const bucket of EVENT_BUCKETS) {
      for (const key of Object.keys(isObject(event[bucket]) ? event[bucket] : {})) {
        const name = `${bucket}.${key}`
        if (fields.has(`${type} ${name}`)) continue
        fields.set(`${type} ${name}`, { name, event_type: type })
        mappings.get(bucket)?.push({ field_name: name, event_type: type })
      }
    }
    const dataset = toObject(event.metadata).dataset_id
    if (typeof dataset === 'string') datasets.add(dataset)
  }
  return {
    fields: [...fields.values()],
    datasets: [...datasets],
    mappings: Object.fromEntries([...mappings].filter(([, fields]) => fields.length > 0)),
  }
}

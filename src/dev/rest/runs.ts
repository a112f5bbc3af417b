import { nextTurn } from '../../builtins.js'
/** Experiment runs, in all generations of the API. */
import { type DevContext, projectsOf, senderOf, writeAs } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, HttpError, notFound } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { isUuid } from '../store/ids.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import type { RunPages } from '../page-api/runs.js'
import type { Reader } from '../store/database.js'
import { findEvent } from '../store/events.js'
import { groupBy, readRunResults, type RunEvent, type RunResults } from '../store/run-results.js'
import {
  findRun,
  listRuns,
  removeRun,
  RUN_ORDERS,
  type RunOrder,
  saveRun,
  type StoredRun,
  toNewRun,
  toRestRun,
  toUpdatedRun,
} from '../store/runs.js'
import { type Aggregate, AGGREGATES } from '../../values/statistics.js'
import { toScore } from '../store/statistics.js'
import { matchesFilters, parseFilters } from './event-filter.js'
import { dropNulls, isFirst } from './generations.js'
import { toRestEvent } from './rest-event.js'
import { findCommon, toComparison, toSummary } from './run-summary.js'
import { readSchema } from './search.js'

const DEFAULT_PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100
/** Beyond it there is nothing, and its offset would be no number that SQLite takes. */
const MAX_PAGE = 1e9
const MAX_EVENTS = 1_000
const EVENTS_PER_TURN = 500

/** The routes of runs; `pages` keeps their sums. */
export function addRunRoutes(app: App, context: DevContext, pages: RunPages): void {
  for (const prefix of ['', '/v1']) {
    const send = (c: Call, body: JsonObject): Response => c.json(isFirst(c) ? toObject(dropNulls(body)) : body)
    app.post(`${prefix}/runs`, async (c) => send(c, await createRun(context, c)))
    app.get(`${prefix}/runs`, async (c) => send(c, await listPage(context, pages, c)))
    app.get(`${prefix}/runs/schema`, async (c) => c.json(await readSchema(context, c, undefined)))
    app.get(`${prefix}/runs/compare/events`, (c) => sendPairs(context, c, c.req.query('run_id_1'), c.req.query('run_id_2')))
    app.get(`${prefix}/runs/:id`, async (c) => send(c, { evaluation: await restRun(context, pages, runOf(context, c)) }))
    app.put(`${prefix}/runs/:id`, async (c) => send(c, await updateRun(context, c)))
    app.delete(`${prefix}/runs/:id`, (c) => deleteRun(context, c))
    app.get(`${prefix}/runs/:id/schema`, async (c) => c.json(await readSchema(context, c, c.req.param('id'))))
    app.on('GET', [`${prefix}/runs/:id/result`, `${prefix}/runs/:id/summary`], (c) => sendSummary(context, c))
    app.get(`${prefix}/runs/:id/metrics`, (c) => sendMetrics(context, c))
    app.on('GET', [`${prefix}/runs/:id/compare-with/:old`, `${prefix}/runs/:id/compare/:old`], (c) => sendComparison(context, c))
    app.get(`${prefix}/runs/:id/compare/:old/events`, (c) => sendPairs(context, c, c.req.param('id'), c.req.param('old')))
  }
}

/** Sent again with the id of a run of the same sender, it completes that run; the runs of others are out of reach. */
async function createRun(context: DevContext, c: Call): Promise<JsonObject> {
  const body = await readObject(c.env.incoming, context.limits)
  const fields = toObject(body.run ?? body)
  return writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const created = toNewRun(fields, scope.projectOf(toNonEmptyText(fields.project)), scope.nowMs)
    const present = isUuid(fields.run_id) ? findRun(scope.tx, created.id) : undefined
    if (present !== undefined && !scope.projectIds().includes(present.projectId))
      throw new HttpError(409, 'A run with this run_id exists in another project')
    const run = present === undefined ? created : toUpdatedRun(present, fields, scope.nowMs)
    saveRun(scope.tx, run)
    return { evaluation: toRestRun(scope.tx, run), run_id: run.id }
  })
}

async function updateRun(context: DevContext, c: Call): Promise<JsonObject> {
  const body = await readObject(c.env.incoming, context.limits)
  return writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectIds, nowMs }) => {
    const run = toUpdatedRun(findOwn(tx, projectIds(), c.req.param('id')), body, nowMs)
    saveRun(tx, run)
    return { evaluation: toRestRun(tx, run) }
  })
}

async function deleteRun(context: DevContext, c: Call): Promise<Response> {
  const id = await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectIds }) => {
    const run = findOwn(tx, projectIds(), c.req.param('id'))
    removeRun(tx, run)
    return run.id
  })
  return c.json({ id, deleted: true })
}

async function listPage(context: DevContext, pages: RunPages, c: Call): Promise<JsonObject> {
  const page = Math.min(Math.max(1, Math.floor(toFiniteNumber(c.req.query('page')) ?? 1)), MAX_PAGE)
  const limit = Math.min(Math.max(1, Math.floor(toFiniteNumber(c.req.query('limit')) ?? DEFAULT_PAGE_SIZE)), MAX_PAGE_SIZE)
  const found = listRuns(context.store, {
    projectIds: projectsOf(context, c.env.incoming, c.req.query('project')),
    ids: [...(c.req.queries('run_ids[]') ?? []), ...(c.req.queries('run_ids') ?? [])],
    datasetId: c.req.query('dataset_id'),
    name: c.req.query('name'),
    status: c.req.query('status'),
    ...readDateRange(c),
    sortBy: readOrder(c.req.query('sort_by') ?? 'created_at'),
    ascending: c.req.query('sort_order') === 'asc',
    limit,
    offset: (page - 1) * limit,
  })
  const runs: JsonObject[] = []
  for (const run of found.runs) runs.push(await restRun(context, pages, run))
  const pagesTotal = Math.max(1, Math.ceil(found.total / limit))
  return {
    evaluations: runs,
    pagination: {
      page,
      limit,
      total: found.total,
      total_unfiltered: found.totalUnfiltered,
      total_pages: pagesTotal,
      has_next: page < pagesTotal,
      has_prev: page > 1,
    },
    metrics: [...new Set(runs.flatMap((run) => Object.keys(toObject(run.metrics))))],
  }
}

function readOrder(by: string): RunOrder {
  if (!Object.hasOwn(RUN_ORDERS, by)) throw badRequest(`sort_by must be one of ${Object.keys(RUN_ORDERS).join(', ')}`)
  return by as RunOrder
}

function readDateRange(c: Call): { fromMs: number | undefined; toMs: number | undefined } {
  let range: JsonObject = { $gte: c.req.query('dateRange[$gte]'), $lte: c.req.query('dateRange[$lte]') }
  try {
    range = { ...range, ...toObject(JSON.parse(c.req.query('dateRange') ?? '{}')) }
  } catch {
    throw badRequest('dateRange must be JSON with $gte and $lte')
  }
  const read = (value: unknown): number | undefined => {
    const time = typeof value === 'number' ? value : Date.parse(String(value))
    return Number.isFinite(time) ? time : undefined
  }
  return { fromMs: read(range.$gte), toMs: read(range.$lte) }
}

function sendAs(c: Call, body: JsonObject): Response {
  return sendLarge(c, isFirst(c) ? toObject(dropNulls(body)) : body)
}

async function sendSummary(context: DevContext, c: Call): Promise<Response> {
  const run = runOf(context, c)
  return sendAs(c, toSummary(context.store, run, await readFiltered(context, run, c), readAggregate(c)))
}

async function sendMetrics(context: DevContext, c: Call): Promise<Response> {
  const { events } = await readFiltered(context, runOf(context, c), c)
  return sendLarge(c, { events: eachScored(events), totalEvents: events.length })
}

function* eachScored(events: readonly RunEvent[]): Generator<JsonObject> {
  for (const { name, type, sessionId, datapointId, body } of events)
    yield {
      event_name: name,
      event_type: type,
      session_id: sessionId,
      metadata: datapointId === null ? {} : { datapoint_id: datapointId },
      metrics: Object.fromEntries(Object.entries(body.metrics).filter(([, value]) => toScore(value) !== undefined)),
    }
}

async function sendComparison(context: DevContext, c: Call): Promise<Response> {
  const newRun = runOf(context, c)
  const oldRun = runOf(context, c, c.req.param('old'))
  const newResults = await readFiltered(context, newRun, c)
  const oldResults = await readFiltered(context, oldRun, c)
  return sendAs(c, toComparison(context.store, newRun, newResults, oldRun, oldResults, readAggregate(c)))
}

async function sendPairs(
  { store, ...context }: DevContext,
  c: Call,
  firstId: string | undefined,
  secondId: string | undefined,
): Promise<Response> {
  const first = await readRunResults(store, runOf({ store, ...context }, c, firstId ?? ''))
  const second = await readRunResults(store, runOf({ store, ...context }, c, secondId ?? ''))
  const common = findCommon(first, second)
  const limit = Math.min(Math.max(1, toFiniteNumber(c.req.query('limit')) ?? MAX_EVENTS), MAX_EVENTS)
  const page = Math.max(1, toFiniteNumber(c.req.query('page')) ?? 1)
  const [ofFirst, ofSecond] = [byDatapoint(first, c), byDatapoint(second, c)]
  const pick = (events: ReadonlyMap<string, RunEvent>, datapointId: string): JsonObject | null => {
    const event = events.get(datapointId)
    const row = event === undefined ? undefined : findEvent(store, event.projectId, event.id)
    return row === undefined ? null : toRestEvent(store, row)
  }
  const events = common
    .slice((page - 1) * limit, page * limit)
    .map((id) => ({ datapoint_id: id, event_1: pick(ofFirst, id), event_2: pick(ofSecond, id) }))
  return sendLarge(c, { events, totalEvents: common.length })
}

/** The event of each datapoint that a query asks for: the first one of its name and type. */
function byDatapoint({ events }: RunResults, c: Call): ReadonlyMap<string, RunEvent> {
  const [name, type] = [c.req.query('event_name'), c.req.query('event_type')]
  const isWanted = (event: RunEvent): boolean =>
    (name === undefined || event.name === name) && (type === undefined ? event.type !== 'session' : event.type === type)
  const groups = groupBy(events.filter(isWanted), (event) => event.datapointId ?? '')
  return new Map([...groups].flatMap(([id, [event]]) => (event === undefined ? [] : [[id, event] as const])))
}

async function readFiltered({ store }: DevContext, run: StoredRun, c: Call): Promise<RunResults> {
  const text = c.req.query('filters') ?? ''
  const filters = text === '' ? [] : parseFilters(readFilterText(text))
  const results = await readRunResults(store, run)
  if (filters.length === 0) return results
  const kept = new Set<string>()
  for (const [index, { projectId, id, sessionId }] of results.events.entries()) {
    const row = findEvent(store, projectId, id)
    if (row !== undefined && matchesFilters(toRestEvent(store, row), filters)) kept.add(sessionId)
    if (index % EVENTS_PER_TURN === 0) await nextTurn()
  }
  return {
    rows: results.rows.filter((row) => kept.has(row.sessionId)),
    events: results.events.filter((event) => kept.has(event.sessionId)),
    metrics: results.metrics.filter((metric) => kept.has(metric.sessionId)),
  }
}

function readFilterText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('filters must be a JSON array')
  }
}

function readAggregate(c: Call): Aggregate {
  const name = c.req.query('aggregate_function') ?? 'average'
  const known = AGGREGATES.find((aggregate) => aggregate === name)
  if (known === undefined) throw badRequest(`aggregate_function must be one of ${AGGREGATES.join(', ')}`)
  return known
}

function runOf(context: DevContext, c: Call, id: string | undefined = c.req.param('id')): StoredRun {
  return findOwn(context.store, projectsOf(context, c.env.incoming), id)
}

function findOwn(reader: Reader, projectIds: readonly number[], id: string | undefined): StoredRun {
  const run = findRun(reader, id ?? '', projectIds)
  if (run === undefined) throw notFound('Run')
  return run
}

async function restRun({ store }: DevContext, pages: RunPages, run: StoredRun): Promise<JsonObject> {
  return toRestRun(store, run, await pages.averages(run))
}

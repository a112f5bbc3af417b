/** Experiment runs, in all generations of the API. */
import { type DevContext, senderOf, writeAs } from '../context.js'
import { toRestEvent } from './rest-event.js'
import { matchesFilters, parseFilters } from './event-filter.js'
import { badRequest, notFound } from '../http/http-error.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import { sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import type { Exchange, Route } from '../http/router.js'
import type { RunPages } from '../page-api/runs.js'
import { readRunResults, type RunResults } from '../store/run-results.js'
import { findRun, listRuns, saveRun, type StoredRun, toNewRun, toRestRun, toUpdatedRun } from '../store/runs.js'
import { findCommon, toComparison, toSummary } from './run-summary.js'
import { type Aggregate, AGGREGATES, toScore } from '../store/statistics.js'
import { readSchema } from './search.js'

const DEFAULT_PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100
const MAX_EVENTS = 1_000

/** The routes of runs; `pages` keeps their sums. */
export function createRunRoutes(context: DevContext, pages: RunPages): readonly Route[] {
  return ['', '/v1'].flatMap((prefix): Route[] => {
    const send = (exchange: Exchange, body: JsonObject): void => sendJson(exchange.response, prefix === '' ? dropNulls(body) : body)
    return [
      ['POST', `${prefix}/runs`, async (exchange) => send(exchange, await createRun(context, exchange))],
      ['GET', `${prefix}/runs`, (exchange) => send(exchange, listPage(context, pages, exchange))],
      ['GET', `${prefix}/runs/schema`, (exchange) => sendJson(exchange.response, readSchema(context, exchange, undefined))],
      [
        'GET',
        `${prefix}/runs/compare/events`,
        (exchange) =>
          sendJson(exchange.response, comparePairs(context, exchange, exchange.query.get('run_id_1'), exchange.query.get('run_id_2'))),
      ],
      ['GET', `${prefix}/runs/:id`, (exchange) => send(exchange, { evaluation: restRun(context, pages, runOf(context, exchange)) })],
      ['PUT', `${prefix}/runs/:id`, async (exchange) => send(exchange, await updateRun(context, exchange))],
      ['DELETE', `${prefix}/runs/:id`, (exchange) => deleteRun(context, exchange)],
      ['GET', `${prefix}/runs/:id/schema`, (exchange) => sendJson(exchange.response, readSchema(context, exchange, exchange.params.id))],
      ['GET', `${prefix}/runs/:id/result`, (exchange) => sendSummary(context, exchange)],
      ['GET', `${prefix}/runs/:id/summary`, (exchange) => sendSummary(context, exchange)],
      ['GET', `${prefix}/runs/:id/metrics`, (exchange) => sendMetrics(context, exchange)],
      ['GET', `${prefix}/runs/:id/compare-with/:old`, (exchange) => sendComparison(context, exchange)],
      ['GET', `${prefix}/runs/:id/compare/:old`, (exchange) => sendComparison(context, exchange)],
      [
        'GET',
        `${prefix}/runs/:id/compare/:old/events`,
        (exchange) => sendJson(exchange.response, comparePairs(context, exchange, exchange.params.id, exchange.params.old)),
      ],
    ]
  })
}

async function createRun(context: DevContext, { request }: Exchange): Promise<JsonObject> {
  const body = await readObject(request, context.limits)
  const fields = toObject(body.run ?? body)
  const run = await writeAs(context, senderOf(context, request), (scope) => {
    const created = toNewRun(fields, scope.projectOf(toNonEmptyText(fields.project)), scope.nowMs)
    saveRun(context.database, created)
    scope.changes.run(created.projectId, created.id)
    return created
  })
  return { evaluation: toRestRun(context.database, run), run_id: run.id }
}

async function updateRun(context: DevContext, exchange: Exchange): Promise<JsonObject> {
  const body = await readObject(exchange.request, context.limits)
  const { projectId, id } = runOf(context, exchange)
  const run = await context.queue.write((changes) => {
    const present = findRun(context.database, id)
    if (present === undefined) throw notFound('Run')
    const updated = toUpdatedRun(present, body, context.now())
    saveRun(context.database, updated)
    changes.run(projectId, id)
    return updated
  })
  return { evaluation: toRestRun(context.database, run) }
}

async function deleteRun(context: DevContext, exchange: Exchange): Promise<void> {
  const { projectId, id } = runOf(context, exchange)
  await context.queue.write((changes) => {
    context.database.run('DELETE FROM runs WHERE id = ?', id)
    changes.run(projectId, id)
  })
  sendJson(exchange.response, { id, deleted: true })
}

function listPage(context: DevContext, pages: RunPages, { request, query }: Exchange): JsonObject {
  const all = listRuns(context.database, context.projects.idsOf(senderOf(context, request), query.get('project') ?? undefined))
  const found = sortRuns(
    all.filter((run) => isWanted(run, query)),
    query.get('sort_by') ?? 'created_at',
    query.get('sort_order') ?? 'desc',
  )
  const page = Math.max(1, Math.floor(toFiniteNumber(query.get('page')) ?? 1))
  const limit = Math.min(Math.max(1, Math.floor(toFiniteNumber(query.get('limit')) ?? DEFAULT_PAGE_SIZE)), MAX_PAGE_SIZE)
  const runs = found.slice((page - 1) * limit, page * limit).map((run) => restRun(context, pages, run))
  const pagesTotal = Math.max(1, Math.ceil(found.length / limit))
  return {
    evaluations: runs,
    pagination: {
      page,
      limit,
      total: found.length,
      total_unfiltered: all.length,
      total_pages: pagesTotal,
      has_next: page < pagesTotal,
      has_prev: page > 1,
    },
    metrics: [...new Set(runs.flatMap((run) => Object.keys(toObject(run.metrics))))],
  }
}

function isWanted(run: StoredRun, query: URLSearchParams): boolean {
  const ids = [...query.getAll('run_ids[]'), ...query.getAll('run_ids')]
  const dataset = query.get('dataset_id')
  const range = readDateRange(query)
  return (
    (ids.length === 0 || ids.includes(run.id)) &&
    (dataset === null || run.datasetId === dataset || run.body.metadata.offline_dataset_id === dataset) &&
    (query.get('name') === null || (run.name ?? '').toLowerCase().includes(String(query.get('name')).toLowerCase())) &&
    (query.get('status') === null || run.status === query.get('status')) &&
    run.createdMs >= range.fromMs &&
    run.createdMs <= range.toMs
  )
}

function readDateRange(query: URLSearchParams): { fromMs: number; toMs: number } {
  let range: JsonObject = { $gte: query.get('dateRange[$gte]'), $lte: query.get('dateRange[$lte]') }
  try {
    range = { ...range, ...toObject(JSON.parse(query.get('dateRange') ?? '{}')) }
  } catch {
    throw badRequest('dateRange must be JSON with $gte and $lte')
  }
  const read = (value: unknown, otherwise: number): number => {
    const time = typeof value === 'number' ? value : Date.parse(String(value))
    return Number.isFinite(time) ? time : otherwise
  }
  return { fromMs: read(range.$gte, Number.NEGATIVE_INFINITY), toMs: read(range.$lte, Number.POSITIVE_INFINITY) }
}

function sortRuns(runs: readonly StoredRun[], by: string, order: string): StoredRun[] {
  const keys: Readonly<Record<string, (run: StoredRun) => string | number>> = {
    created_at: (run) => run.createdMs,
    updated_at: (run) => run.updatedMs,
    name: (run) => run.name ?? '',
    status: (run) => run.status,
  }
  const keyOf = Object.hasOwn(keys, by) ? keys[by] : undefined
  if (keyOf === undefined) throw badRequest(`sort_by must be one of ${Object.keys(keys).join(', ')}`)
  const direction = order === 'asc' ? 1 : -1
  return [...runs].sort((a, b) => (keyOf(a) < keyOf(b) ? -direction : keyOf(a) > keyOf(b) ? direction : 0))
}

function sendSummary(context: DevContext, exchange: Exchange): void {
  const run = runOf(context, exchange)
  sendJson(exchange.response, toSummary(context.database, run, readFiltered(context, run, exchange.query), readAggregate(exchange.query)))
}

function sendMetrics(context: DevContext, exchange: Exchange): void {
  const { events } = readFiltered(context, runOf(context, exchange), exchange.query)
  const scored = events.map((event) => ({
    event_name: event.name,
    event_type: event.type,
    session_id: event.sessionId,
    metadata: event.datapointId === null ? {} : { datapoint_id: event.datapointId },
    metrics: Object.fromEntries(Object.entries(event.metrics).filter(([, value]) => toScore(value) !== undefined)),
  }))
  sendJson(exchange.response, { events: scored, totalEvents: scored.length })
}

function sendComparison(context: DevContext, exchange: Exchange): void {
  const newRun = runOf(context, exchange)
  const oldRun = runOf(context, exchange, exchange.params.old)
  const { query } = exchange
  sendJson(
    exchange.response,
    toComparison(
      context.database,
      newRun,
      readFiltered(context, newRun, query),
      oldRun,
      readFiltered(context, oldRun, query),
      readAggregate(query),
    ),
  )
}

function comparePairs(
  context: DevContext,
  exchange: Exchange,
  firstId: string | null | undefined,
  secondId: string | null | undefined,
): JsonObject {
  const { query } = exchange
  const first = readRunResults(context.database, runOf(context, exchange, firstId ?? ''))
  const second = readRunResults(context.database, runOf(context, exchange, secondId ?? ''))
  const pick = ({ events }: RunResults, datapointId: string): JsonObject | null => {
    const event = events.find(
      (candidate) =>
        candidate.datapointId === datapointId &&
        (query.get('event_name') === null || candidate.name === query.get('event_name')) &&
        (query.get('event_type') === null ? candidate.type !== 'session' : candidate.type === query.get('event_type')),
    )
    return event === undefined ? null : toRestEvent(context.database, event.row)
  }
  const common = findCommon(first, second)
  const limit = Math.min(Math.max(1, toFiniteNumber(query.get('limit')) ?? MAX_EVENTS), MAX_EVENTS)
  const page = Math.max(1, toFiniteNumber(query.get('page')) ?? 1)
  const events = common
    .slice((page - 1) * limit, page * limit)
    .map((id) => ({ datapoint_id: id, event_1: pick(first, id), event_2: pick(second, id) }))
  return { events, totalEvents: common.length }
}

function readFiltered(context: DevContext, run: StoredRun, query: URLSearchParams): RunResults {
  const results = readRunResults(context.database, run)
  const text = query.get('filters')
  if (text === null || text === '') return results
  const filters = parseFilters(readFilterText(text))
  const kept = new Set(
    results.events.filter((event) => matchesFilters(toRestEvent(context.database, event.row), filters)).map((event) => event.sessionId),
  )
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

function readAggregate(query: URLSearchParams): Aggregate {
  const name = query.get('aggregate_function') ?? 'average'
  const known = AGGREGATES.find((aggregate) => aggregate === name)
  if (known === undefined) throw badRequest(`aggregate_function must be one of ${AGGREGATES.join(', ')}`)
  return known
}

function runOf(context: DevContext, { request, params }: Exchange, id: string = params.id ?? ''): StoredRun {
  const run = findRun(context.database, id, context.projects.idsOf(senderOf(context, request)))
  if (run === undefined) throw notFound('Run')
  return run
}

function restRun({ database }: DevContext, pages: RunPages, run: StoredRun): JsonObject {
  return toRestRun(database, run, pages.averages(run))
}

/** The first generation of clients rejects `null` where it expects a field to be absent. */
function dropNulls(body: JsonObject): JsonObject {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== null)
        .map(([key, item]) => [key, clean(item)]),
    )
  }
  return toObject(clean(body))
}

import { toJsonText } from '../builtins.js'
import { randomUUID } from 'node:crypto'
import { isObject } from '../otlp/json.js'
import { type EventSchema, readSchema, SCHEMA_OPTIONS, type SchemaOptions, toSchemaQuery } from './events.js'
import {
  count,
  type Fields,
  fromWire,
  fromWireList,
  LIST,
  NAME,
  OBJECT,
  oneOf,
  TEXT,
  TEXTS,
  toPathPart,
  toReplyId,
  toWire,
} from './fields.js'
import { DATE_RANGE, type DateRange, type EventFilter, FILTERS, toFilters } from './filter.js'
import type { Query, RequestOptions, Send } from './request.js'
import { createResults, createWhole, type LoadedPage, type Page, type Results } from './results.js'

/** What a run is at. */
export type ClientRunStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

/** How the server makes one figure of many. */
export type ClientAggregate = 'average' | 'min' | 'max' | 'median' | 'p90' | 'p95' | 'p99' | 'sum' | 'count'

/** What can be said of a run. */
export interface RunChanges {
  readonly name?: string
  readonly description?: string
  readonly status?: ClientRunStatus
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly results?: Readonly<Record<string, unknown>>
  readonly configuration?: Readonly<Record<string, unknown>>
  readonly eventIds?: readonly string[]
  readonly sessionIds?: readonly string[]
  readonly datapointIds?: readonly string[]
  readonly evaluators?: readonly unknown[]
  /** `{ min, max }` by metric. */
  readonly passingRanges?: Readonly<Record<string, unknown>>
}

/** A new run. */
export interface NewRun extends RunChanges {
  /** A UUID. @defaultValue a new one, so that a call that is repeated makes one run */
  readonly runId?: string
  /** A dataset that the server has. */
  readonly datasetId?: string
}

/** A run as the server has it. */
export interface Run extends RunChanges {
  readonly id: string
  readonly runId: string
  /** Averages by metric. */
  readonly metrics?: Readonly<Record<string, number>>
  readonly datasetId?: string
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly [field: string]: unknown
}

/** Which runs are listed. */
export interface ListRuns {
  readonly datasetId?: string
  readonly runIds?: readonly string[]
  readonly name?: string
  readonly status?: ClientRunStatus
  readonly dateRange?: DateRange
  /** @defaultValue `'created_at'` */
  readonly sortBy?: 'created_at' | 'updated_at' | 'name' | 'status'
  /** @defaultValue `'desc'` */
  readonly sortOrder?: 'asc' | 'desc'
  /** Runs asked for with one request, at most 100. @defaultValue that of the server, 20 */
  readonly pageSize?: number
  /** Page to begin with. @defaultValue 1 */
  readonly page?: number
}

/** How a result is computed. */
export interface ResultOptions {
  /** @defaultValue `'average'` */
  readonly aggregateFunction?: ClientAggregate
  /** Only events that meet all of them. */
  readonly filters?: readonly EventFilter[]
}

/** The result of a run. What is in `metrics` keeps the names of the API. */
export interface RunSummary {
  readonly status?: string
  readonly success?: boolean
  readonly passed?: readonly string[]
  readonly failed?: readonly string[]
  readonly metrics?: Readonly<Record<string, unknown>>
  readonly datapoints?: readonly Readonly<Record<string, unknown>>[]
  readonly [field: string]: unknown
}

/** Two runs beside one another. What is in `metrics` keeps the names of the API. */
export interface RunDifference {
  readonly metrics?: readonly Readonly<Record<string, unknown>>[]
  readonly commonDatapoints?: readonly string[]
  readonly oldRun?: Readonly<Record<string, unknown>>
  readonly newRun?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** Which events of two runs are compared. */
export interface CompareEvents {
  readonly eventName?: string
  readonly eventType?: 'session' | 'model' | 'tool' | 'chain'
  /** Pairs asked for with one request, at most 1,000. @defaultValue 1_000 */
  readonly pageSize?: number
  /** Page to begin with. @defaultValue 1 */
  readonly page?: number
}

/** The events of one datapoint in two runs, by the names of the API. */
export interface EventPair {
  readonly datapointId: string
  readonly event1: Readonly<Record<string, unknown>> | null
  readonly event2: Readonly<Record<string, unknown>> | null
}

/** The scores of one event of a run. */
export interface ScoredEvent {
  readonly eventName?: string
  readonly eventType?: string
  readonly sessionId?: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly metrics?: Readonly<Record<string, number | boolean>>
}

/** Runs of experiments. `evaluate` of `honeyhive-tracer/experiments` makes them by itself. */
export interface ExperimentsResource {
  /** `POST /v1/runs`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  createRun(run?: NewRun, options?: RequestOptions): Promise<Run>
  /** `PUT /v1/runs/{id}`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  updateRun(runId: string, changes: RunChanges, options?: RequestOptions): Promise<Run>
  /** `GET /v1/runs/{id}`. @throws HoneyHiveRequestError, with status 404 where there is none */
  getRun(runId: string, options?: RequestOptions): Promise<Run>
  /** `GET /v1/runs`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  listRuns(query?: ListRuns, options?: RequestOptions): Results<Run>
  /** `DELETE /v1/runs/{id}`. @throws HoneyHiveRequestError */
  deleteRun(runId: string, options?: RequestOptions): Promise<void>
  /** `GET /v1/runs/{id}/result`: scores as the server computed them. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  getResult(runId: string, query?: ResultOptions, options?: RequestOptions): Promise<RunSummary>
  /** `GET /v1/runs/{id}/metrics`: the scores of each event. @throws HoneyHiveRequestError while it is read */
  listRunMetrics(runId: string, options?: RequestOptions): Results<ScoredEvent>
  /** `GET /v1/runs/{new}/compare-with/{old}`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  compareRuns(newRunId: string, oldRunId: string, query?: ResultOptions, options?: RequestOptions): Promise<RunDifference>
  /** `GET /v1/runs/compare/events`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  compareRunEvents(newRunId: string, oldRunId: string, query?: CompareEvents, options?: RequestOptions): Results<EventPair>
  /** `GET /v1/events/schema`: which fields the events of runs have. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  getSchema(query?: SchemaOptions, options?: RequestOptions): Promise<EventSchema>
}

const STATUSES: readonly ClientRunStatus[] = ['pending', 'running', 'completed', 'failed', 'cancelled']
const AGGREGATES: readonly ClientAggregate[] = ['average', 'min', 'max', 'median', 'p90', 'p95', 'p99', 'sum', 'count']
/** Most events of one page of a comparison. */
const MAX_PAIRS = 1_000
const MAX_RUNS = 100
/** Ids go into the address, which servers limit to a few thousand characters. */
const IDS_AT_ONCE = 100

const RUN_CHANGES: Fields<RunChanges> = {
  name: NAME,
  description: TEXT,
  status: oneOf(STATUSES),
  metadata: OBJECT,
  results: OBJECT,
  configuration: OBJECT,
  eventIds: TEXTS,
  sessionIds: TEXTS,
  datapointIds: TEXTS,
  evaluators: LIST,
  passingRanges: OBJECT,
}
const NEW_RUN: Fields<NewRun> = { ...RUN_CHANGES, runId: NAME, datasetId: NAME }
const LIST_RUNS: Fields<ListRuns> = {
  datasetId: NAME,
  runIds: TEXTS,
  name: TEXT,
  status: oneOf(STATUSES),
  dateRange: DATE_RANGE,
  sortBy: oneOf(['created_at', 'updated_at', 'name', 'status']),
  sortOrder: oneOf(['asc', 'desc']),
  pageSize: { ...count(1, MAX_RUNS), wire: 'limit' },
  page: count(1, Number.MAX_SAFE_INTEGER),
}
const RESULT_OPTIONS: Fields<ResultOptions> = { aggregateFunction: oneOf(AGGREGATES), filters: FILTERS }
const COMPARE_EVENTS: Fields<CompareEvents> = {
  eventName: TEXT,
  eventType: oneOf(['session', 'model', 'tool', 'chain']),
  pageSize: { ...count(1, MAX_PAIRS), wire: 'limit' },
  page: count(1, Number.MAX_SAFE_INTEGER),
}

const PATH = '/v1/runs'

/** The resource over `send`. */
export function createExperiments(send: Send): ExperimentsResource {
  return {
    async createRun(run = {}, options) {
      // With an id of our own, a run that is made twice is one.
      const body = { run_id: randomUUID(), ...toWire(run, NEW_RUN, 'experiments.createRun') }
      return toRun(await send({ method: 'POST', path: PATH, body, isRepeatable: true }, options), `POST ${PATH}`)
    },
    async updateRun(runId, changes, options) {
      const path = toPath(runId, 'experiments.updateRun')
      const body = toWire(changes, RUN_CHANGES, 'experiments.updateRun')
      return toRun(await send({ method: 'PUT', path, body }, options), `PUT ${path}`)
    },
    async getRun(runId, options) {
      const path = toPath(runId, 'experiments.getRun')
      return toRun(await send({ method: 'GET', path }, options), `GET ${path}`)
    },
    listRuns: (query = {}, options) => listRuns(send, query, options),
    async deleteRun(runId, options) {
      await send({ method: 'DELETE', path: toPath(runId, 'experiments.deleteRun') }, options)
    },
    async getResult(runId, query = {}, options) {
      const path = `${toPath(runId, 'experiments.getResult')}/result`
      return fromWire<RunSummary>(await send({ method: 'GET', path, query: toResultQuery(query, 'experiments.getResult') }, options))
    },
    listRunMetrics(runId, options) {
      const path = `${toPath(runId, 'experiments.listRunMetrics')}/metrics`
      return createWhole(async () => {
        const reply = await send({ method: 'GET', path }, options)
        return fromWireList<ScoredEvent>(isObject(reply) ? reply.events : undefined)
      })
    },
    async compareRuns(newRunId, oldRunId, query = {}, options) {
      const old = toPathPart(oldRunId, 'oldRunId', 'experiments.compareRuns')
      const path = `${toPath(newRunId, 'experiments.compareRuns')}/compare-with/${old}`
      return fromWire<RunDifference>(await send({ method: 'GET', path, query: toResultQuery(query, 'experiments.compareRuns') }, options))
    },
    compareRunEvents: (newRunId, oldRunId, query = {}, options) => listPairs(send, newRunId, oldRunId, query, options),
    async getSchema(query = {}, options) {
      const wire = toWire(query, SCHEMA_OPTIONS, 'experiments.getSchema')
      return readSchema(await send({ method: 'GET', path: '/v1/events/schema', query: toSchemaQuery(wire) }, options))
    },
  }
}

function listRuns(send: Send, query: ListRuns, options: RequestOptions | undefined): Results<Run> {
  const { page: from = 1, dateRange, run_ids: given, ...rest } = toWire(query, LIST_RUNS, 'experiments.listRuns')
  const common = { ...(rest as Query), dateRange: dateRange === undefined ? undefined : toJsonText(dateRange) }
  const ids = given as readonly string[] | undefined
  // Ids are asked for a hundred at a time, and each hundred is one page of the server.
  const isByIds = ids !== undefined && ids.length > IDS_AT_ONCE
  async function load(page: number): Promise<Page<Run>> {
    const asked = isByIds ? ids.slice((page - 1) * IDS_AT_ONCE, page * IDS_AT_ONCE) : ids
    const paging = isByIds ? { limit: MAX_RUNS } : page === 1 ? {} : { page }
    const reply = await send({ method: 'GET', path: PATH, query: { ...common, ...paging, 'run_ids[]': asked } }, options)
    const { evaluations, pagination } = isObject(reply) ? reply : {}
    const { total, has_next: hasMore } = isObject(pagination) ? pagination : {}
    const items = fromWireList<Run>(evaluations)
    const hasNext = isByIds ? page * IDS_AT_ONCE < ids.length : hasMore === true && items.length > 0
    return { items, page, total: typeof total === 'number' && !isByIds ? total : undefined, hasNext }
  }
  return createResults(load, { from: isByIds ? 1 : Number(from), idOf: (run) => run.runId })
}

function listPairs(
  send: Send,
  newRunId: string,
  oldRunId: string,
  query: CompareEvents,
  options: RequestOptions | undefined,
): Results<EventPair> {
  toPathPart(newRunId, 'newRunId', 'experiments.compareRunEvents')
  toPathPart(oldRunId, 'oldRunId', 'experiments.compareRunEvents')
  const { page: from = 1, limit, ...rest } = toWire(query, COMPARE_EVENTS, 'experiments.compareRunEvents')
  const common = { run_id_1: newRunId, run_id_2: oldRunId, ...(rest as Query) }
  async function load(page: number): Promise<LoadedPage<EventPair>> {
    const paging = { ...(limit === undefined ? {} : { limit: Number(limit) }), ...(page === 1 ? {} : { page }) }
    const reply = await send({ method: 'GET', path: `${PATH}/compare/events`, query: { ...common, ...paging } }, options)
    const { events, totalEvents } = isObject(reply) ? reply : {}
    const items = fromWireList<Record<string, unknown>>(events).map(toPair)
    const total = typeof totalEvents === 'number' ? totalEvents : undefined
    return { items, page, total }
  }
  return createResults(load, { from: Number(from), idOf: toPairId })
}

function toPairId({ datapointId, event1: first, event2: second }: EventPair): string {
  return toJsonText([datapointId, first?.['event_id'], second?.['event_id']])
}

function toPair({ datapointId, event1: first, event2: second }: Record<string, unknown>): EventPair {
  return { datapointId: String(datapointId), event1: isObject(first) ? first : null, event2: isObject(second) ? second : null }
}

function toRun(reply: unknown, where: string): Run {
  const { evaluation, run_id: runId } = isObject(reply) ? reply : {}
  const run = fromWire<Run>(evaluation)
  return { ...run, runId: toReplyId(run.runId ?? runId, where) }
}

function toResultQuery(query: ResultOptions, where: string): Query {
  const { aggregate_function: aggregate, filters } = toWire(query, RESULT_OPTIONS, where)
  return {
    aggregate_function: aggregate as string | undefined,
    filters: filters === undefined ? undefined : toJsonText(toFilters(filters as readonly EventFilter[], where)),
  }
}

function toPath(runId: string, where: string): string {
  return `${PATH}/${toPathPart(runId, 'runId', where)}`
}

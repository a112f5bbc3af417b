import { isObject } from '../otlp/json.js'
import { type Fields, FLAG, fromWire, fromWireList, NAME, OBJECT, OBJECTS, TEXT, TEXTS, toPathPart, toReplyId, toWire } from './fields.js'
import { DATE_RANGE, type DateRange, type EventFilter, FILTERS, toFilters } from './filter.js'
import type { RequestOptions, Send } from './request.js'
import { createResults, type Page, type Results } from './results.js'

/** A new datapoint. */
export interface NewDatapoint {
  /** @defaultValue `{}` */
  readonly inputs?: Readonly<Record<string, unknown>>
  /** Messages before it. @defaultValue `[]` */
  readonly history?: readonly Readonly<Record<string, unknown>>[]
  readonly groundTruth?: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Id of the event it was made of. */
  readonly linkedEvent?: string
  /** Ids of datasets it belongs to. */
  readonly linkedDatasets?: readonly string[]
}

/** A datapoint as the server has it. */
export interface Datapoint {
  readonly id: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly history: readonly Readonly<Record<string, unknown>>[]
  readonly groundTruth?: Readonly<Record<string, unknown>> | null
  readonly metadata?: Readonly<Record<string, unknown>> | null
  readonly linkedEvent?: string | null
  readonly linkedDatasets?: readonly string[]
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly [field: string]: unknown
}

/** Which datapoints are listed. */
export interface ListDatapoints {
  /** Asked for a hundred at a time. */
  readonly datapointIds?: readonly string[]
  readonly datasetName?: string
}

/** Which events become datapoints. */
export interface DatapointsFromEvents {
  readonly filters?: readonly EventFilter[]
  readonly dateRange?: DateRange
  /** Ids of events, each with `true`. */
  readonly checkState?: Readonly<Record<string, boolean>>
  /** All that `filters` and `dateRange` leave. @defaultValue false */
  readonly selectAll?: boolean
  /** Dataset they go into. */
  readonly datasetId?: string
}

/** Datapoints, the rows of datasets. */
export interface DatapointsResource {
  /** `GET /v1/datapoints`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListDatapoints, options?: RequestOptions): Results<Datapoint>
  /** `GET /v1/datapoints/{id}`. @throws HoneyHiveRequestError, with status 404 where there is none */
  get(datapointId: string, options?: RequestOptions): Promise<Datapoint>
  /** `POST /v1/datapoints`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(datapoint?: NewDatapoint, options?: RequestOptions): Promise<{ datapointId: string }>
  /** `PUT /v1/datapoints/{id}`: each field that is given replaces the one there was. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(datapointId: string, changes: NewDatapoint, options?: RequestOptions): Promise<void>
  /** `DELETE /v1/datapoints/{id}`. @throws HoneyHiveRequestError */
  delete(datapointId: string, options?: RequestOptions): Promise<void>
  /** `POST /v1/datapoints/batch`: makes datapoints of events. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  createFromEvents(choice: DatapointsFromEvents, options?: RequestOptions): Promise<{ datapointIds: string[] }>
}

const LIST_DATAPOINTS: Fields<ListDatapoints> = { datapointIds: TEXTS, datasetName: TEXT }
const NEW_DATAPOINT: Fields<NewDatapoint> = {
  inputs: OBJECT,
  history: OBJECTS,
  groundTruth: OBJECT,
  metadata: OBJECT,
  linkedEvent: NAME,
  linkedDatasets: TEXTS,
}
const FROM_EVENTS: Fields<DatapointsFromEvents> = {
  filters: FILTERS,
  dateRange: DATE_RANGE,
  checkState: { ...OBJECT, wire: 'checkState' },
  selectAll: { ...FLAG, wire: 'selectAll' },
  datasetId: NAME,
}

const PATH = '/v1/datapoints'
/** Ids go into the address, which servers limit to a few thousand characters. */
const IDS_AT_ONCE = 100

/** The resource over `send`. */
export function createDatapoints(send: Send): DatapointsResource {
  return {
    list(query = {}, options) {
      const { datapoint_ids: ids, dataset_name: name } = toWire(query, LIST_DATAPOINTS, 'datapoints.list')
      return listDatapoints(send, ids as readonly string[] | undefined, name as string | undefined, options)
    },
    async get(datapointId, options) {
      const reply = await send({ method: 'GET', path: toPath(datapointId, 'datapoints.get') }, options)
      const { datapoint } = isObject(reply) ? reply : {}
      // The route answers a list of one.
      const record: unknown = Array.isArray(datapoint) ? datapoint[0] : datapoint
      return fromWire<Datapoint>(record)
    },
    async create(datapoint = {}, options) {
      const reply = await send({ method: 'POST', path: PATH, body: toWire(datapoint, NEW_DATAPOINT, 'datapoints.create') }, options)
      const result = isObject(reply) && isObject(reply.result) ? reply.result : {}
      const id: unknown = Array.isArray(result.insertedIds) ? result.insertedIds[0] : result.insertedId
      return { datapointId: toReplyId(id, `POST ${PATH}`) }
    },
    async update(datapointId, changes, options) {
      const body = toWire(changes, NEW_DATAPOINT, 'datapoints.update')
      await send({ method: 'PUT', path: toPath(datapointId, 'datapoints.update'), body }, options)
    },
    async delete(datapointId, options) {
      await send({ method: 'DELETE', path: toPath(datapointId, 'datapoints.delete') }, options)
    },
    async createFromEvents(choice, options) {
      const { filters, ...rest } = toWire(choice, FROM_EVENTS, 'datapoints.createFromEvents')
      const body =
        filters === undefined ? rest : { ...rest, filters: toFilters(filters as readonly EventFilter[], 'datapoints.createFromEvents') }
      const reply = await send({ method: 'POST', path: `${PATH}/batch`, body }, options)
      const { insertedIds: ids } = isObject(reply) ? reply : {}
      return { datapointIds: Array.isArray(ids) ? ids.map(String) : [] }
    },
  }
}

function listDatapoints(
  send: Send,
  ids: readonly string[] | undefined,
  name: string | undefined,
  options: RequestOptions | undefined,
): Results<Datapoint> {
  async function load(page: number): Promise<Page<Datapoint>> {
    const asked = ids?.slice((page - 1) * IDS_AT_ONCE, page * IDS_AT_ONCE)
    if (asked?.length === 0) return { items: [], page, total: 0, hasNext: false }
    const reply = await send({ method: 'GET', path: PATH, query: { 'datapoint_ids[]': asked, dataset_name: name } }, options)
    const items = fromWireList<Datapoint>(isObject(reply) ? reply.datapoints : undefined)
    const hasNext = ids !== undefined && page * IDS_AT_ONCE < ids.length
    return { items, page, total: hasNext || page > 1 ? undefined : items.length, hasNext }
  }
  return createResults(load)
}

function toPath(datapointId: string, where: string): string {
  return `${PATH}/${toPathPart(datapointId, 'datapointId', where)}`
}

import { isObject } from '../otlp/json.js'
import {
  type Fields,
  fromWire,
  fromWireList,
  NAME,
  OBJECT,
  OBJECTS,
  required,
  TEXT,
  TEXTS,
  toPathPart,
  toReplyId,
  toWire,
} from './fields.js'
import type { RequestOptions, Send } from './request.js'
import { createWhole, type Results } from './results.js'

/** A dataset as the server has it. */
export interface Dataset {
  readonly id: string
  readonly name: string
  readonly description?: string | null
  /** Ids of its datapoints. */
  readonly datapoints: readonly string[]
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly [field: string]: unknown
}

/** Which datasets are listed. @remarks The server gives them whole. */
export interface ListDatasets {
  readonly datasetId?: string
  readonly name?: string
}

/** A new dataset. */
export interface NewDataset {
  /** At most 200 characters. @defaultValue `'Untitled Dataset'` */
  readonly name?: string
  readonly description?: string
  /** Ids of datapoints. */
  readonly datapoints?: readonly string[]
}

/** Rows that become datapoints. */
export interface NewRows {
  /** At least one row. */
  readonly data: readonly Readonly<Record<string, unknown>>[]
  /** Which fields of a row are what; other fields become metadata. */
  readonly mapping: {
    readonly inputs?: readonly string[]
    readonly history?: readonly string[]
    readonly groundTruth?: readonly string[]
  }
}

/** Datasets. */
export interface DatasetsResource {
  /** `GET /v1/datasets`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListDatasets, options?: RequestOptions): Results<Dataset>
  /** The dataset of this id; `undefined` where there is none. @throws HoneyHiveRequestError */
  get(datasetId: string, options?: RequestOptions): Promise<Dataset | undefined>
  /** `POST /v1/datasets`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(dataset?: NewDataset, options?: RequestOptions): Promise<{ datasetId: string }>
  /** `PUT /v1/datasets`; `datapoints` replace those there were. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(datasetId: string, changes: NewDataset, options?: RequestOptions): Promise<Dataset>
  /** `DELETE /v1/datasets`. @throws HoneyHiveRequestError */
  delete(datasetId: string, options?: RequestOptions): Promise<void>
  /** `POST /v1/datasets/{id}/datapoints`. @returns ids in the order of the rows. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  addDatapoints(datasetId: string, rows: NewRows, options?: RequestOptions): Promise<{ datapointIds: string[] }>
  /** `DELETE /v1/datasets/{id}/{datapoint}`: the datapoint itself stays. @throws HoneyHiveRequestError */
  removeDatapoint(datasetId: string, datapointId: string, options?: RequestOptions): Promise<void>
}

const LIST_DATASETS: Fields<ListDatasets> = { datasetId: NAME, name: TEXT }
const NEW_DATASET: Fields<NewDataset> = { name: TEXT, description: TEXT, datapoints: TEXTS }
const NEW_ROWS: Fields<NewRows> = { data: required(OBJECTS), mapping: required(OBJECT) }
const MAPPING: Fields<NewRows['mapping']> = { inputs: TEXTS, history: TEXTS, groundTruth: TEXTS }

const PATH = '/v1/datasets'

/** The resource over `send`. */
export function createDatasets(send: Send): DatasetsResource {
  function list(query: ListDatasets = {}, options?: RequestOptions): Results<Dataset> {
    const wire = toWire(query, LIST_DATASETS, 'datasets.list')
    return createWhole(async () => {
      const reply = await send({ method: 'GET', path: PATH, query: wire as Readonly<Record<string, string>> }, options)
      return fromWireList<Dataset>(isObject(reply) ? (reply.datasets ?? reply.testcases) : reply)
    })
  }

  return {
    list,
    async get(datasetId, options) {
      toPathPart(datasetId, 'datasetId', 'datasets.get')
      const found = await list({ datasetId }, options).toArray()
      return found.find(({ id }) => id === datasetId)
    },
    async create(dataset = {}, options) {
      const reply = await send({ method: 'POST', path: PATH, body: toWire(dataset, NEW_DATASET, 'datasets.create') }, options)
      const result = isObject(reply) && isObject(reply.result) ? reply.result : {}
      return { datasetId: toReplyId(result.insertedId, `POST ${PATH}`) }
    },
    async update(datasetId, changes, options) {
      toPathPart(datasetId, 'datasetId', 'datasets.update')
      const body = { dataset_id: datasetId, ...toWire(changes, NEW_DATASET, 'datasets.update') }
      const reply = await send({ method: 'PUT', path: PATH, body }, options)
      return fromWire<Dataset>(isObject(reply) ? reply.result : undefined)
    },
    async delete(datasetId, options) {
      toPathPart(datasetId, 'datasetId', 'datasets.delete')
      await send({ method: 'DELETE', path: PATH, query: { dataset_id: datasetId } }, options)
    },
    async addDatapoints(datasetId, rows, options) {
      const path = `${PATH}/${toPathPart(datasetId, 'datasetId', 'datasets.addDatapoints')}/datapoints`
      const { data, mapping } = toWire(rows, NEW_ROWS, 'datasets.addDatapoints')
      const body = { data, mapping: toWire(mapping as NewRows['mapping'], MAPPING, 'datasets.addDatapoints mapping') }
      const reply = await send({ method: 'POST', path, body }, options)
      const { datapoint_ids: ids } = isObject(reply) ? reply : {}
      return { datapointIds: Array.isArray(ids) ? ids.map(String) : [] }
    },
    async removeDatapoint(datasetId, datapointId, options) {
      const dataset = toPathPart(datasetId, 'datasetId', 'datasets.removeDatapoint')
      const datapoint = toPathPart(datapointId, 'datapointId', 'datasets.removeDatapoint')
      await send({ method: 'DELETE', path: `${PATH}/${dataset}/${datapoint}` }, options)
    },
  }
}

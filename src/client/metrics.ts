import { isObject, type JsonObject } from '../otlp/json.js'
import { isMapLike } from '../options/spec.js'
import {
  count,
  type Fields,
  type FieldSpec,
  FIGURE,
  FLAG,
  fromWire,
  fromWireList,
  LIST,
  NAME,
  OBJECT,
  oneOf,
  required,
  TEXT,
  toPathPart,
  toReplyId,
  toWire,
} from './fields.js'
import type { Query, RequestOptions, Send } from './request.js'
import { createWhole, type Results } from './results.js'

/** What a metric is computed by. */
export type MetricType = 'PYTHON' | 'LLM' | 'HUMAN' | 'COMPOSITE'

/** What can be said of a metric. */
export interface MetricChanges {
  /** At most 200 characters. */
  readonly name?: string
  readonly type?: MetricType
  /** Code or prompt. */
  readonly criteria?: string
  readonly description?: string
  /** @defaultValue `'float'` */
  readonly returnType?: 'float' | 'boolean' | 'string' | 'categorical'
  /** @defaultValue false */
  readonly enabledInProd?: boolean
  /** @defaultValue false */
  readonly needsGroundTruth?: boolean
  /** From 0 to 100. @defaultValue that of the server, 10 */
  readonly samplingPercentage?: number
  readonly modelProvider?: string
  readonly modelName?: string
  /** Highest score of an `LLM` metric. */
  readonly scale?: number
  /** `min`, `max`, `passWhen`, `passingCategories`. */
  readonly threshold?: MetricThreshold
  readonly categories?: readonly { readonly category: string; readonly score?: number | null }[]
  /** Of a `COMPOSITE` metric. */
  readonly childMetrics?: readonly Readonly<Record<string, unknown>>[]
  /** Which events it is for: `{ filterArray: [{ field, operator, value, type }] }`. */
  readonly filters?: Readonly<Record<string, unknown>>
}

/** When a metric counts as passed. */
export interface MetricThreshold {
  readonly min?: number
  readonly max?: number
  readonly passWhen?: boolean | number
  readonly passingCategories?: readonly string[]
}

/** A new metric. */
export interface NewMetric extends MetricChanges {
  readonly name: string
  readonly type: MetricType
  readonly criteria: string
}

/** A metric as the server has it. */
export interface Metric extends NewMetric {
  readonly id: string
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly [field: string]: unknown
}

/** Which metrics are listed. */
export interface ListMetrics {
  readonly type?: MetricType
  readonly id?: string
}

/** A metric at one time. */
export interface MetricVersion {
  readonly name?: string
  readonly message?: string
  readonly deployed?: boolean
  readonly content?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** A new version of a metric. */
export interface NewMetricVersion {
  readonly message: string
  readonly content: NewMetric
  /** @defaultValue false */
  readonly deployImmediately?: boolean
}

/** A metric and what it is tried on. */
export interface MetricTrial {
  readonly metric: NewMetric
  /** An event by the names of the API. */
  readonly event: Readonly<Record<string, unknown>>
}

/** What came of a {@link MetricTrial}. */
export interface MetricOutcome {
  readonly success?: boolean
  readonly result?: boolean | number | string | null
  readonly explanation?: string | null
  readonly [field: string]: unknown
}

/** Metrics that the server computes. */
export interface MetricsResource {
  /** `GET /v1/metrics`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListMetrics, options?: RequestOptions): Results<Metric>
  /** The metric of this id; `undefined` where there is none. @throws HoneyHiveRequestError */
  get(metricId: string, options?: RequestOptions): Promise<Metric | undefined>
  /** `POST /v1/metrics`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(metric: NewMetric, options?: RequestOptions): Promise<{ metricId: string }>
  /** `PUT /v1/metrics`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(metricId: string, changes: MetricChanges, options?: RequestOptions): Promise<void>
  /** `DELETE /v1/metrics`. @throws HoneyHiveRequestError */
  delete(metricId: string, options?: RequestOptions): Promise<void>
  /** `POST /v1/metrics/run`: tries a metric on one event. Not by the local server. @throws HoneyHiveRequestError, with status 422 where it failed */
  run(trial: MetricTrial, options?: RequestOptions): Promise<MetricOutcome>
  /** `GET /v1/metrics/{id}/versions`, oldest first. Not by the local server. @throws HoneyHiveRequestError while it is read */
  listVersions(metricId: string, options?: RequestOptions): Results<MetricVersion>
  /** `POST /v1/metrics/{id}/versions`. Not by the local server. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  createVersion(metricId: string, version: NewMetricVersion, options?: RequestOptions): Promise<MetricVersion>
  /** `POST /v1/metrics/{id}/versions/{name}/deploy`. Not by the local server. @throws HoneyHiveRequestError */
  deployVersion(metricId: string, versionName: string, options?: RequestOptions): Promise<MetricVersion>
}

const TYPE = oneOf(['PYTHON', 'LLM', 'HUMAN', 'COMPOSITE'])
const THRESHOLD: FieldSpec = {
  accepts: (value) =>
    isMapLike(value) && Object.keys(value).every((name) => ['min', 'max', 'passWhen', 'passingCategories'].includes(name)),
  expected: 'an object of min, max, passWhen and passingCategories',
  remedy: 'Give e.g. { min: 0.8 }.',
  write: (value) => {
    const { passWhen, passingCategories, ...rest } = value as MetricThreshold
    return {
      ...rest,
      ...(passWhen === undefined ? {} : { pass_when: passWhen }),
      ...(passingCategories === undefined ? {} : { passing_categories: passingCategories }),
    }
  },
}
const CHANGES: Fields<MetricChanges> = {
  name: NAME,
  type: TYPE,
  criteria: TEXT,
  description: TEXT,
  returnType: oneOf(['float', 'boolean', 'string', 'categorical']),
  enabledInProd: FLAG,
  needsGroundTruth: FLAG,
  samplingPercentage: {
    ...FIGURE,
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 100,
    expected: 'a number from 0 to 100',
  },
  modelProvider: TEXT,
  modelName: TEXT,
  scale: count(1, Number.MAX_SAFE_INTEGER),
  threshold: THRESHOLD,
  categories: LIST,
  childMetrics: LIST,
  filters: OBJECT,
}
const NEW: Fields<NewMetric> = { ...CHANGES, name: required(NAME), type: required(TYPE), criteria: required(TEXT) }
const LIST_METRICS: Fields<ListMetrics> = { type: TYPE, id: NAME }
const NEW_VERSION: Fields<NewMetricVersion> = { message: required(TEXT), content: required(OBJECT), deployImmediately: FLAG }
const TRIAL: Fields<MetricTrial> = { metric: required(OBJECT), event: required(OBJECT) }

const PATH = '/v1/metrics'

/** The resource over `send`. */
export function createMetrics(send: Send): MetricsResource {
  function list(query: ListMetrics = {}, options?: RequestOptions): Results<Metric> {
    const wire = toWire(query, LIST_METRICS, 'metrics.list')
    return createWhole(async () => {
      const reply = await send({ method: 'GET', path: PATH, query: wire as Query }, options)
      const listed = isObject(reply) ? reply.metrics : reply
      return Array.isArray(listed) ? listed.map(toMetric) : []
    })
  }

  return {
    list,
    async get(metricId, options) {
      toPathPart(metricId, 'metricId', 'metrics.get')
      const found = await list({ id: metricId }, options).toArray()
      return found.find(({ id }) => id === metricId)
    },
    async create(metric, options) {
      const reply = await send({ method: 'POST', path: PATH, body: toWire(metric, NEW, 'metrics.create') }, options)
      return { metricId: toReplyId(isObject(reply) ? reply.metric_id : undefined, `POST ${PATH}`) }
    },
    async update(metricId, changes, options) {
      toPathPart(metricId, 'metricId', 'metrics.update')
      const body = { id: metricId, ...toWire(changes, CHANGES, 'metrics.update') }
      await send({ method: 'PUT', path: PATH, body }, options)
    },
    async delete(metricId, options) {
      toPathPart(metricId, 'metricId', 'metrics.delete')
      await send({ method: 'DELETE', path: PATH, query: { metric_id: metricId } }, options)
    },
    async run(trial, options) {
      const { metric, event } = toWire(trial, TRIAL, 'metrics.run')
      const body = { metric: toWire(metric as NewMetric, NEW, 'metrics.run metric'), event }
      return fromWire<MetricOutcome>(await send({ method: 'POST', path: `${PATH}/run`, body }, options))
    },
    listVersions(metricId, options) {
      const path = `${PATH}/${toPathPart(metricId, 'metricId', 'metrics.listVersions')}/versions`
      return createWhole(async () => {
        const reply = await send({ method: 'GET', path }, options)
        const { data, versions } = isObject(reply) ? reply : {}
        return fromWireList<MetricVersion>(data ?? versions ?? reply)
      })
    },
    async createVersion(metricId, version, options) {
      const path = `${PATH}/${toPathPart(metricId, 'metricId', 'metrics.createVersion')}/versions`
      const { content, ...rest } = toWire(version, NEW_VERSION, 'metrics.createVersion')
      const body = { ...rest, content: toWire(content as NewMetric, NEW, 'metrics.createVersion content') }
      return toVersion(await send({ method: 'POST', path, body }, options))
    },
    async deployVersion(metricId, versionName, options) {
      const id = toPathPart(metricId, 'metricId', 'metrics.deployVersion')
      const name = toPathPart(versionName, 'versionName', 'metrics.deployVersion')
      return toVersion(await send({ method: 'POST', path: `${PATH}/${id}/versions/${name}/deploy`, isRepeatable: true }, options))
    },
  }
}

function toMetric(record: unknown): Metric {
  const metric = fromWire<Metric & { readonly threshold?: JsonObject | null }>(record)
  return isObject(metric.threshold) ? { ...metric, threshold: fromWire<MetricThreshold>(metric.threshold) } : metric
}

function toVersion(reply: unknown): MetricVersion {
  return fromWire<MetricVersion>(isObject(reply) ? (reply.data ?? reply) : reply)
}

/** The REST client of the old package: its names, over the same routes. */
import type { RestMethod } from '../api/http.js'
import { openClient } from '../client/client.js'
import { HoneyHiveRequestError } from '../client/request-error.js'
import type { Query, Send } from '../client/request.js'

// biome-ignore lint/suspicious/noExplicitAny: the declarations of the old package, which programs were compiled against
type Dict = Record<string, any>

/** @deprecated Use `ClientOptions` of `honeyhive-tracer/client`. */
export interface SDKOptions {
  /** The API key. */
  readonly bearerAuth?: string | (() => Promise<string>) | undefined
  /** One of {@link ServerList}. */
  readonly serverIdx?: number | undefined
  readonly serverURL?: string | undefined
  /** Limit of one call, milliseconds. */
  readonly timeoutMs?: number
}

/** @deprecated Use `RequestOptions` of `honeyhive-tracer/client`. */
export interface CompatRequestOptions {
  readonly timeoutMs?: number
  /** Its `signal` ends the call. */
  readonly fetchOptions?: { readonly signal?: AbortSignal | null }
}

/** @deprecated Give `serverUrl`, or set `HH_API_URL`. */
export const ServerList: readonly ['https://api.honeyhive.ai'] = ['https://api.honeyhive.ai']

/** The server that `options` name. @deprecated Give `serverUrl` to `createClient` of `honeyhive-tracer/client`. */
export function serverURLFromOptions({ serverURL, serverIdx = 0 }: SDKOptions): URL | null {
  const url = serverURL ?? ServerList[serverIdx as 0]
  return url === undefined ? null : new URL(url.replace(/\/?$/, '/'))
}

/** Records whose fields have names of the API; every other value is the user's. */
const RECORDS: ReadonlySet<string> = new Set([
  'session',
  'event',
  'events',
  'model_event',
  'model_events',
  'session_properties',
  'mapping',
  'parameters',
  'result',
  'evaluation',
  'evaluations',
  'testcases',
  'datapoints',
  'datapoint',
  'configurations',
])
/** Fields of the API that have no underscores. */
const KEPT: ReadonlySet<string> = new Set([
  'dateRange',
  'insertedId',
  'insertedIds',
  'totalEvents',
  'responseFormat',
  'selectedFunctions',
  'functionCallParams',
  'forceFunction',
])

type Rename = (name: string) => string
const toApi: Rename = (name) => (KEPT.has(name) ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
const fromApi: Rename = (name) => (name === '_id' ? 'id' : name.replace(/(?!^)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))

function renameAll(value: unknown, rename: Rename): unknown {
  if (Array.isArray(value)) return value.map((item) => renameAll(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([name, item]) => renameField(name, item, rename)))
}

function renameField(name: string, item: unknown, rename: Rename): [string, unknown][] {
  // The old package kept further fields under this name, and sent them beside the others.
  if (name === 'additionalProperties' && typeof item === 'object' && item !== null) return Object.entries(item)
  return [[rename(name), RECORDS.has(toApi(name)) ? renameAll(item, rename) : item]]
}

/** A part of {@link HoneyHive}: requests by the old names. */
type Call = (method: RestMethod, path: string, body?: unknown, options?: CompatRequestOptions, query?: Query) => Promise<Dict>

function createCall(send: Send): Call {
  return async (method, path, body, { timeoutMs, fetchOptions } = {}, query) => {
    try {
      const request = { method, path, ...(body === undefined ? {} : { body }), query }
      const limits = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(fetchOptions?.signal ? { signal: fetchOptions.signal } : {}) }
      return renameAll(await send(request, limits), fromApi) as Dict
    } catch (error) {
      // Where the old package's errors had the status.
      if (error instanceof HoneyHiveRequestError) Object.defineProperty(error, 'statusCode', { value: error.status, configurable: true })
      throw error
    }
  }
}

const id = encodeURIComponent

/** @deprecated Use `sessions` of `createClient` of `honeyhive-tracer/client`. */
export class Session {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `POST /session/start`. @deprecated Write `client.sessions.start({ sessionName, … })` of `honeyhive-tracer/client`. */
  startSession(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/session/start', renameAll(request, toApi), options)
  }

  /** `GET /session/{sessionId}`. @deprecated Write `client.sessions.get(sessionId)` of `honeyhive-tracer/client`. */
  getSession(sessionId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', `/session/${id(sessionId)}`, undefined, options)
  }
}

/** @deprecated Use `events` of `createClient` of `honeyhive-tracer/client`. */
export class Events {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `POST /events`. @deprecated Write `client.events.create({ eventType, … })` of `honeyhive-tracer/client`. */
  createEvent(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/events', renameAll(request, toApi), options)
  }

  /** `PUT /events`. @deprecated Write `client.events.update(eventId, { … })` of `honeyhive-tracer/client`. */
  updateEvent(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', '/events', renameAll(request, toApi), options)
  }

  /** `POST /events/export`. @deprecated Write `client.events.list({ filters, … })` of `honeyhive-tracer/client`. */
  getEvents(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/events/export', renameAll(request, toApi), options)
  }

  /** `POST /events/model`. @deprecated Write `client.events.create({ eventType: 'model', … })` of `honeyhive-tracer/client`. */
  createModelEvent(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/events/model', renameAll(request, toApi), options)
  }

  /** `POST /events/batch`. @deprecated Write `client.events.createBatch({ events })` of `honeyhive-tracer/client`. */
  createEventBatch(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/events/batch', renameAll(request, toApi), options)
  }

  /** `POST /events/model/batch`. @deprecated Write `client.events.createBatch({ events })` of `honeyhive-tracer/client`. */
  createModelEventBatch(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/events/model/batch', renameAll(request, toApi), options)
  }
}

/** @deprecated Use `metrics` of `createClient` of `honeyhive-tracer/client`. */
export class Metrics {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /metrics`. @deprecated Write `client.metrics.list()` of `honeyhive-tracer/client`. */
  getMetrics(projectName: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/metrics', undefined, options, { project_name: projectName })
  }

  /** `POST /metrics`. @deprecated Write `client.metrics.create({ name, type, criteria })` of `honeyhive-tracer/client`. */
  createMetric(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/metrics', renameAll(request, toApi), options)
  }

  /** `PUT /metrics`. @deprecated Write `client.metrics.update(metricId, { … })` of `honeyhive-tracer/client`. */
  updateMetric(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', '/metrics', renameAll(request, toApi), options)
  }

  /** `DELETE /metrics`. @deprecated Write `client.metrics.delete(metricId)` of `honeyhive-tracer/client`. */
  deleteMetric(metricId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', '/metrics', undefined, options, { metric_id: metricId })
  }
}

/** @deprecated Use `tools` of `createClient` of `honeyhive-tracer/client`. */
export class Tools {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /tools`. @deprecated Write `client.tools.list()` of `honeyhive-tracer/client`. */
  getTools(options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/tools', undefined, options)
  }

  /** `POST /tools`. @deprecated Write `client.tools.create({ task, name, parameters })` of `honeyhive-tracer/client`. */
  createTool(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/tools', renameAll(request, toApi), options)
  }

  /** `PUT /tools`. @deprecated Write `client.tools.update(toolId, { … })` of `honeyhive-tracer/client`. */
  updateTool(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', '/tools', renameAll(request, toApi), options)
  }

  /** `DELETE /tools`. @deprecated Write `client.tools.delete(toolId)` of `honeyhive-tracer/client`. */
  deleteTool(functionId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', '/tools', undefined, options, { function_id: functionId })
  }
}

/** @deprecated Use `datapoints` of `createClient` of `honeyhive-tracer/client`. */
export class Datapoints {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /datapoints`. @deprecated Write `client.datapoints.list({ datapointIds, datasetName })` of `honeyhive-tracer/client`. */
  getDatapoints(
    project: string,
    datapointIds?: readonly string[] | undefined,
    datasetName?: string | undefined,
    options?: CompatRequestOptions,
  ): Promise<Dict> {
    return this.#call('GET', '/datapoints', undefined, options, { project, datapoint_ids: datapointIds, dataset_name: datasetName })
  }

  /** `POST /datapoints`. @deprecated Write `client.datapoints.create({ inputs, groundTruth })` of `honeyhive-tracer/client`. */
  createDatapoint(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/datapoints', renameAll(request, toApi), options)
  }

  /** `GET /datapoints/{datapointId}`. @deprecated Write `client.datapoints.get(datapointId)` of `honeyhive-tracer/client`. */
  getDatapoint(datapointId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', `/datapoints/${id(datapointId)}`, undefined, options)
  }

  /** `PUT /datapoints/{datapointId}`. @deprecated Write `client.datapoints.update(datapointId, { … })` of `honeyhive-tracer/client`. */
  updateDatapoint(request: Dict, datapointId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', `/datapoints/${id(datapointId)}`, renameAll(request, toApi), options)
  }

  /** `DELETE /datapoints/{datapointId}`. @deprecated Write `client.datapoints.delete(datapointId)` of `honeyhive-tracer/client`. */
  deleteDatapoint(datapointId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', `/datapoints/${id(datapointId)}`, undefined, options)
  }
}

/** @deprecated Use `datasets` of `createClient` of `honeyhive-tracer/client`. */
export class Datasets {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /datasets`. @deprecated Write `client.datasets.list({ datasetId, name })` of `honeyhive-tracer/client`. */
  getDatasets(project: string, type?: string | undefined, datasetId?: string | undefined, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/datasets', undefined, options, { project, type, dataset_id: datasetId })
  }

  /** `POST /datasets`. @deprecated Write `client.datasets.create({ name })` of `honeyhive-tracer/client`. */
  createDataset(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/datasets', renameAll(request, toApi), options)
  }

  /** `PUT /datasets`. @deprecated Write `client.datasets.update(datasetId, { … })` of `honeyhive-tracer/client`. */
  updateDataset(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', '/datasets', renameAll(request, toApi), options)
  }

  /** `DELETE /datasets`. @deprecated Write `client.datasets.delete(datasetId)` of `honeyhive-tracer/client`. */
  deleteDataset(datasetId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', '/datasets', undefined, options, { dataset_id: datasetId })
  }

  /** `POST /datasets/{datasetId}/datapoints`. @deprecated Write `client.datasets.addDatapoints(datasetId, { data, mapping })` of `honeyhive-tracer/client`. */
  addDatapoints(request: Dict, datasetId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', `/datasets/${id(datasetId)}/datapoints`, renameAll(request, toApi), options)
  }
}

/** @deprecated Use `projects` of `createClient` of `honeyhive-tracer/client`. */
export class Projects {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /projects`. @deprecated Write `client.projects.list({ name })` of `honeyhive-tracer/client`. */
  getProjects(name?: string | undefined, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/projects', undefined, options, { name })
  }

  /** `POST /projects`. @deprecated Write `client.projects.create({ name })` of `honeyhive-tracer/client`. */
  createProject(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/projects', renameAll(request, toApi), options)
  }

  /** `PUT /projects`. @deprecated Write `client.projects.update(projectId, { … })` of `honeyhive-tracer/client`. */
  updateProject(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', '/projects', renameAll(request, toApi), options)
  }

  /** `DELETE /projects`. @deprecated Write `client.projects.delete(name)` of `honeyhive-tracer/client`. */
  deleteProject(name: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', '/projects', undefined, options, { name })
  }
}

/** @deprecated Use `experiments` of `createClient` of `honeyhive-tracer/client`. */
export class Experiments {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `POST /runs`. @deprecated Write `client.experiments.createRun({ name })` of `honeyhive-tracer/client`. */
  createRun(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/runs', renameAll(request, toApi), options)
  }

  /** `GET /runs`. @deprecated Write `client.experiments.listRuns()` of `honeyhive-tracer/client`. */
  getRuns(project?: string | undefined, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/runs', undefined, options, { project })
  }

  /** `GET /runs/{runId}`. @deprecated Write `client.experiments.getRun(runId)` of `honeyhive-tracer/client`. */
  getRun(runId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', `/runs/${id(runId)}`, undefined, options)
  }

  /** `PUT /runs/{runId}`. @deprecated Write `client.experiments.updateRun(runId, { … })` of `honeyhive-tracer/client`. */
  updateRun(request: Dict, runId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', `/runs/${id(runId)}`, renameAll(request, toApi), options)
  }

  /** `DELETE /runs/{runId}`. @deprecated Write `client.experiments.deleteRun(runId)` of `honeyhive-tracer/client`. */
  deleteRun(runId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', `/runs/${id(runId)}`, undefined, options)
  }

  /** `GET /runs/{runId}/result`. @deprecated Write `client.experiments.getResult(runId, { aggregateFunction })` of `honeyhive-tracer/client`. */
  getExperimentResult(
    runId: string,
    projectId: string,
    aggregateFunction?: string | undefined,
    options?: CompatRequestOptions,
  ): Promise<Dict> {
    return this.#call('GET', `/runs/${id(runId)}/result`, undefined, options, {
      project_id: projectId,
      aggregate_function: aggregateFunction,
    })
  }

  /** `GET /runs/{runId1}/compare-with/{runId2}`. @deprecated Write `client.experiments.compareRuns(newRunId, oldRunId)` of `honeyhive-tracer/client`. */
  getExperimentComparison(
    runId1: string,
    runId2: string,
    projectId: string,
    aggregateFunction?: string | undefined,
    options?: CompatRequestOptions,
  ): Promise<Dict> {
    return this.#call('GET', `/runs/${id(runId1)}/compare-with/${id(runId2)}`, undefined, options, {
      project_id: projectId,
      aggregate_function: aggregateFunction,
    })
  }
}

/** @deprecated Use `configurations` of `createClient` of `honeyhive-tracer/client`. */
export class Configurations {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  /** `GET /configurations`. @deprecated Write `client.configurations.list({ name, env })` of `honeyhive-tracer/client`. */
  getConfigurations(project: string, env?: string | undefined, name?: string | undefined, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('GET', '/configurations', undefined, options, { project, env, name })
  }

  /** `POST /configurations`. @deprecated Write `client.configurations.create({ name, provider, parameters })` of `honeyhive-tracer/client`. */
  createConfiguration(request: Dict, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('POST', '/configurations', renameAll(request, toApi), options)
  }

  /** `PUT /configurations/{configurationId}`. @deprecated Write `client.configurations.update(configurationId, { … })` of `honeyhive-tracer/client`. */
  updateConfiguration(request: Dict, configurationId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('PUT', `/configurations/${id(configurationId)}`, renameAll(request, toApi), options)
  }

  /** `DELETE /configurations/{configurationId}`. @deprecated Write `client.configurations.delete(configurationId)` of `honeyhive-tracer/client`. */
  deleteConfiguration(configurationId: string, options?: CompatRequestOptions): Promise<Dict> {
    return this.#call('DELETE', `/configurations/${id(configurationId)}`, undefined, options)
  }
}

/**
 * The REST client under its old names: each method sends the request that it sent there, and gives the same fields. Errors are those of
 * `honeyhive-tracer/client`, with `statusCode`.
 *
 * @deprecated Use `createClient` of `honeyhive-tracer/client`, which has lists that page, retries and types for every field.
 */
export class HoneyHive {
  /** @deprecated Use `client.sessions` of `honeyhive-tracer/client`. */
  readonly session: Session
  /** @deprecated Use `client.events` of `honeyhive-tracer/client`. */
  readonly events: Events
  /** @deprecated Use `client.metrics` of `honeyhive-tracer/client`. */
  readonly metrics: Metrics
  /** @deprecated Use `client.tools` of `honeyhive-tracer/client`. */
  readonly tools: Tools
  /** @deprecated Use `client.datapoints` of `honeyhive-tracer/client`. */
  readonly datapoints: Datapoints
  /** @deprecated Use `client.datasets` of `honeyhive-tracer/client`. */
  readonly datasets: Datasets
  /** @deprecated Use `client.projects` of `honeyhive-tracer/client`. */
  readonly projects: Projects
  /** @deprecated Use `client.experiments` of `honeyhive-tracer/client`. */
  readonly experiments: Experiments
  /** @deprecated Use `client.configurations` of `honeyhive-tracer/client`. */
  readonly configurations: Configurations

  /** @throws HoneyHiveConfigError without a key, and for a server that cannot be used */
  constructor({ bearerAuth, timeoutMs, ...server }: SDKOptions = {}) {
    const { send } = openClient(
      {
        ...(bearerAuth === undefined ? {} : { apiKey: bearerAuth }),
        ...(timeoutMs === undefined || timeoutMs <= 0 ? {} : { timeoutMs }),
        ...(server.serverURL === undefined && server.serverIdx === undefined ? {} : { serverUrl: String(serverURLFromOptions(server)) }),
      },
      'HoneyHive',
    )
    const call = createCall(send)
    this.session = new Session(call)
    this.events = new Events(call)
    this.metrics = new Metrics(call)
    this.tools = new Tools(call)
    this.datapoints = new Datapoints(call)
    this.datasets = new Datasets(call)
    this.projects = new Projects(call)
    this.experiments = new Experiments(call)
    this.configurations = new Configurations(call)
  }
}

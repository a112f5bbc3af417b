/** Metrics: kept and given back, never run; that needs HoneyHive itself. */
import { type DevContext, projectsOf, senderOf, writeAs, type WriteScope } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, HttpError, notFound } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { type JsonObject, toNonEmptyText } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import { addDocument, changeDocument, eachDocument, findDocument, removeDocument, type StoredDocument } from '../store/documents.js'
import { bothVersions, forGeneration, isFirst } from './generations.js'

const MAX_NAME = 200
const TYPES: ReadonlySet<unknown> = new Set(['PYTHON', 'LLM', 'HUMAN', 'COMPOSITE'])

/** Types by their names in the first generation. */
const FIRST_TYPES: Readonly<Record<string, string>> = { custom: 'PYTHON', model: 'LLM', human: 'HUMAN', composite: 'COMPOSITE' }

/** What HoneyHive fills in. */
const DEFAULTS: JsonObject = {
  criteria: '',
  description: '',
  return_type: 'float',
  enabled_in_prod: false,
  needs_ground_truth: false,
  sampling_percentage: 10,
  model_provider: null,
  model_name: null,
  scale: null,
  threshold: null,
  categories: null,
  child_metrics: null,
  filters: { filterArray: [] },
}
/** Fields of a request that are no part of the metric. */
const NOT_STORED: ReadonlySet<string> = new Set(['id', 'metric_id', 'created_at', 'updated_at', 'project', 'project_id'])

/** The routes of metrics. */
export function addMetricRoutes(app: App, context: DevContext): void {
  app.on('GET', bothVersions('/metrics'), (c) => sendAll(context, c))
  app.on('POST', bothVersions('/metrics'), (c) => create(context, c))
  app.on('PUT', bothVersions('/metrics'), (c) => update(context, c, undefined))
  app.on('PUT', bothVersions('/metrics/:id'), (c) => update(context, c, c.req.param('id')))
  app.on('DELETE', bothVersions('/metrics'), (c) => remove(context, c, c.req.query('metric_id')))
  app.on('DELETE', bothVersions('/metrics/:id'), (c) => remove(context, c, c.req.param('id')))
  app.on('POST', [...bothVersions('/metrics/run'), ...bothVersions('/metrics/run_metric')], () => {
    throw new HttpError(501, 'The local server keeps metrics but does not run them. Use HoneyHive itself.', {
      errorCode: 'not_implemented',
    })
  })
}

function sendAll({ store, ...context }: DevContext, c: Call): Response {
  const projectIds = projectsOf({ store, ...context }, c.env.incoming, c.req.query('project') ?? c.req.query('project_name'))
  const found = eachMetric(store, projectIds, c)
  // The first generation of clients reads the list itself.
  return isFirst(c) ? c.json([...found]) : sendLarge(c, { metrics: found })
}

function* eachMetric(reader: Reader, projectIds: readonly number[], c: Call): Generator<JsonObject> {
  const [type, id] = [c.req.query('type'), c.req.query('id')]
  for (const metric of eachDocument(reader, 'metric', projectIds))
    if ((type === undefined || metric.body.type === type) && (id === undefined || metric.id === id)) yield toGeneration(c, toRest(metric))
}

/** The first generation has other names for the types, and wants a task. */
function toGeneration(c: Call, metric: JsonObject): JsonObject {
  if (!isFirst(c)) return metric
  const type = Object.keys(FIRST_TYPES).find((name) => FIRST_TYPES[name] === metric.type) ?? metric.type
  return forGeneration(c, { task: '', ...metric, type })
}

async function create(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const fields = readFields(body)
  if (fields.name === undefined) throw badRequest('name is required')
  const metric = { ...DEFAULTS, type: 'PYTHON', ...fields }
  const { id } = await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectOf }) =>
    addDocument(tx, 'metric', projectOf(toNonEmptyText(body.project)), metric),
  )
  return c.json({ inserted: true, metric_id: id })
}

async function update(context: DevContext, c: Call, named: string | undefined): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const id = named ?? toNonEmptyText(body.metric_id) ?? toNonEmptyText(body.id)
  const fields = readFields(body)
  await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const metric = findMetric(scope, id)
    changeDocument(scope.tx, 'metric', metric, { ...metric.body, ...fields })
  })
  return c.json({ updated: true })
}

async function remove(context: DevContext, c: Call, id: string | undefined): Promise<Response> {
  await writeAs(context, senderOf(context, c.env.incoming), (scope) => removeDocument(scope.tx, 'metric', findMetric(scope, id).id))
  return c.json({ deleted: true })
}

function readFields(body: JsonObject): JsonObject {
  if (body.name !== undefined && (toNonEmptyText(body.name)?.length ?? MAX_NAME + 1) > MAX_NAME)
    throw badRequest(`name must be a text of at most ${MAX_NAME} characters`)
  const type = FIRST_TYPES[String(body.type)] ?? body.type
  if (type !== undefined && !TYPES.has(type)) throw badRequest(`type must be one of ${[...TYPES].join(', ')}`)
  const fields = type === undefined ? body : { ...body, type }
  return Object.fromEntries(Object.entries(fields).filter(([key, value]) => !NOT_STORED.has(key) && value !== undefined))
}

function findMetric({ tx, projectIds }: WriteScope, id: string | undefined): StoredDocument {
  if (id === undefined) throw badRequest('metric_id is required')
  const metric = findDocument(tx, 'metric', id, projectIds())
  if (metric === undefined) throw notFound('Metric')
  return metric
}

function toRest({ id, projectId, createdMs, updatedMs, body }: StoredDocument): JsonObject {
  return {
    ...body,
    id,
    scope: 'project',
    project: String(projectId),
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(updatedMs).toISOString(),
  }
}

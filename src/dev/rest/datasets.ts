/** Datasets, in all generations of the API. */
import { type DevContext, projectsOf, senderOf, writeAs, type WriteScope } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, notFound } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { isObject, type JsonObject, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import {
  addDocument,
  addPoints,
  changeDocument,
  eachDocument,
  findDocument,
  listPoints,
  removeDocument,
  removePoint,
  replacePoints,
  type StoredDocument,
} from '../store/documents.js'
import { bothVersions, forGeneration } from './generations.js'

const MAX_NAME = 200

/** The routes of datasets. */
export function addDatasetRoutes(app: App, context: DevContext): void {
  app.on('GET', bothVersions('/datasets'), (c) => sendAll(context, c))
  app.on('POST', bothVersions('/datasets'), (c) => create(context, c))
  app.on('PUT', bothVersions('/datasets'), (c) => update(context, c, undefined))
  app.on('PUT', bothVersions('/datasets/:id'), (c) => update(context, c, c.req.param('id')))
  app.on('DELETE', bothVersions('/datasets'), (c) => remove(context, c, c.req.query('dataset_id')))
  app.on('DELETE', bothVersions('/datasets/:id'), (c) => remove(context, c, c.req.param('id')))
  app.on('POST', bothVersions('/datasets/:id/datapoints'), (c) => addRows(context, c))
  app.on('DELETE', [...bothVersions('/datasets/:id/datapoints/:datapoint'), ...bothVersions('/datasets/:id/:datapoint')], (c) =>
    dereference(context, c),
  )
}

function sendAll({ store, ...context }: DevContext, c: Call): Response {
  const projectIds = projectsOf({ store, ...context }, c.env.incoming, c.req.query('project'))
  const found = (): Iterable<JsonObject> => eachDataset(store, projectIds, c)
  // The first generation of clients reads the same list as `testcases`.
  return sendLarge(c, { datasets: found(), testcases: found() })
}

function* eachDataset(reader: Reader, projectIds: readonly number[], c: Call): Generator<JsonObject> {
  const [id, name] = [c.req.query('dataset_id'), c.req.query('name')]
  for (const dataset of eachDocument(reader, 'dataset', projectIds))
    if ((id === undefined || dataset.id === id) && (name === undefined || dataset.body.name === name))
      yield forGeneration(c, toRest(reader, dataset))
}

async function create(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const name = toNonEmptyText(body.name) ?? 'Untitled Dataset'
  if (name.length > MAX_NAME) throw badRequest(`name must have at most ${MAX_NAME} characters`)
  const stored = { name, description: toNonEmptyText(body.description) ?? null, ...pickMetadata(body) }
  const { id } = await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectOf }) => {
    const dataset = addDocument(tx, 'dataset', projectOf(toNonEmptyText(body.project)), stored)
    addPoints(tx, dataset.id, toStrings(body.datapoints))
    return dataset
  })
  return c.json({ inserted: true, result: { insertedId: id } })
}

async function update(context: DevContext, c: Call, named: string | undefined): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const id = named ?? toNonEmptyText(body.dataset_id)
  const changes = {
    ...(toNonEmptyText(body.name) === undefined ? {} : { name: body.name }),
    ...(typeof body.description === 'string' ? { description: body.description } : {}),
    ...pickMetadata(body),
  }
  const saved = await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const dataset = findDataset(scope, id)
    if (Array.isArray(body.datapoints)) replacePoints(scope.tx, dataset.id, toStrings(body.datapoints))
    return toRest(scope.tx, changeDocument(scope.tx, 'dataset', dataset, { ...dataset.body, ...changes }))
  })
  return c.json({ result: saved })
}

async function remove(context: DevContext, c: Call, id: string | undefined): Promise<Response> {
  await writeAs(context, senderOf(context, c.env.incoming), (scope) => removeDocument(scope.tx, 'dataset', findDataset(scope, id).id))
  return c.json({ result: { id } })
}

async function addRows(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const rows = body.data
  if (!Array.isArray(rows) || rows.length === 0 || !rows.every(isObject)) throw badRequest('data must be a list of at least one object')
  const mapping = toObject(body.mapping)
  const ids = await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const { tx } = scope
    const dataset = findDataset(scope, c.req.param('id'))
    const points = rows.map((row) => addDocument(tx, 'datapoint', dataset.projectId, toDatapoint(row, mapping, dataset.id)).id)
    addPoints(tx, dataset.id, points)
    changeDocument(tx, 'dataset', dataset, dataset.body)
    return points
  })
  return c.json({ inserted: true, datapoint_ids: ids })
}

async function dereference(context: DevContext, c: Call): Promise<Response> {
  const { id, datapoint = '' } = c.req.param() as { id?: string; datapoint?: string }
  await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    if (!removePoint(scope.tx, findDataset(scope, id).id, datapoint)) throw notFound('Datapoint')
  })
  return c.json({ dereferenced: true, message: 'Datapoint removed from the dataset' })
}

/** A row split by what its columns mean; columns the mapping does not name stay in the metadata. */
function toDatapoint(row: JsonObject, mapping: JsonObject, datasetId: string): JsonObject {
  const inputs = toStrings(mapping.inputs)
  const truth = toStrings(mapping.ground_truth ?? mapping.ground_truths)
  const history = toStrings(mapping.history)
  const pick = (keys: readonly string[]): JsonObject =>
    Object.fromEntries(keys.filter((key) => Object.hasOwn(row, key)).map((key) => [key, row[key]]))
  const named = new Set([...inputs, ...truth, ...history])
  return {
    inputs: pick(inputs),
    ground_truth: truth.length === 0 ? null : pick(truth),
    history: history.flatMap((key) => (Array.isArray(row[key]) ? row[key] : [])),
    metadata: pick(Object.keys(row).filter((key) => !named.has(key))),
    linked_event: null,
    linked_datasets: [datasetId],
  }
}

function findDataset({ tx, projectIds }: WriteScope, id: string | undefined): StoredDocument {
  if (id === undefined) throw badRequest('dataset_id is required')
  const dataset = findDocument(tx, 'dataset', id, projectIds())
  if (dataset === undefined) throw notFound('Dataset')
  return dataset
}

function pickMetadata(body: JsonObject): JsonObject {
  return isObject(body.metadata) ? { metadata: body.metadata } : {}
}

function toRest(reader: Reader, { id, projectId, createdMs, updatedMs, body }: StoredDocument): JsonObject {
  return {
    id,
    dataset_id: id,
    project: String(projectId),
    ...body,
    datapoints: listPoints(reader, id),
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(updatedMs).toISOString(),
  }
}

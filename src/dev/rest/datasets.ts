/** Datasets, in all generations of the API. */
import { type DevContext, senderOf, writeAs } from '../context.js'
import { findDocument, listDocuments, removeDocument, saveDocument, type StoredDocument } from '../store/documents.js'
import { badRequest, notFound } from '../http/http-error.js'
import { createId } from '../ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import { sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import type { Exchange, Route } from '../http/router.js'

const MAX_NAME = 200

/** The routes of datasets. */
export function createDatasetRoutes(context: DevContext): readonly Route[] {
  return ['', '/v1'].flatMap((prefix): Route[] => [
    ['GET', `${prefix}/datasets`, (exchange) => listAll(context, exchange)],
    ['POST', `${prefix}/datasets`, (exchange) => create(context, exchange)],
    ['PUT', `${prefix}/datasets`, (exchange) => update(context, exchange)],
    ['PUT', `${prefix}/datasets/:id`, (exchange) => update(context, exchange)],
    ['DELETE', `${prefix}/datasets`, (exchange) => remove(context, exchange, exchange.query.get('dataset_id'))],
    ['DELETE', `${prefix}/datasets/:id`, (exchange) => remove(context, exchange, exchange.params.id)],
    ['POST', `${prefix}/datasets/:id/datapoints`, (exchange) => addRows(context, exchange)],
    ['DELETE', `${prefix}/datasets/:id/datapoints/:datapoint`, (exchange) => dereference(context, exchange)],
    ['DELETE', `${prefix}/datasets/:id/:datapoint`, (exchange) => dereference(context, exchange)],
  ])
}

function listAll(context: DevContext, { request, response, query }: Exchange): void {
  const id = query.get('dataset_id')
  const name = query.get('name')
  const found = listDocuments(
    context.database,
    'dataset',
    context.projects.idsOf(senderOf(context, request), query.get('project') ?? undefined),
  )
    .filter((dataset) => (id === null || dataset.id === id) && (name === null || dataset.body.name === name))
    .map(toRest)
  // The first generation of clients reads the same list as `testcases`.
  sendJson(response, { datasets: found, testcases: found })
}

async function create(context: DevContext, { request, response }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const name = toNonEmptyText(body.name) ?? 'Untitled Dataset'
  if (name.length > MAX_NAME) throw badRequest(`name must have at most ${MAX_NAME} characters`)
  const id = createId()
  await writeAs(context, senderOf(context, request), (scope) => {
    const projectId = scope.projectOf(toNonEmptyText(body.project))
    const stored = {
      name,
      description: toNonEmptyText(body.description) ?? null,
      datapoints: toStrings(body.datapoints),
      ...pickMetadata(body),
    }
    saveDocument(context.database, 'dataset', { id, projectId, createdMs: scope.nowMs, updatedMs: scope.nowMs, body: stored })
  })
  sendJson(response, { inserted: true, result: { insertedId: id } })
}

async function update(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const dataset = findDataset(context, request, params.id ?? toNonEmptyText(body.dataset_id))
  const changed = {
    ...dataset.body,
    ...(toNonEmptyText(body.name) === undefined ? {} : { name: body.name }),
    ...(typeof body.description === 'string' ? { description: body.description } : {}),
    ...(Array.isArray(body.datapoints) ? { datapoints: toStrings(body.datapoints) } : {}),
    ...pickMetadata(body),
  }
  const saved = await save(context, { ...dataset, body: changed })
  sendJson(response, { result: toRest(saved) })
}

async function remove(context: DevContext, { request, response }: Exchange, id: string | null | undefined): Promise<void> {
  const dataset = findDataset(context, request, id ?? undefined)
  await context.queue.write(() => removeDocument(context.database, 'dataset', dataset.id))
  sendJson(response, { result: { id: dataset.id } })
}

async function addRows(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const dataset = findDataset(context, request, params.id)
  if (!Array.isArray(body.data) || body.data.length === 0 || !body.data.every(isObject))
    throw badRequest('data must be a list of at least one object')
  const mapping = toObject(body.mapping)
  const points = body.data.map((row: JsonObject) => ({ id: createId(), body: toDatapoint(row, mapping, dataset.id) }))
  await context.queue.write(() => {
    const nowMs = context.now()
    for (const point of points)
      saveDocument(context.database, 'datapoint', { ...point, projectId: dataset.projectId, createdMs: nowMs, updatedMs: nowMs })
    const ids = [...toStrings(dataset.body.datapoints), ...points.map((point) => point.id)]
    saveDocument(context.database, 'dataset', { ...dataset, updatedMs: nowMs, body: { ...dataset.body, datapoints: ids } })
  })
  sendJson(response, { inserted: true, datapoint_ids: points.map((point) => point.id) })
}

async function dereference(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const dataset = findDataset(context, request, params.id)
  const before = toStrings(dataset.body.datapoints)
  if (!before.includes(params.datapoint ?? '')) throw notFound('Datapoint')
  await save(context, { ...dataset, body: { ...dataset.body, datapoints: before.filter((id) => id !== params.datapoint) } })
  sendJson(response, { dereferenced: true, message: 'Datapoint removed from the dataset' })
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

function save(context: DevContext, dataset: StoredDocument): Promise<StoredDocument> {
  return context.queue.write(() => {
    const saved = { ...dataset, updatedMs: context.now() }
    saveDocument(context.database, 'dataset', saved)
    return saved
  })
}

function findDataset(context: DevContext, request: Exchange['request'], id: string | undefined): StoredDocument {
  if (id === undefined) throw badRequest('dataset_id is required')
  const dataset = findDocument(context.database, 'dataset', id, context.projects.idsOf(senderOf(context, request)))
  if (dataset === undefined) throw notFound('Dataset')
  return dataset
}

function pickMetadata(body: JsonObject): JsonObject {
  return isObject(body.metadata) ? { metadata: body.metadata } : {}
}

function toRest({ id, projectId, createdMs, updatedMs, body }: StoredDocument): JsonObject {
  return {
    id,
    dataset_id: id,
    project: String(projectId),
    ...body,
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(updatedMs).toISOString(),
  }
}

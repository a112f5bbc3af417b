/** Datapoints, in all generations of the API. */
import { type DevContext, senderOf, writeAs } from '../context.js'
import { findDocument, listDocuments, removeDocument, saveDocument, type StoredDocument } from '../store/documents.js'
import { matchesFilters, parseFilters } from './event-filter.js'
import { badRequest, notFound } from '../http/http-error.js'
import { createId } from '../ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import { sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import { toRestEvent } from './rest-event.js'
import type { Exchange, Route } from '../http/router.js'

const FIELDS = ['inputs', 'history', 'ground_truth', 'metadata', 'linked_event', 'linked_datasets'] as const

/** The routes of datapoints. */
export function createDatapointRoutes(context: DevContext): readonly Route[] {
  return ['', '/v1'].flatMap((prefix): Route[] => [
    ['GET', `${prefix}/datapoints`, (exchange) => listAll(context, exchange)],
    ['POST', `${prefix}/datapoints`, (exchange) => create(context, exchange)],
    ['POST', `${prefix}/datapoints/batch`, (exchange) => createFromEvents(context, exchange)],
    ['GET', `${prefix}/datapoints/:id`, (exchange) => sendJson(exchange.response, { datapoint: [toRest(findPoint(context, exchange))] })],
    ['PUT', `${prefix}/datapoints/:id`, (exchange) => update(context, exchange)],
    ['DELETE', `${prefix}/datapoints/:id`, (exchange) => remove(context, exchange)],
  ])
}

function listAll(context: DevContext, { request, response, query }: Exchange): void {
  const projectIds = context.projects.idsOf(senderOf(context, request), query.get('project') ?? undefined)
  const ids = [...query.getAll('datapoint_ids[]'), ...query.getAll('datapoint_ids')]
  const name = query.get('dataset_name')
  const inDataset =
    name === null
      ? undefined
      : new Set(
          listDocuments(context.database, 'dataset', projectIds)
            .filter(({ body }) => body.name === name)
            .flatMap(({ body }) => toStrings(body.datapoints)),
        )
  const points = listDocuments(context.database, 'datapoint', projectIds).filter(
    ({ id }) => (ids.length === 0 || ids.includes(id)) && (inDataset?.has(id) ?? true),
  )
  sendJson(response, { datapoints: points.map(toRest) })
}

async function create(context: DevContext, { request, response }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const id = createId()
  await writeAs(context, senderOf(context, request), (scope) => {
    const projectId = scope.projectOf(toNonEmptyText(body.project))
    insert(
      context,
      projectId,
      id,
      { inputs: {}, history: [], ground_truth: null, metadata: null, linked_event: null, linked_datasets: [], ...readFields(body) },
      scope.nowMs,
    )
  })
  sendJson(response, { inserted: true, result: { insertedIds: [id], insertedId: id } })
}

/** Makes datapoints of events: those of `filters`, or those ticked in `checkState`, or all. */
async function createFromEvents(context: DevContext, { request, response }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const sender = senderOf(context, request)
  const filters = parseFilters(body.filters)
  const ticked = toObject(body.checkState)
  const named = new Set([...Object.keys(ticked).filter((id) => ticked[id] === true), ...toStrings(body.events)])
  const datasetId = toNonEmptyText(body.dataset_id)
  const range = toObject(body.dateRange)
  const ids = await writeAs(context, sender, (scope) => {
    const rows = context.projects
      .idsOf(sender)
      .flatMap((projectId) => context.database.all('SELECT * FROM events WHERE project_id = ? ORDER BY start_ms', projectId))
    const wanted = rows.filter(
      (row) => isInRange(Number(row.start_ms), range) && (body.selectAll === true || named.size === 0 || named.has(String(row.id))),
    )
    const events = wanted
      .map((row) => ({ projectId: Number(row.project_id), event: toRestEvent(context.database, row) }))
      .filter(({ event }) => matchesFilters(event, filters))
    return events.map(({ projectId, event }) => {
      const id = createId()
      insert(context, projectId, id, toDatapoint(event, datasetId), scope.nowMs)
      return id
    })
  })
  sendJson(response, { inserted: true, insertedIds: ids })
}

async function update(context: DevContext, exchange: Exchange): Promise<void> {
  const body = await readObject(exchange.request, context.limits)
  const point = findPoint(context, exchange)
  await context.queue.write(() =>
    saveDocument(context.database, 'datapoint', { ...point, updatedMs: context.now(), body: { ...point.body, ...readFields(body) } }),
  )
  sendJson(exchange.response, { updated: true, result: { modifiedCount: 1 } })
}

async function remove(context: DevContext, exchange: Exchange): Promise<void> {
  const point = findPoint(context, exchange)
  await context.queue.write(() => removeDocument(context.database, 'datapoint', point.id))
  sendJson(exchange.response, { deleted: true })
}

/** Stores a datapoint and lists it in the datasets it is linked to. */
function insert({ database }: DevContext, projectId: number, id: string, body: JsonObject, nowMs: number): void {
  saveDocument(database, 'datapoint', { id, projectId, createdMs: nowMs, updatedMs: nowMs, body })
  for (const datasetId of toStrings(body.linked_datasets)) {
    const dataset = findDocument(database, 'dataset', datasetId, [projectId])
    if (dataset === undefined) continue
    saveDocument(database, 'dataset', {
      ...dataset,
      updatedMs: nowMs,
      body: { ...dataset.body, datapoints: [...toStrings(dataset.body.datapoints), id] },
    })
  }
}

function readFields(body: JsonObject): JsonObject {
  if (body.inputs !== undefined && !isObject(body.inputs)) throw badRequest('inputs must be an object')
  if (body.history !== undefined && !Array.isArray(body.history)) throw badRequest('history must be an array')
  return Object.fromEntries(FIELDS.filter((field) => body[field] !== undefined).map((field) => [field, body[field]]))
}

function toDatapoint(event: JsonObject, datasetId: string | undefined): JsonObject {
  const inputs = toObject(event.inputs)
  const truth = toObject(event.feedback).ground_truth
  return {
    inputs,
    history: Array.isArray(inputs.chat_history) ? inputs.chat_history : [],
    ground_truth: isObject(truth) ? truth : truth === undefined ? toObject(event.outputs) : { value: truth },
    metadata: null,
    linked_event: event.event_id,
    linked_datasets: datasetId === undefined ? [] : [datasetId],
  }
}

function isInRange(timeMs: number, { $gte, $lte }: JsonObject): boolean {
  const from = Date.parse(String($gte))
  const to = Date.parse(String($lte))
  return !(timeMs < from) && !(timeMs > to)
}

function findPoint(context: DevContext, { request, params }: Exchange): StoredDocument {
  const point = findDocument(context.database, 'datapoint', params.id ?? '', context.projects.idsOf(senderOf(context, request)))
  if (point === undefined) throw notFound('Datapoint')
  return point
}

function toRest({ id, projectId, createdMs, updatedMs, body }: StoredDocument): JsonObject {
  return {
    id,
    project_id: String(projectId),
    ...body,
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(updatedMs).toISOString(),
  }
}

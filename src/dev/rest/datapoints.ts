/** Datapoints, in all generations of the API. */
import { type DevContext, projectsOf, senderOf, writeAs } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, notFound } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { isObject, type JsonObject, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import { changeDocument, eachDocument, findDocument, listPoints, removeDocument, type StoredDocument } from '../store/documents.js'
import { both, eachEventPage, type EventFilter, inProjects } from '../store/events.js'
import { matchesFilters, parseFilters } from './event-filter.js'
import { bothVersions, forGeneration } from './generations.js'
import { insertDatapoint, toDatapoint } from './new-datapoint.js'
import { toRestEvent } from './rest-event.js'

const FIELDS = ['inputs', 'history', 'ground_truth', 'metadata', 'linked_event', 'linked_datasets'] as const
const EMPTY = { inputs: {}, history: [], ground_truth: null, metadata: null, linked_event: null, linked_datasets: [] }

/** The routes of datapoints. */
export function addDatapointRoutes(app: App, context: DevContext): void {
  app.on('GET', bothVersions('/datapoints'), (c) => sendAll(context, c))
  app.on('POST', bothVersions('/datapoints'), (c) => create(context, c))
  app.on('POST', bothVersions('/datapoints/batch'), (c) => createFromEvents(context, c))
  app.on('GET', bothVersions('/datapoints/:id'), (c) => {
    const projectIds = projectsOf(context, c.env.incoming)
    return c.json({ datapoint: [forGeneration(c, toRest(findPoint(context.store, projectIds, c.req.param('id'))))] })
  })
  app.on('PUT', bothVersions('/datapoints/:id'), (c) => update(context, c))
  app.on('DELETE', bothVersions('/datapoints/:id'), (c) => remove(context, c))
}

function sendAll(context: DevContext, c: Call): Response {
  const projectIds = projectsOf(context, c.env.incoming, c.req.query('project'))
  const ids = [...(c.req.queries('datapoint_ids[]') ?? []), ...(c.req.queries('datapoint_ids') ?? [])]
  return sendLarge(c, { datapoints: toGeneration(c, eachPoint(context.store, projectIds, ids, c.req.query('dataset_name'))) })
}

function* toGeneration(c: Call, points: Iterable<JsonObject>): Generator<JsonObject> {
  for (const point of points) yield forGeneration(c, point)
}

function* eachPoint(
  reader: Reader,
  projectIds: readonly number[],
  ids: readonly string[],
  datasetName: string | undefined,
): Generator<JsonObject> {
  const wanted = new Set(ids)
  const inDataset = datasetName === undefined ? undefined : findMembers(reader, projectIds, datasetName)
  for (const point of eachDocument(reader, 'datapoint', projectIds))
    if ((wanted.size === 0 || wanted.has(point.id)) && (inDataset?.has(point.id) ?? true)) yield toRest(point)
}

function findMembers(reader: Reader, projectIds: readonly number[], datasetName: string): ReadonlySet<string> {
  const members = new Set<string>()
  for (const { id, body } of eachDocument(reader, 'dataset', projectIds))
    if (body.name === datasetName) for (const point of listPoints(reader, id)) members.add(point)
  return members
}

async function create(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const fields = { ...EMPTY, ...readFields(body) }
  const id = await writeAs(context, senderOf(context, c.env.incoming), (scope) =>
    insertDatapoint(scope.tx, scope.projectOf(toNonEmptyText(body.project)), fields),
  )
  return c.json({ inserted: true, result: { insertedIds: [id], insertedId: id } })
}

/** Makes datapoints of events: those of `filters`, or those ticked in `checkState`, or all. */
async function createFromEvents(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const filters = parseFilters(body.filters)
  const ticked = toObject(body.checkState)
  const named = [...Object.keys(ticked).filter((id) => ticked[id] === true), ...toStrings(body.events)]
  const datasetId = toNonEmptyText(body.dataset_id)
  const chosen = toRange(toObject(body.dateRange), body.selectAll === true ? [] : named)
  const ids = await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const made: string[] = []
    for (const rows of eachEventPage(scope.tx, both(inProjects(scope.projectIds()), chosen)))
      for (const row of rows) {
        const event = toRestEvent(scope.tx, row)
        if (matchesFilters(event, filters)) made.push(insertDatapoint(scope.tx, Number(row.project_id), toDatapoint(event, datasetId)))
      }
    return made
  })
  return c.json({ inserted: true, insertedIds: ids })
}

async function update(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const fields = readFields(body)
  await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectIds }) => {
    const point = findPoint(tx, projectIds(), c.req.param('id'))
    changeDocument(tx, 'datapoint', point, { ...point.body, ...fields })
  })
  return c.json({ updated: true, result: { modifiedCount: 1 } })
}

async function remove(context: DevContext, c: Call): Promise<Response> {
  await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectIds }) =>
    removeDocument(tx, 'datapoint', findPoint(tx, projectIds(), c.req.param('id')).id),
  )
  return c.json({ deleted: true })
}

function readFields(body: JsonObject): JsonObject {
  if (body.inputs !== undefined && !isObject(body.inputs)) throw badRequest('inputs must be an object')
  if (body.history !== undefined && !Array.isArray(body.history)) throw badRequest('history must be an array')
  return Object.fromEntries(FIELDS.filter((field) => body[field] !== undefined).map((field) => [field, body[field]]))
}

/** Events within times, and with one of `ids` when there are any. */
function toRange({ $gte, $lte }: JsonObject, ids: readonly string[]): EventFilter {
  const time = (value: unknown, otherwise: number): number => {
    const parsed = Date.parse(String(value))
    return Number.isNaN(parsed) ? otherwise : parsed
  }
  const inRange = { sql: 'e.start_ms BETWEEN ? AND ?', values: [time($gte, -Number.MAX_VALUE), time($lte, Number.MAX_VALUE)] }
  if (ids.length === 0) return inRange
  return { sql: `${inRange.sql} AND e.id IN (SELECT value FROM json_each(?))`, values: [...inRange.values, JSON.stringify(ids)] }
}

function findPoint(reader: Reader, projectIds: readonly number[], id: string | undefined): StoredDocument {
  const point = findDocument(reader, 'datapoint', id ?? '', projectIds)
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

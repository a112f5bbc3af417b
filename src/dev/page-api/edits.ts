/** What a reader of the page changes: judgements, data sets, and what is deleted or brought back. */
import { isObject, type JsonObject, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import { type BodyLimits, readObject } from '../http/body.js'
import type { App, Call } from '../http/call.js'
import { badRequest, notFound } from '../http/http-error.js'
import type { PriceTable } from '../prices/price-table.js'
import { insertDatapoint } from '../rest/new-datapoint.js'
import type { Transaction } from '../store/change-queue.js'
import { addDocument, findDocument, removeDocument } from '../store/documents.js'
import type { EventPatch } from '../store/event-record.js'
import { createEventWriter } from '../store/event-writer.js'
import { findLastEvent } from '../store/events.js'
import { findProject } from '../store/projects.js'
import type { Store } from '../store/store.js'
import { hideRun, hideSession, restoreRun, restoreSession } from '../store/trash.js'
import { FEEDBACK } from './contract.js'

/** What these routes work on. */
export interface EditTarget {
  readonly store: Store
  readonly prices: PriceTable
  readonly limits: BodyLimits
}

const MAX_NOTE = 10_000
const MAX_NAME = 200

/** Adds the routes that change something; each names its project. */
export function addEditRoutes(app: App, target: EditTarget): void {
  const { store } = target
  app.post('/events/:id/annotation', (c) => annotate(target, c))
  app.post('/datapoints', (c) => addDatapoints(target, c))
  app.delete('/datapoints/:id', (c) => removeDatapoint(target, c))
  const undoable = [
    ['sessions', 'Session', hideSession, restoreSession],
    ['runs', 'Run', hideRun, restoreRun],
  ] as const
  for (const [path, what, hide, restore] of undoable) {
    app.delete(`/${path}/:id`, async (c) => {
      if (!(await hide(store, projectOf(target, c), c.req.param('id')))) throw notFound(what)
      return c.json({ deleted: true })
    })
    app.post(`/${path}/:id/restore`, async (c) => {
      if (!(await restore(store, projectOf(target, c), c.req.param('id')))) throw notFound(`A deleted ${what.toLowerCase()} of this id`)
      return c.json({ restored: true })
    })
  }
}

/** A judgement is stored where everybody reads it: thumb and note in the feedback of the event, scores in its metrics. */
async function annotate({ store, prices, limits }: EditTarget, c: Call): Promise<Response> {
  const patch = toAnnotation(await readObject(c.env.incoming, limits))
  const projectId = projectOf({ store }, c)
  const id = c.req.param('id') ?? ''
  await store.change((tx) => {
    if (findLastEvent(tx, id, projectId) === undefined) throw notFound('Event')
    const events = createEventWriter(tx, '', prices)
    events.update([projectId], '', id, patch)
    events.finish()
  })
  return c.json({ annotated: true })
}

/** @throws HttpError 400 for anything that is no annotation. */
function toAnnotation({ thumbsUp, note, scores = {} }: JsonObject): EventPatch {
  if (![undefined, null, true, false].includes(thumbsUp as boolean | null | undefined))
    throw badRequest('thumbsUp must be true, false or null')
  if (note !== undefined && note !== null && typeof note !== 'string') throw badRequest('note must be a text or null')
  if (typeof note === 'string' && note.length > MAX_NOTE) throw badRequest(`note must have at most ${MAX_NOTE} characters`)
  if (!isObject(scores)) throw badRequest('scores must be an object')
  for (const [name, score] of Object.entries(scores)) {
    if (name.trim() === '' || name.length > MAX_NAME) throw badRequest(`The name of a score has 1 to ${MAX_NAME} characters`)
    if (score !== null && typeof score !== 'boolean' && (typeof score !== 'number' || toFiniteNumber(score) === undefined))
      throw badRequest(`scores.${name} must be a number, true, false or null`)
  }
  const feedback = {
    ...(thumbsUp === undefined ? {} : { [FEEDBACK.thumb]: thumbsUp }),
    ...(note === undefined ? {} : { [FEEDBACK.note]: note === '' ? null : note }),
  }
  return { feedback, metrics: scores }
}

async function addDatapoints({ store, limits }: EditTarget, c: Call): Promise<Response> {
  const { dataset, points } = await readObject(c.env.incoming, limits)
  if (!Array.isArray(points) || points.length === 0 || !points.every(isObject)) throw badRequest('points must be a list of objects')
  for (const { inputs } of points) if (!isObject(inputs)) throw badRequest('inputs must be an object')
  const projectId = projectOf({ store }, c)
  const added = await store.change((tx) => {
    const datasetId = findDataset(tx, projectId, toObject(dataset))
    const ids = points.map((point) => insertDatapoint(tx, projectId, toStored(point, datasetId)))
    return { datasetId, ids }
  })
  return c.json(added)
}

/** The data set by its id, or a new one of that name. */
function findDataset(tx: Transaction, projectId: number, { id, name }: JsonObject): string {
  const wanted = toNonEmptyText(id)
  if (wanted !== undefined) {
    const found = findDocument(tx, 'dataset', wanted, [projectId])
    if (found === undefined) throw notFound('Dataset')
    return found.id
  }
  const given = toNonEmptyText(name)?.trim() ?? ''
  if (given === '' || given.length > MAX_NAME) throw badRequest(`Name a data set by its id, or a new one by 1 to ${MAX_NAME} characters`)
  return addDocument(tx, 'dataset', projectId, { name: given, description: null }).id
}

function toStored({ inputs, history, groundTruth = null, eventId = null }: JsonObject, datasetId: string): JsonObject {
  return {
    inputs,
    history: Array.isArray(history) ? history : [],
    ground_truth: groundTruth === null || isObject(groundTruth) ? groundTruth : { value: groundTruth },
    metadata: null,
    linked_event: eventId,
    linked_datasets: [datasetId],
  }
}

async function removeDatapoint({ store }: EditTarget, c: Call): Promise<Response> {
  const projectId = projectOf({ store }, c)
  await store.change((tx) => {
    const point = findDocument(tx, 'datapoint', c.req.param('id') ?? '', [projectId])
    if (point === undefined) throw notFound('Datapoint')
    removeDocument(tx, 'datapoint', point.id)
  })
  return c.json({ deleted: true })
}

/** @throws HttpError 400 when no project is named, 404 for one that is not there. */
function projectOf({ store }: Pick<EditTarget, 'store'>, c: Call): number {
  const name = c.req.query('project') ?? ''
  if (name === '') throw badRequest('Name the project: ?project=')
  const id = findProject(store, name)
  if (id === undefined) throw notFound('Project')
  return id
}

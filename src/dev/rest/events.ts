/** Creating, changing and reading single events, in all generations of the API. */
import { type DevContext, senderOf, writeAs, type WriteScope } from '../context.js'
import { badRequest, HttpError, notFound } from '../http/http-error.js'
import { createId, isUuid, toSessionUuid } from '../ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { sendEmpty, sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import { toNewEvent, toPatch, toRestEvent } from './rest-event.js'
import type { Exchange, Route } from '../http/router.js'
import { putSession } from './sessions.js'

const MODEL_INPUTS = [
  'messages',
  'provider',
  'usage',
  'cost',
  'hyperparameters',
  'template',
  'template_inputs',
  'tools',
  'tool_choice',
  'response_format',
] as const

/** The routes of single events and batches. */
export function createEventRoutes(context: DevContext): readonly Route[] {
  return [
    ['POST', '/events', (exchange) => createEvent(context, exchange)],
    ['POST', '/v1/events', (exchange) => createEvent(context, exchange)],
    ['PUT', '/events', (exchange) => updateEvent(context, exchange)],
    ['PUT', '/v1/events', (exchange) => updateEvent(context, exchange)],
    ['PUT', '/events/:id', (exchange) => updateEvent(context, exchange)],
    ['PUT', '/v1/events/:id', (exchange) => updateEvent(context, exchange)],
    ['GET', '/events/:id', (exchange) => sendEvent(context, exchange)],
    ['GET', '/v1/events/:id', (exchange) => sendEvent(context, exchange)],
    ['POST', '/events/batch', (exchange) => createBatch(context, exchange, toObject)],
    ['POST', '/v1/events/batch', (exchange) => createBatch(context, exchange, toObject)],
    ['POST', '/events/model', (exchange) => createModelEvents(context, exchange)],
    ['POST', '/v1/events/model', (exchange) => createModelEvents(context, exchange)],
    ['POST', '/events/model/batch', (exchange) => createBatch(context, exchange, toModelEvent)],
    ['POST', '/v1/events/model/batch', (exchange) => createBatch(context, exchange, toModelEvent)],
  ]
}

async function createEvent(context: DevContext, { request, response }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const event = isObject(body.event) ? body.event : body
  const id = await writeAs(context, senderOf(context, request), (scope) => putEvent(context, scope, event, toNonEmptyText(body.project)))
  sendJson(response, { success: true, event_id: id })
}

async function createModelEvents(context: DevContext, { request, response }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const event = toModelEvent(toObject(body.model_event ?? body))
  const id = await writeAs(context, senderOf(context, request), (scope) => putEvent(context, scope, event, undefined))
  sendJson(response, { success: true, event_id: id })
}

function putEvent(context: DevContext, scope: WriteScope, event: JsonObject, label: string | undefined, sessionId?: string): string {
  const projectId = scope.projectOf(toNonEmptyText(event.project) ?? label)
  if (event.event_type === 'session') {
    const id = toSessionUuid(event.session_id) ?? toSessionUuid(event.event_id) ?? createId()
    putSession(context, scope, projectId, id, event)
    return id
  }
  return scope.events.put(toNewEvent(event, projectId, scope.nowMs, sessionId === undefined ? {} : { sessionId }))
}

async function updateEvent(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  const id = params.id ?? toNonEmptyText(body.event_id)
  if (id === undefined || id.length > 256) throw badRequest('event_id is required')
  const patch = toPatch(body)
  const sender = senderOf(context, request)
  await writeAs(context, sender, (scope) => {
    const projectIds = context.projects.idsOf(sender, toNonEmptyText(body.project))
    scope.events.update(projectIds, sender.keyHash, isUuid(id) ? id.toLowerCase() : id, patch)
  })
  sendEmpty(response)
}

function sendEvent(context: DevContext, { request, response, params }: Exchange): void {
  const id = (params.id ?? '').toLowerCase()
  if (!isUuid(id)) throw badRequest('event_id must be a UUID')
  for (const projectId of context.projects.idsOf(senderOf(context, request))) {
    const row = context.database.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, id)
    if (row !== undefined) return sendJson(response, { event: toRestEvent(context.database, row) })
  }
  throw notFound('Event')
}

async function createBatch(context: DevContext, { request, response }: Exchange, convert: (event: unknown) => JsonObject): Promise<void> {
  const body = await readObject(request, context.limits)
  const list = body.events ?? body.model_events
  if (!Array.isArray(list)) throw badRequest('events must be an array')
  const properties = toObject(body.session_properties ?? body.session)
  const isSingle = body.single_session === true || body.is_single_session === true
  const outcome = await writeAs(context, senderOf(context, request), (scope) =>
    putBatch(context, scope, list.map(convert), isSingle, properties, toNonEmptyText(body.project)),
  )
  if (outcome.errors.length > 0) return sendJson(response, { ...outcome, success: false }, 500)
  const { errors: _none, ...stored } = outcome
  sendJson(response, { ...stored, success: true })
}

interface BatchOutcome {
  readonly event_ids: readonly string[]
  readonly session_id?: string
  readonly errors: readonly string[]
}

function putBatch(
  context: DevContext,
  scope: WriteScope,
  events: readonly JsonObject[],
  isSingle: boolean,
  properties: JsonObject,
  label: string | undefined,
): BatchOutcome {
  const ids: string[] = []
  const errors: string[] = []
  const sessionId = isSingle ? (toSessionUuid(properties.session_id) ?? toSessionUuid(events[0]?.session_id) ?? createId()) : undefined
  if (sessionId !== undefined) {
    const projectId = scope.projectOf(toNonEmptyText(properties.project) ?? toNonEmptyText(events[0]?.project) ?? label)
    putSession(context, scope, projectId, sessionId, properties)
  }
  for (const [index, event] of events.entries()) {
    try {
      ids.push(putEvent(context, scope, event, label, sessionId))
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      errors.push(`event ${index}: ${error.message}`)
    }
  }
  return { event_ids: ids, ...(sessionId === undefined ? {} : { session_id: sessionId }), errors }
}

/** The older spelling of model events: everything at the top, moved to where events keep it. */
function toModelEvent(value: unknown): JsonObject {
  const event = toObject(value)
  const inputs = { ...toObject(event.inputs) }
  for (const key of MODEL_INPUTS) if (event[key] !== undefined) inputs[key] = event[key]
  const outputs = event.response === undefined ? toObject(event.outputs) : { ...toObject(event.outputs), response: event.response }
  const model = event.model_name ?? event.model
  const config = model === undefined ? toObject(event.config) : { ...toObject(event.config), model }
  return { ...event, event_type: 'model', event_name: event.event_name ?? model, inputs, outputs, config }
}

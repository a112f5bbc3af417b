/** Creating, changing and reading single events, in all generations of the API. */
import { type DevContext, projectsOf, senderOf, writeAs, type WriteScope } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, HttpError, notFound } from '../http/http-error.js'
import { createId, isUuid, toSessionUuid } from '../store/ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { findEventIn } from '../store/events.js'
import { bothVersions } from './generations.js'
import { toNewEvent, toPatch, toRestEvent } from './rest-event.js'
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
export function addEventRoutes(app: App, context: DevContext): void {
  app.on('POST', bothVersions('/events'), (c) => createEvent(context, c))
  app.on('PUT', bothVersions('/events'), (c) => updateEvent(context, c, undefined))
  app.on('PUT', bothVersions('/events/:id'), (c) => updateEvent(context, c, c.req.param('id')))
  app.on('GET', bothVersions('/events'), (c) => sendEvent(context, c, c.req.query('event_id') ?? ''))
  app.on('GET', bothVersions('/events/:id'), (c) => sendEvent(context, c, c.req.param('id') ?? ''))
  app.on('POST', bothVersions('/events/batch'), (c) => createBatch(context, c, toObject))
  app.on('POST', bothVersions('/events/model'), (c) => createModelEvent(context, c))
  app.on('POST', bothVersions('/events/model/batch'), (c) => createBatch(context, c, toModelEvent))
}

async function createEvent(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const event = isObject(body.event) ? body.event : body
  const id = await writeAs(context, senderOf(context, c.env.incoming), (scope) => putEvent(scope, event, toNonEmptyText(body.project)))
  return c.json({ success: true, event_id: id })
}

async function createModelEvent(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const event = toModelEvent(toObject(body.model_event ?? body))
  const id = await writeAs(context, senderOf(context, c.env.incoming), (scope) => putEvent(scope, event, undefined))
  return c.json({ success: true, event_id: id })
}

function putEvent(scope: WriteScope, event: JsonObject, label: string | undefined, sessionId?: string): string {
  const projectId = scope.projectOf(toNonEmptyText(event.project) ?? label)
  if (event.event_type === 'session') {
    const id = toSessionUuid(event.session_id) ?? toSessionUuid(event.event_id) ?? createId()
    putSession(scope, projectId, id, event)
    return id
  }
  return scope.events.put(toNewEvent(event, projectId, scope.nowMs, sessionId === undefined ? {} : { sessionId }))
}

async function updateEvent(context: DevContext, c: Call, named: string | undefined): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const id = named ?? toNonEmptyText(body.event_id)
  if (id === undefined || id.length > 256) throw badRequest('event_id is required')
  const patch = toPatch(body)
  const sender = senderOf(context, c.env.incoming)
  await writeAs(context, sender, ({ events, projectIds }) =>
    events.update(projectIds(toNonEmptyText(body.project)), sender.keyHash, isUuid(id) ? id.toLowerCase() : id, patch),
  )
  // HoneyHive answers with nothing; clients that parse every answer fail on that.
  return c.json({ success: true })
}

function sendEvent(context: DevContext, c: Call, named: string): Response {
  const id = named.toLowerCase()
  if (!isUuid(id)) throw badRequest('event_id must be a UUID')
  const row = findEventIn(context.store, projectsOf(context, c.env.incoming), id)
  if (row === undefined) throw notFound('Event')
  return c.json({ event: toRestEvent(context.store, row) })
}

async function createBatch(context: DevContext, c: Call, convert: (event: unknown) => JsonObject): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const list = body.events ?? body.model_events
  if (!Array.isArray(list)) throw badRequest('events must be an array')
  const properties = toObject(body.session_properties ?? body.session)
  const isSingle = body.single_session === true || body.is_single_session === true
  const { errors, ...stored } = await writeAs(context, senderOf(context, c.env.incoming), (scope) =>
    putBatch(scope, list.map(convert), isSingle, properties, toNonEmptyText(body.project)),
  )
  return errors.length > 0 ? c.json({ ...stored, errors, success: false }, 500) : c.json({ ...stored, success: true })
}

interface BatchOutcome {
  readonly event_ids: readonly string[]
  readonly session_id?: string
  readonly errors: readonly string[]
}

function putBatch(
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
    putSession(scope, projectId, sessionId, properties)
  }
  for (const [index, event] of events.entries()) {
    try {
      ids.push(putEvent(scope, event, label, sessionId))
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

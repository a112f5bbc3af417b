/** Starting sessions and adding events to them, in all generations of the API. */
import { type DevContext, senderOf, writeAs, type WriteScope } from '../context.js'
import { badRequest, notFound } from '../http/http-error.js'
import { createId, toSessionUuid } from '../ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { sendJson } from '../http/reply.js'
import { readObject } from '../http/body.js'
import { readTimes, toNewEvent, toRestEvent } from './rest-event.js'
import { toBody } from '../store/event-record.js'
import type { Exchange, Route } from '../http/router.js'
import type { Row } from '../store/database.js'
import { removeSession } from '../store/session-removal.js'

/** The session routes. */
export function createSessionRoutes(context: DevContext): readonly Route[] {
  const start = (wrapped: boolean) => (exchange: Exchange) => startSession(context, exchange, wrapped)
  return [
    ['POST', '/session/start', start(true)],
    ['POST', '/v1/session/start', start(true)],
    ['POST', '/v1/sessions', start(false)],
    ['POST', '/session/:id/traces', (exchange) => addLogs(context, exchange)],
    ['POST', '/v1/session/:id/traces', (exchange) => addLogs(context, exchange)],
    ['POST', '/v1/sessions/:id/events/batch', (exchange) => addEvents(context, exchange)],
    ['GET', '/session/:id', (exchange) => sendSession(context, exchange)],
    ['GET', '/v1/sessions/:id', (exchange) => sendSession(context, exchange)],
    ['DELETE', '/session/:id', (exchange) => deleteSession(context, exchange)],
    ['DELETE', '/v1/sessions/:id', (exchange) => deleteSession(context, exchange)],
  ]
}

async function startSession(context: DevContext, { request, response }: Exchange, wrapped: boolean): Promise<void> {
  const body = await readObject(request, context.limits)
  if (wrapped && body.session !== undefined && !isObject(body.session)) throw badRequest('session must be an object')
  const session = wrapped ? toObject(body.session ?? body) : body
  const row = await writeAs(context, senderOf(context, request), (scope) => {
    const projectId = scope.projectOf(toNonEmptyText(session.project) ?? toNonEmptyText(body.project))
    const id = toSessionUuid(session.session_id) ?? createId()
    putSession(context, scope, projectId, id, session)
    return findSession(context, [projectId], id)
  })
  sendJson(response, row === undefined ? {} : toRestEvent(context.database, row))
}

/** Creates a session or completes the one that is there: what the request does not say stays. */
export function putSession(
  { database }: DevContext,
  { events, nowMs }: WriteScope,
  projectId: number,
  id: string,
  session: JsonObject,
): void {
  const present = events.hasRecord(projectId, id)
    ? database.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, id)
    : undefined
  const isAuto =
    database.get('SELECT 1 AS found FROM sessions WHERE project_id = ? AND id = ? AND origin = ?', projectId, id, 'auto') !== undefined
  const kept = present === undefined || isAuto ? undefined : present
  const named = toNonEmptyText(session.event_name) ?? toNonEmptyText(session.session_name)
  const times =
    present === undefined || session.start_time !== undefined
      ? readTimes(session, nowMs)
      : { startMs: Number(present.start_ms), endMs: Number(present.end_ms), durationMs: Number(present.duration_ms) }
  const record = {
    projectId,
    id,
    sessionId: id,
    parentId: null,
    type: 'session',
    name: named ?? toNonEmptyText(kept?.name) ?? 'unknown',
    source: toNonEmptyText(session.source) ?? toNonEmptyText(kept?.source) ?? 'unknown',
    ...times,
    error: null,
    body: toBody(session),
    traceId: null,
    spanId: null,
    parentSpanId: null,
    processId: null,
    links: [],
  }
  events.putSession(record, 'explicit')
}

async function addEvents(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const body = await readObject(request, context.limits)
  if (!Array.isArray(body.events)) throw badRequest('events must be an array')
  await storeSessionEvents(context, request, params.id ?? '', body.events)
  sendJson(response, { success: true })
}

async function addLogs(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const { logs, events } = await readObject(request, context.limits)
  if (Array.isArray(logs) === Array.isArray(events)) throw badRequest('Give either logs or events, as an array')
  await storeSessionEvents(context, request, params.id ?? '', Array.isArray(logs) ? logs : Array.isArray(events) ? events : [])
  sendJson(response, { success: true })
}

function storeSessionEvents(context: DevContext, request: Exchange['request'], id: string, items: readonly unknown[]): Promise<void> {
  const sender = senderOf(context, request)
  const sessionId = toSessionUuid(id) ?? createId()
  return writeAs(context, sender, (scope) => {
    const known = findSession(context, context.projects.idsOf(sender), sessionId)
    const projectId = known === undefined ? scope.projectOf(undefined) : Number(known.project_id)
    for (const item of items) putTree(scope, projectId, sessionId, sessionId, item)
  })
}

/** LangChain-style logs nest their children. */
function putTree(scope: WriteScope, projectId: number, sessionId: string, parentId: string, item: unknown): void {
  if (!isObject(item)) throw badRequest('Each event must be an object')
  const event = { ...item, event_type: item.event_type ?? 'tool' }
  const id = scope.events.put(toNewEvent(event, projectId, scope.nowMs, { sessionId, parentId }))
  if (!Array.isArray(item.children)) return
  for (const child of item.children) putTree(scope, projectId, sessionId, id, child)
}

function findSession({ database }: DevContext, projectIds: readonly number[], id: string): Row | undefined {
  for (const projectId of projectIds) {
    const row = database.get('SELECT * FROM events WHERE project_id = ? AND id = ? AND type = ?', projectId, id, 'session')
    if (row !== undefined) return row
  }
  return undefined
}

function sendSession(context: DevContext, { request, response, params }: Exchange): void {
  const row = findSession(context, context.projects.idsOf(senderOf(context, request)), (params.id ?? '').toLowerCase())
  if (row === undefined) throw notFound('Session')
  const events = context.database.all(
    'SELECT * FROM events WHERE project_id = ? AND session_id = ? ORDER BY start_ms',
    row.project_id,
    row.session_id,
  )
  const nodes = new Map(events.map((event) => [event.id, { ...toRestEvent(context.database, event), children: [] as JsonObject[] }]))
  for (const event of events) {
    const node = nodes.get(event.id)
    const parent = event.id === row.id ? undefined : (nodes.get(event.parent_id) ?? nodes.get(row.id))
    if (node !== undefined && parent !== node) parent?.children.push(node)
  }
  sendJson(response, nodes.get(row.id))
}

async function deleteSession(context: DevContext, { request, response, params }: Exchange): Promise<void> {
  const ids = context.projects.idsOf(senderOf(context, request))
  const row = findSession(context, ids, (params.id ?? '').toLowerCase())
  if (row === undefined) throw notFound('Session')
  await context.queue.write((changes) => {
    removeSession(context.database, Number(row.project_id), String(row.session_id))
    changes.session(Number(row.project_id), String(row.session_id))
  })
  sendJson(response, { success: true, deleted: true })
}

/** Starting sessions and adding events to them, in all generations of the API. */
import { type DevContext, projectsOf, senderOf, writeAs, type WriteScope } from '../context.js'
import { readObject } from '../http/body.js'
import type { App, Call } from '../http/call.js'
import { badRequest, notFound } from '../http/http-error.js'
import { toStream } from '../http/reply.js'
import { createId, toSessionUuid } from '../store/ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject } from '../../otlp/json.js'
import { findLoops } from '../page-api/events.js'
import type { Reader, Row } from '../store/database.js'
import { NO_SPAN, toBody } from '../store/event-record.js'
import { eachEventPage, findEvent, findEventIn, inSession } from '../store/events.js'
import { removeSession } from '../store/session-removal.js'
import { bothVersions } from './generations.js'
import { readTimes, toNewEvent, toRestEvent } from './rest-event.js'

/** The session routes. */
export function addSessionRoutes(app: App, context: DevContext): void {
  app.on('POST', bothVersions('/session/start'), (c) => startSession(context, c, true))
  app.post('/v1/sessions', (c) => startSession(context, c, false))
  app.on('POST', bothVersions('/session/:id/traces'), (c) => addLogs(context, c))
  app.post('/v1/sessions/:id/events/batch', (c) => addEvents(context, c))
  app.on('GET', ['/session/:id', '/v1/sessions/:id'], (c) => sendSession(context, c))
  app.on('DELETE', ['/session/:id', '/v1/sessions/:id'], (c) => deleteSession(context, c))
}

async function startSession(context: DevContext, c: Call, wrapped: boolean): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  if (wrapped && body.session !== undefined && !isObject(body.session)) throw badRequest('session must be an object')
  const session = wrapped ? toObject(body.session ?? body) : body
  const id = toSessionUuid(session.session_id) ?? createId()
  const stored = await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const projectId = scope.projectOf(toNonEmptyText(session.project) ?? toNonEmptyText(body.project))
    putSession(scope, projectId, id, session)
    const row = findEvent(scope.tx, projectId, id)
    return row === undefined ? {} : toRestEvent(scope.tx, row)
  })
  return c.json(stored)
}

/**
 * Creates a session or completes the one that is there: two processes may join one session, and the first of them named it.
 * Its name and inputs stay; what is new in the other parts is added.
 */
export function putSession({ tx, events, nowMs }: WriteScope, projectId: number, id: string, session: JsonObject): void {
  const present = events.hasRecord(projectId, id) ? findEvent(tx, projectId, id) : undefined
  const isExplicit =
    present !== undefined &&
    tx.get('SELECT 1 AS found FROM sessions WHERE project_id = ? AND id = ? AND origin = ?', projectId, id, 'explicit') !== undefined
  const kept = isExplicit ? present : undefined
  const named = toNonEmptyText(session.event_name) ?? toNonEmptyText(session.session_name)
  const times =
    present === undefined || session.start_time !== undefined
      ? readTimes(session, nowMs)
      : { startMs: Number(present.start_ms), endMs: Number(present.end_ms), durationMs: Number(present.duration_ms) }
  const body = toBody(session)
  const record = {
    projectId,
    id,
    sessionId: id,
    parentId: null,
    type: 'session',
    name: toName(kept?.name) ?? named ?? 'unknown',
    source: toName(kept?.source) ?? toNonEmptyText(session.source) ?? 'unknown',
    ...times,
    error: null,
    body: kept === undefined ? body : { ...body, inputs: { ...body.inputs, ...toObject(JSON.parse(String(kept.inputs))) } },
    ...NO_SPAN,
  }
  events.putSession(record, 'explicit')
}

/** A name somebody chose; the word for a missing one is none. */
function toName(value: unknown): string | undefined {
  return value === 'unknown' ? undefined : toNonEmptyText(value)
}

async function addEvents(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  if (!Array.isArray(body.events)) throw badRequest('events must be an array')
  await storeSessionEvents(context, c, body.events)
  return c.json({ success: true })
}

async function addLogs(context: DevContext, c: Call): Promise<Response> {
  const { logs, events } = await readObject(c.env.incoming, context.limits)
  if (Array.isArray(logs) === Array.isArray(events)) throw badRequest('Give either logs or events, as an array')
  await storeSessionEvents(context, c, Array.isArray(logs) ? logs : Array.isArray(events) ? events : [])
  return c.json({ success: true })
}

function storeSessionEvents(context: DevContext, c: Call, items: readonly unknown[]): Promise<void> {
  const sessionId = toSessionUuid(c.req.param('id')) ?? createId()
  return writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const known = findSession(scope.tx, scope.projectIds(), sessionId)
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

function findSession(reader: Reader, projectIds: readonly number[], id: string): Row | undefined {
  const row = findEventIn(reader, projectIds, id)
  return row?.type === 'session' ? row : undefined
}

function sendSession({ store, ...context }: DevContext, c: Call): Response {
  const row = findSession(store, projectsOf({ store, ...context }, c.env.incoming), (c.req.param('id') ?? '').toLowerCase())
  if (row === undefined) throw notFound('Session')
  c.header('content-type', 'application/json')
  return c.body(toStream(toTree(store, row)))
}

/** A session and its events nested in one another, in pieces of text: neither depth nor number is limited by the stack. */
function* toTree(reader: Reader, session: Row): Generator<string> {
  const [projectId, sessionId] = [Number(session.project_id), String(session.session_id)]
  const rows: { readonly id: string; readonly parentId: string | null }[] = []
  for (const page of eachEventPage(reader, inSession(projectId, sessionId), { body: false })) {
    for (const { id, parent_id: parentId } of page)
      if (id !== session.id) rows.push({ id: String(id), parentId: parentId === null ? null : String(parentId) })
    yield ''
  }
  const byId = new Map(rows.map((row) => [row.id, row]))
  const looped = findLoops(byId)
  const children = new Map<string, string[]>()
  for (const { id, parentId } of rows) {
    const parent = parentId !== null && byId.has(parentId) && !looped.has(id) ? parentId : String(session.id)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [id])
    else siblings.push(id)
  }
  const open = [{ ids: [String(session.id)], at: 0 }]
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const id = level.ids[level.at]
    if (id === undefined) {
      open.pop()
      yield open.length === 0 ? '' : ']}'
      continue
    }
    const row = id === session.id ? session : findEvent(reader, projectId, id)
    const text = JSON.stringify(row === undefined ? { event_id: id } : toRestEvent(reader, row))
    yield `${level.at === 0 ? '' : ','}${text.slice(0, -1)},"children":[`
    level.at++
    open.push({ ids: children.get(id) ?? [], at: 0 })
  }
}

async function deleteSession(context: DevContext, c: Call): Promise<Response> {
  const id = (c.req.param('id') ?? '').toLowerCase()
  await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectIds }) => {
    const row = findSession(tx, projectIds(), id)
    if (row === undefined) throw notFound('Session')
    removeSession(tx, Number(row.project_id), String(row.session_id))
    tx.changes.session(Number(row.project_id), String(row.session_id))
  })
  return c.json({ success: true, deleted: true })
}

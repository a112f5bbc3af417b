import { randomUUID } from 'node:crypto'
import { isObject } from '../otlp/json.js'
import { BUCKETS, type Buckets } from './buckets.js'
import {
  type EventChanges,
  type EventsResource,
  type ListEvents,
  listEvents,
  type NewEvent,
  NEW_EVENT,
  type StoredEvent,
} from './events.js'
import { FIGURE, type Fields, fromWire, MOMENT, NAME, TEXT, TEXTS, toPathPart, toReplyId, toWire, toWireList } from './fields.js'
import type { RequestOptions, Send } from './request.js'
import type { Results } from './results.js'

/** A new session. */
export interface NewSession extends Omit<Buckets, 'feedback' | 'metrics'> {
  /** A UUID. @defaultValue a new one, so that a call that is repeated starts one session */
  readonly sessionId?: string
  readonly sessionName?: string
  /** @defaultValue `sessionName` */
  readonly eventName?: string
  readonly source?: string
  /** Label only: the key selects the project. */
  readonly project?: string
  /** Milliseconds since 1970, or a date. */
  readonly startTime?: number | Date
  /** Milliseconds since 1970, or a date. */
  readonly endTime?: number | Date
  /** Milliseconds. */
  readonly duration?: number
  readonly childrenIds?: readonly string[]
}

/** A session and the events in it. */
export interface SessionTree extends StoredEvent {
  readonly children: readonly SessionTree[]
}

/** Sessions. Each is also an event, so `events` reads and changes them too. */
export interface SessionsResource {
  /** `POST /session/start`. @returns the session's id. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  start(session?: NewSession, options?: RequestOptions): Promise<{ sessionId: string }>
  /** Adds to a session. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(sessionId: string, changes: EventChanges, options?: RequestOptions): Promise<void>
  /** `POST /v1/sessions/{id}/events/batch`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  addEvents(sessionId: string, events: readonly NewEvent[], options?: RequestOptions): Promise<void>
  /** `GET /session/{id}`: the session with its events nested in it. @throws HoneyHiveRequestError, with status 404 where there is none */
  get(sessionId: string, options?: RequestOptions): Promise<SessionTree>
  /** `DELETE /v1/sessions/{id}`. @throws HoneyHiveRequestError */
  delete(sessionId: string, options?: RequestOptions): Promise<void>
  /** Sessions, newest first; `filters` and `dateRange` are about the sessions themselves. @throws HoneyHiveRequestError while it is read */
  list(query?: ListEvents, options?: RequestOptions): Results<StoredEvent>
}

const { feedback: _feedback, metrics: _metrics, ...SESSION_BUCKETS } = BUCKETS

const NEW_SESSION: Fields<NewSession> = {
  ...SESSION_BUCKETS,
  sessionId: NAME,
  sessionName: TEXT,
  eventName: TEXT,
  source: TEXT,
  project: TEXT,
  startTime: MOMENT,
  endTime: MOMENT,
  duration: FIGURE,
  childrenIds: TEXTS,
}

const ONLY_SESSIONS = { field: 'event_type', operator: 'is', value: 'session', type: 'string' } as const

/** The resource over `send`; a session is changed as an event is. */
export function createSessions(send: Send, events: EventsResource): SessionsResource {
  return {
    async start(session = {}, options) {
      const body = { session: { session_id: randomUUID(), ...toWire(session, NEW_SESSION, 'sessions.start') } }
      // With an id of our own, a session that is started twice is one.
      const reply = await send({ method: 'POST', path: '/session/start', body, isRepeatable: true }, options)
      return { sessionId: toReplyId(isObject(reply) ? reply.session_id : undefined, 'POST /session/start') }
    },
    update: (sessionId, changes, options) => events.update(sessionId, changes, options),
    async addEvents(sessionId, added, options) {
      const path = `/v1/sessions/${toPathPart(sessionId, 'sessionId', 'sessions.addEvents')}/events/batch`
      const listed = toWireList(added, NEW_EVENT, 'sessions.addEvents')
      const body = { events: listed.map((event) => ({ inputs: {}, event_id: randomUUID(), ...event })) }
      await send({ method: 'POST', path, body, isRepeatable: true }, options)
    },
    async get(sessionId, options) {
      const reply = await send({ method: 'GET', path: `/session/${toPathPart(sessionId, 'sessionId', 'sessions.get')}` }, options)
      return toTree(isObject(reply) && isObject(reply.request) ? reply.request : reply)
    },
    async delete(sessionId, options) {
      await send({ method: 'DELETE', path: `/v1/sessions/${toPathPart(sessionId, 'sessionId', 'sessions.delete')}` }, options)
    },
    list(query = {}, options) {
      const filters = Array.isArray(query.filters) ? [ONLY_SESSIONS, ...query.filters] : query.filters
      return listEvents(send, { ...query, filters: filters ?? [ONLY_SESSIONS] }, options, 'sessions.list')
    },
  }
}

/** Without recursion: a conversation may be deeper than the stack. */
function toTree(root: unknown): SessionTree {
  const top = fromWire<SessionTree & { children: unknown }>(root)
  const waiting: { children: unknown }[] = [top]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const children: { children: unknown }[] = (Array.isArray(node.children) ? node.children : []).map((child) =>
      fromWire<SessionTree & { children: unknown }>(child),
    )
    node.children = children
    waiting.push(...children)
  }
  return top
}

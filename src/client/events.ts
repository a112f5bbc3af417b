import { toJsonText } from '../builtins.js'
import { randomUUID } from 'node:crypto'
import { isObject, type JsonObject } from '../otlp/json.js'
import { BUCKETS, type Buckets } from './buckets.js'
import {
  count,
  FIGURE,
  type Fields,
  FLAG,
  fromWire,
  fromWireList,
  MOMENT,
  NAME,
  OBJECT,
  oneOf,
  required,
  TEXT,
  TEXTS,
  toPathPart,
  toReplyId,
  toWire,
  toWireList,
} from './fields.js'
import { DATE_RANGE, type DateRange, type EventFilter, FILTERS, toFilters } from './filter.js'
import type { Query, RequestOptions, Send } from './request.js'
import { createResults, type LoadedPage, type Results } from './results.js'

/** The kinds of events. */
export type ClientEventType = 'session' | 'model' | 'tool' | 'chain'

/** A new event. */
export interface NewEvent extends Buckets {
  readonly eventType: ClientEventType
  /** A UUID. @defaultValue a new one, so that a call that is repeated makes one event */
  readonly eventId?: string
  readonly eventName?: string
  readonly sessionId?: string
  /** Event above it. @defaultValue the session */
  readonly parentId?: string
  readonly childrenIds?: readonly string[]
  readonly source?: string
  readonly error?: string
  /** Milliseconds since 1970, or a date. */
  readonly startTime?: number | Date
  /** Milliseconds since 1970, or a date. */
  readonly endTime?: number | Date
  /** Milliseconds. */
  readonly duration?: number
}

/** What can be changed of an event. Buckets are merged into what is there; `outputs` replace it. */
export interface EventChanges extends Omit<Buckets, 'inputs'> {
  /** Milliseconds since 1970, or a date. */
  readonly endTime?: number | Date
  /** Milliseconds. */
  readonly duration?: number
  readonly childrenIds?: readonly string[]
}

/** An event as the server has it. Servers may add fields. */
export interface StoredEvent extends Buckets {
  readonly eventId: string
  readonly sessionId?: string
  readonly parentId?: string | null
  readonly childrenIds?: readonly string[]
  readonly eventType?: ClientEventType
  readonly eventName?: string
  readonly source?: string
  readonly error?: string | null
  /** Milliseconds since 1970. */
  readonly startTime?: number
  /** Milliseconds since 1970. */
  readonly endTime?: number
  /** Milliseconds. */
  readonly duration?: number
  readonly [field: string]: unknown
}

/** Which events are listed. */
export interface ListEvents {
  /** All of them have to hold. */
  readonly filters?: readonly EventFilter[]
  readonly dateRange?: DateRange
  /** Fields to give, by their names in the API. @defaultValue all */
  readonly projections?: readonly string[]
  /** Only those of this experiment run. */
  readonly evaluationId?: string
  /** Events asked for with one request, at most 7,500. @defaultValue 1_000 */
  readonly pageSize?: number
  /** Page to begin with. @defaultValue 1 */
  readonly page?: number
}

/** Several new events at once. */
export interface NewEvents {
  readonly events: readonly NewEvent[]
  /** Whether all belong to one new session. @defaultValue false */
  readonly singleSession?: boolean
  /** Of that session, by the names of the API. */
  readonly sessionProperties?: Readonly<Record<string, unknown>>
}

/** Which events {@link EventsResource.schema} is about. */
export interface SchemaOptions {
  readonly dateRange?: DateRange
  /** An experiment run. */
  readonly evaluationId?: string
}

/** Which fields events have. */
export interface EventSchema {
  readonly fields: readonly { readonly name: string; readonly eventType: string }[]
  readonly datasets: readonly string[]
  /** By bucket, as the server has it. */
  readonly mappings: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
}

/** Sessions and the calls in them. */
export interface EventsResource {
  /** `POST /events`. @returns the event's id. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(event: NewEvent, options?: RequestOptions): Promise<{ eventId: string }>
  /** `PUT /events`: adds to an event, or to a session by its id. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(eventId: string, changes: EventChanges, options?: RequestOptions): Promise<void>
  /** `POST /events/batch`. @returns ids in the order of the events. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  createBatch(batch: NewEvents, options?: RequestOptions): Promise<{ eventIds: string[]; sessionId: string | undefined }>
  /** `GET /v1/events/{id}`. @throws HoneyHiveRequestError, with status 404 where there is none */
  get(eventId: string, options?: RequestOptions): Promise<StoredEvent>
  /** `POST /v1/events/export`, newest first. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListEvents, options?: RequestOptions): Results<StoredEvent>
  /** `GET /v1/events/schema`. @throws HoneyHiveRequestError */
  schema(query?: SchemaOptions, options?: RequestOptions): Promise<EventSchema>
}

/** Most events of one page of an export. */
const MAX_PAGE_SIZE = 7_500
const PAGE_SIZE = 1_000

export const NEW_EVENT: Fields<NewEvent> = {
  ...BUCKETS,
  eventType: required(oneOf(['session', 'model', 'tool', 'chain'])),
  eventId: NAME,
  eventName: TEXT,
  sessionId: NAME,
  parentId: NAME,
  childrenIds: TEXTS,
  source: TEXT,
  error: TEXT,
  startTime: MOMENT,
  endTime: MOMENT,
  duration: FIGURE,
}

const { inputs: _, ...CHANGED } = BUCKETS
const EVENT_CHANGES: Fields<EventChanges> = { ...CHANGED, endTime: MOMENT, duration: FIGURE, childrenIds: TEXTS }

const LIST_EVENTS: Fields<ListEvents> = {
  filters: FILTERS,
  dateRange: DATE_RANGE,
  projections: TEXTS,
  evaluationId: NAME,
  pageSize: { ...count(1, MAX_PAGE_SIZE), wire: 'limit' },
  page: count(1, Number.MAX_SAFE_INTEGER),
}

const NEW_EVENTS: Fields<NewEvents> = {
  events: required({ accepts: Array.isArray, expected: 'a list of events', remedy: 'Give a list.', secret: true }),
  singleSession: FLAG,
  sessionProperties: OBJECT,
}

export const SCHEMA_OPTIONS: Fields<SchemaOptions> = { dateRange: DATE_RANGE, evaluationId: NAME }

/** The resource over `send`. */
export function createEvents(send: Send): EventsResource {
  return {
    async create(event, options) {
      const body = { event: toNewWire(event, 'events.create') }
      // With an id of our own, an event that is sent twice is stored once.
      const reply = await send({ method: 'POST', path: '/events', body, isRepeatable: true }, options)
      return { eventId: toReplyId(isObject(reply) ? reply.event_id : undefined, 'POST /events') }
    },
    async update(eventId, changes, options) {
      toPathPart(eventId, 'eventId', 'events.update')
      const body = { event_id: eventId, ...toWire(changes, EVENT_CHANGES, 'events.update') }
      await send({ method: 'PUT', path: '/events', body }, options)
    },
    async createBatch(batch, options) {
      const { events: given, ...rest } = toWire(batch, NEW_EVENTS, 'events.createBatch')
      const listed = toWireList(given as readonly NewEvent[], NEW_EVENT, 'events.createBatch')
      const events = listed.map((event) => ({ inputs: {}, event_id: randomUUID(), ...event }))
      const reply = await send(
        { method: 'POST', path: '/events/batch', body: { events, ...rest }, isRepeatable: rest.single_session !== true },
        options,
      )
      return fromWire<{ eventIds: string[]; sessionId: string | undefined }>(reply)
    },
    async get(eventId, options) {
      const reply = await send({ method: 'GET', path: `/v1/events/${toPathPart(eventId, 'eventId', 'events.get')}` }, options)
      return fromWire<StoredEvent>(isObject(reply) ? (reply.event ?? reply) : reply)
    },
    list: (query = {}, options) => listEvents(send, query, options, 'events.list'),
    async schema(query = {}, options) {
      const wire = toWire(query, SCHEMA_OPTIONS, 'events.schema')
      return readSchema(await send({ method: 'GET', path: '/v1/events/schema', query: toSchemaQuery(wire) }, options))
    },
  }
}

/** Of the fields that events have. */
export function readSchema(reply: unknown): EventSchema {
  const { fields, datasets, mappings } = isObject(reply) ? reply : {}
  return {
    fields: fromWireList<EventSchema['fields'][number]>(fields),
    datasets: Array.isArray(datasets) ? datasets.map(String) : [],
    mappings: isObject(mappings) ? (mappings as EventSchema['mappings']) : {},
  }
}

/** An object in a query travels as JSON. */
export function toSchemaQuery({ dateRange, evaluation_id: evaluationId }: JsonObject): Query {
  return {
    dateRange: dateRange === undefined ? undefined : toJsonText(dateRange),
    evaluation_id: typeof evaluationId === 'string' ? evaluationId : undefined,
  }
}

/** Events, newest first. */
export function listEvents(send: Send, query: ListEvents, options: RequestOptions | undefined, where: string): Results<StoredEvent> {
  const { filters = [], limit = PAGE_SIZE, page: from = 1, ...rest } = toWire(query, LIST_EVENTS, where)
  const conditions = toFilters(filters as readonly EventFilter[], where)
  async function load(page: number): Promise<LoadedPage<StoredEvent>> {
    const body = { filters: conditions, limit, page, ...rest }
    const reply = await send({ method: 'POST', path: '/v1/events/export', body, isRepeatable: true }, options)
    const { events, totalEvents, count: counted } = isObject(reply) ? reply : {}
    const items = fromWireList<StoredEvent>(events)
    const total = [totalEvents, counted].find((value) => typeof value === 'number')
    return { items, page, total }
  }
  return createResults(load, { from: Number(from), idOf: (event) => event.eventId })
}

/** A new event as the API has it. */
export function toNewWire(event: NewEvent, where: string): Record<string, unknown> {
  return { inputs: {}, event_id: randomUUID(), ...toWire(event, NEW_EVENT, where) }
}

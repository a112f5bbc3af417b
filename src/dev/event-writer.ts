/** Puts events into the store: one row per span or id, totals of its session, links, and updates that came before it. */
import type { Database, Row } from './database.js'
import {
  applyPatch,
  type Contribution,
  type EventPatch,
  type EventRecord,
  mergeBodies,
  mergePatches,
  NO_CONTRIBUTION,
  toBody,
  toContribution,
  toModel,
} from './event-record.js'
import { toEventId } from './ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject } from './json.js'
import { createSessionTotals, type SessionOrigin, type SessionState, type SessionTotals, toTotals } from './session-totals.js'
import type { Changes } from './write-queue.js'

/** What a new event brings; the id of a span's event is chosen here. */
export type NewEvent = Omit<EventRecord, 'id'> & { readonly id: string | undefined }

/** Works inside one write. */
export interface EventWriter {
  /** Stores an event, or merges it into the one of the same span or id. Gives back its id. */
  put(event: NewEvent): string
  /** Creates or completes the record of a session. */
  putSession(session: EventRecord, origin: SessionOrigin): void
  /** Whether the session has a record of its own. */
  hasRecord(projectId: number, sessionId: string): boolean
  /** Applies `patch` to the event in the first of `projectIds` that has it, or keeps it for when the event arrives. */
  update(projectIds: readonly number[], keyHash: string, eventId: string, patch: EventPatch): void
  /** Event id of a span, whether it has arrived or not. */
  eventIdOf(projectId: number, traceId: string, spanId: string): string
  /** Writes the totals of the touched sessions. Call last. */
  finish(): void
}

/** Builds the writer of one write. `keyHash` is the sender's: updates only meet events of the same sender. */
export function createEventWriter(database: Database, changes: Changes, keyHash: string, nowMs: number): EventWriter {
  const sessions = createSessionTotals(database, nowMs)
  const hasPending = database.get('SELECT 1 AS found FROM pending_updates LIMIT 1') !== undefined
  const store = { database, changes, sessions, nowMs }

  function put(event: NewEvent): string {
    const present = findPresent(database, event)
    const id = present === undefined ? chooseId(database, event) : String(present.id)
    const pending = present === undefined && hasPending ? takePending(database, keyHash, id) : undefined
    const before = present === undefined ? undefined : readBody(database, Number(present.key))
    const merged = before === undefined ? event : { ...event, body: mergeBodies(before.body, event.body) }
    const patch = before?.patch ?? pending
    const record = patch === undefined ? { ...merged, id } : applyPatch({ ...merged, id }, patch)
    save(store, record, present, patch)
    if (event.spanId !== null && event.traceId !== null && id !== toEventId(event.projectId, event.traceId, event.spanId))
      adoptChildren(database, record)
    return id
  }

  return {
    put,
    putSession(session, origin) {
      const state = sessions.open(session.projectId, session.sessionId, session.startMs)
      const isKnown = state.origin !== 'orphan'
      if (!isKnown || (state.origin === 'auto' && origin === 'explicit')) {
        state.name = session.name
        state.source = session.source
        state.origin = origin
      }
      put(session)
    },
    hasRecord: (projectId, sessionId) => {
      const state = sessions.find(projectId, sessionId)
      return state !== undefined && state.origin !== 'orphan'
    },
    update(projectIds, sender, eventId, patch) {
      for (const projectId of projectIds) {
        const row = database.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, eventId)
        if (row === undefined) continue
        const { body, patch: earlier } = readBody(database, Number(row.key))
        const record = applyPatch({ ...fromRow(row), body }, patch)
        save(store, record, row, earlier === undefined ? patch : mergePatches(earlier, patch))
        return
      }
      addPending(database, sender, eventId, patch, nowMs)
    },
    eventIdOf(projectId, traceId, spanId) {
      const row = database.get('SELECT id FROM events WHERE trace_id = ? AND span_id = ? AND project_id = ?', traceId, spanId, projectId)
      return row === undefined ? toEventId(projectId, traceId, spanId) : String(row.id)
    },
    finish() {
      sessions.save()
      for (const { runId, projectId } of sessions.runs()) adoptRun(database, keyHash, runId, projectId)
    },
  }
}

interface Store {
  readonly database: Database
  readonly changes: Changes
  readonly sessions: SessionTotals
  readonly nowMs: number
}

function findPresent(database: Database, { projectId, traceId, spanId, id }: NewEvent): Row | undefined {
  if (traceId !== null && spanId !== null) {
    const row = database.get('SELECT * FROM events WHERE trace_id = ? AND span_id = ? AND project_id = ?', traceId, spanId, projectId)
    if (row !== undefined) return row
  }
  if (id === undefined) return undefined
  const row = database.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, id)
  // Another span may claim the same id; it then gets its own event under the id its span has.
  return row !== undefined && spanId !== null && (row.span_id !== null || row.type === 'session') ? undefined : row
}

function chooseId(database: Database, { projectId, traceId, spanId, id }: NewEvent): string {
  const isFree =
    id !== undefined && database.get('SELECT 1 AS found FROM events WHERE project_id = ? AND id = ?', projectId, id) === undefined
  if (isFree) return id
  return traceId !== null && spanId !== null ? toEventId(projectId, traceId, spanId) : (id ?? '')
}

function save(
  { database, changes, sessions, nowMs }: Store,
  record: EventRecord,
  present: Row | undefined,
  patch: EventPatch | undefined,
): void {
  const contribution = toContribution(record)
  const key = present === undefined ? insertEvent(database, record, contribution, nowMs) : Number(present.key)
  if (present !== undefined) updateEvent(database, key, record, contribution)
  saveBody(database, key, record, patch)
  if (present === undefined || record.links.length > 0) saveLinks(database, key, record)
  const before = present === undefined ? NO_CONTRIBUTION : toContributionOf(present)
  const session = addToSession(sessions, record, before, contribution, present)
  changes.event(record.projectId, record.sessionId, record.id)
  // Whatever happens in a session of a run changes the sums of that run.
  if (session.runId !== null) changes.run(record.projectId, session.runId)
}

function addToSession(
  sessions: SessionTotals,
  record: EventRecord,
  before: Contribution,
  after: Contribution,
  present: Row | undefined,
): SessionState {
  const session = sessions.open(record.projectId, record.sessionId, record.startMs)
  const movedFrom = present !== undefined && present.session_id !== record.sessionId ? String(present.session_id) : undefined
  if (movedFrom !== undefined) {
    const old = sessions.find(record.projectId, movedFrom)
    if (old !== undefined) sessions.contribute(old, before, NO_CONTRIBUTION, old.startMs, old.endMs)
  }
  sessions.contribute(session, movedFrom === undefined ? before : NO_CONTRIBUTION, after, record.startMs, record.endMs)
  if (session.origin === 'orphan' && record.parentId === record.sessionId) nameOrphan(session, record)
  session.runId ??= toNonEmptyText(record.body.metadata.run_id) ?? null
  return session
}

/** A session nobody named shows what its root does. */
function nameOrphan(session: SessionState, record: EventRecord): void {
  session.name = record.name
  session.source = record.source
}

function insertEvent(database: Database, record: EventRecord, sum: Contribution, nowMs: number): number {
  const row = database.get(
    `INSERT INTO events (project_id, id, session_id, parent_id, type, name, source, start_ms, end_ms, duration_ms, error, prompt_tokens,
       completion_tokens, total_tokens, cost, has_feedback, model, links, trace_id, span_id, parent_span_id, run_id, datapoint_id, process_id, received_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key`,
    record.projectId,
    record.id,
    ...toColumns(record, sum),
    record.traceId,
    record.spanId,
    record.parentSpanId,
    toNonEmptyText(record.body.metadata.run_id),
    toNonEmptyText(record.body.metadata.datapoint_id),
    record.processId,
    nowMs,
  )
  return Number(row?.key)
}

function updateEvent(database: Database, key: number, record: EventRecord, sum: Contribution): void {
  database.run(
    `UPDATE events SET session_id = ?, parent_id = ?, type = ?, name = ?, source = ?, start_ms = ?, end_ms = ?, duration_ms = ?, error = ?,
       prompt_tokens = ?, completion_tokens = ?, total_tokens = ?, cost = ?, has_feedback = ?, model = ?, links = max(links, ?),
       trace_id = coalesce(?, trace_id), span_id = coalesce(?, span_id), parent_span_id = coalesce(?, parent_span_id),
       run_id = ?, datapoint_id = ?, process_id = coalesce(?, process_id) WHERE key = ?`,
    ...toColumns(record, sum),
    record.traceId,
    record.spanId,
    record.parentSpanId,
    toNonEmptyText(record.body.metadata.run_id),
    toNonEmptyText(record.body.metadata.datapoint_id),
    record.processId,
    key,
  )
}

function toColumns(record: EventRecord, sum: Contribution): (string | number | boolean | null)[] {
  return [
    record.sessionId,
    record.parentId,
    record.type,
    record.name,
    record.source,
    record.startMs,
    record.endMs,
    record.durationMs,
    record.error,
    sum.promptTokens,
    sum.completionTokens,
    sum.totalTokens,
    sum.cost,
    sum.hasFeedback,
    toModel(record.body),
    record.links.length,
  ]
}

function saveBody(database: Database, key: number, { body }: EventRecord, patch: EventPatch | undefined): void {
  const { inputs, outputs, ...rest } = body
  database.run(
    'INSERT INTO bodies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET inputs = excluded.inputs, outputs = excluded.outputs, rest = excluded.rest, patch = excluded.patch',
    key,
    JSON.stringify(inputs),
    JSON.stringify(outputs),
    JSON.stringify(rest),
    patch === undefined ? null : JSON.stringify(patch),
  )
}

function saveLinks(database: Database, key: number, { links, traceId, spanId }: EventRecord): void {
  if (links.length === 0 || traceId === null || spanId === null) return
  database.run('DELETE FROM links WHERE event_key = ?', key)
  for (const link of links) {
    const kind = toNonEmptyText(link.attributes['honeyhive.link']) ?? null
    database.run(
      'INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)',
      key,
      traceId,
      spanId,
      link.traceId,
      link.spanId,
      kind,
      JSON.stringify(link.attributes),
    )
  }
}

/** Children that arrived first pointed at the id this span would have had without one of its own. */
function adoptChildren(database: Database, { projectId, id, traceId, spanId }: EventRecord): void {
  database.run(
    'UPDATE events SET parent_id = ? WHERE trace_id = ? AND parent_span_id = ? AND project_id = ?',
    id,
    traceId,
    spanId,
    projectId,
  )
}

/** A run created without a label belongs where its sessions are, once one of the same sender's projects has them. */
function adoptRun(database: Database, keyHash: string, runId: string, projectId: number): void {
  database.run(
    `UPDATE runs SET project_id = ? WHERE id = ? AND project_id <> ? AND project_id IN (SELECT project_id FROM project_keys WHERE key_hash = ? AND label = '')`,
    projectId,
    runId,
    projectId,
    keyHash,
  )
}

/** Reads a stored body and the updates already applied to it. */
export function readBody(database: Database, key: number): { body: EventRecord['body']; patch: EventPatch | undefined } {
  const row = database.get('SELECT * FROM bodies WHERE key = ?', key)
  const body = toBody({ ...parse(row?.rest), inputs: parse(row?.inputs), outputs: parse(row?.outputs) })
  return { body, patch: typeof row?.patch === 'string' ? (parse(row.patch) as EventPatch) : undefined }
}

function parse(text: unknown): JsonObject {
  return typeof text === 'string' ? toObject(JSON.parse(text)) : {}
}

function fromRow(row: Row): Omit<EventRecord, 'body'> {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    projectId: Number(row.project_id),
    id: String(row.id),
    sessionId: String(row.session_id),
    parentId: text(row.parent_id),
    type: String(row.type),
    name: String(row.name),
    source: String(row.source),
    startMs: Number(row.start_ms),
    endMs: Number(row.end_ms),
    durationMs: Number(row.duration_ms),
    error: text(row.error),
    traceId: text(row.trace_id),
    spanId: text(row.span_id),
    parentSpanId: text(row.parent_span_id),
    processId: text(row.process_id),
    links: [],
  }
}

function toContributionOf(row: Row): Contribution {
  if (row.type === 'session') return { ...NO_CONTRIBUTION, hasFeedback: row.has_feedback === 1 }
  return { ...toTotals(row), events: 1, modelEvents: row.type === 'model' ? 1 : 0, errors: row.error === null ? 0 : 1 }
}

function addPending(database: Database, keyHash: string, eventId: string, patch: EventPatch, nowMs: number): void {
  const row = database.get('SELECT patch FROM pending_updates WHERE event_id = ? AND key_hash = ?', eventId, keyHash)
  const whole = row === undefined ? patch : mergePatches(parse(row.patch) as EventPatch, patch)
  database.run(
    'INSERT INTO pending_updates VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET patch = excluded.patch, received_ms = excluded.received_ms',
    keyHash,
    eventId,
    JSON.stringify(whole),
    nowMs,
  )
}

function takePending(database: Database, keyHash: string, eventId: string): EventPatch | undefined {
  const row = database.get('DELETE FROM pending_updates WHERE event_id = ? AND key_hash = ? RETURNING patch', eventId, keyHash)
  const patch: unknown = row === undefined ? undefined : JSON.parse(String(row.patch))
  return isObject(patch) ? (patch as EventPatch) : undefined
}

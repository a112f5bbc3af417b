/** Puts events into the store: one row per span or id, totals of its session, links, and updates that came before it. */
import type { Transaction } from './change-queue.js'
import type { Row } from './database.js'
import {
  applyPatch,
  type Contribution,
  type EventPatch,
  type EventRecord,
  mergeBodies,
  mergePatches,
  NO_CONTRIBUTION,
  readCost,
  toContribution,
  toUser,
  withDates,
} from './event-record.js'
import { insertEvent, readBody, saveBody, saveLinks, saveSums, toContributionOf, toRecord, updateEvent } from './event-rows.js'
import type { PriceTable } from '../prices/price-table.js'
import { toEventId } from './ids.js'
import { toNonEmptyText } from '../../otlp/json.js'
import { addPending, hasPendingUpdates, takePending } from './pending-updates.js'
import { settleUsage, type Uncounted } from './repeated-usage.js'
import { addToPreview } from './session-preview.js'
import { createSessionTotals, type SessionOrigin, type SessionState, type SessionTotals } from './session-totals.js'

/** Works inside one write. */
export interface EventWriter {
  /** Stores an event, or merges it into the one of the same span or id. Gives back its id. */
  put(event: EventRecord): string
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
export function createEventWriter(tx: Transaction, keyHash: string, prices: PriceTable): EventWriter {
  const sessions = createSessionTotals(tx)
  const hasPending = hasPendingUpdates(tx)
  const spanEvents = new Map<string, string>()
  const store = { tx, sessions, prices }

  function put(event: EventRecord): string {
    const present = findPresent(tx, event)
    const id = present === undefined ? chooseId(tx, event) : String(present.id)
    const pending = present === undefined && hasPending ? takePending(tx, keyHash, id) : undefined
    const before = present === undefined ? undefined : readBody(tx, Number(present.key))
    const merged = before === undefined ? event : { ...event, body: mergeBodies(before.body, event.body) }
    const patch = before?.patch ?? pending
    const own = { ...merged, id }
    const record = patch === undefined ? own : applyPatch(own, patch)
    save(store, record, present, patch)
    if (event.spanId === null) return id
    spanEvents.set(`${event.projectId} ${event.traceId} ${event.spanId}`, id)
    // Only an id of the span's own choice differs from the one its children assumed.
    if (event.id !== ownIdOf(event)) adoptChildren(tx, record)
    return id
  }

  return {
    put,
    putSession(given, origin) {
      const session = withDates(given)
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
        const row = tx.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, eventId)
        if (row === undefined) continue
        const { body, patch: earlier } = readBody(tx, Number(row.key))
        const record = applyPatch({ ...toRecord(row), body }, patch)
        save(store, record, row, earlier === undefined ? patch : mergePatches(earlier, patch))
        return
      }
      addPending(tx, sender, eventId, patch)
    },
    eventIdOf(projectId, traceId, spanId) {
      const name = `${projectId} ${traceId} ${spanId}`
      const known = spanEvents.get(name)
      if (known !== undefined) return known
      const row = tx.get('SELECT id FROM events WHERE trace_id = ? AND span_id = ? AND project_id = ?', traceId, spanId, projectId)
      const id = row === undefined ? toEventId(projectId, traceId, spanId) : String(row.id)
      spanEvents.set(name, id)
      return id
    },
    finish() {
      sessions.save()
      for (const { runId, projectId } of sessions.runs()) adoptRun(tx, keyHash, runId, projectId)
    },
  }
}

interface Store {
  readonly prices: PriceTable
  readonly tx: Transaction
  readonly sessions: SessionTotals
}

/** The id an event has because of its span. */
function ownIdOf({ projectId, traceId, spanId }: EventRecord): string | undefined {
  return traceId === null || spanId === null ? undefined : toEventId(projectId, traceId, spanId)
}

function findPresent(tx: Transaction, { projectId, traceId, spanId, id }: EventRecord): Row | undefined {
  if (traceId !== null && spanId !== null) {
    const row = tx.get('SELECT * FROM events WHERE trace_id = ? AND span_id = ? AND project_id = ?', traceId, spanId, projectId)
    if (row !== undefined) return row
  }
  const row = tx.get('SELECT * FROM events WHERE project_id = ? AND id = ?', projectId, id)
  // Another span may claim the same id; it then gets its own event under the id its span has.
  return row !== undefined && spanId !== null && (row.span_id !== null || row.type === 'session') ? undefined : row
}

function chooseId(tx: Transaction, event: EventRecord): string {
  const ownId = ownIdOf(event)
  if (ownId === undefined || event.id === ownId) return event.id
  const isTaken = tx.get('SELECT 1 AS found FROM events WHERE project_id = ? AND id = ?', event.projectId, event.id) !== undefined
  return isTaken ? ownId : event.id
}

function save({ tx, sessions, prices }: Store, given: EventRecord, present: Row | undefined, patch: EventPatch | undefined): void {
  const record = withDates(given)
  const { contribution, uncounted } = settleUsage(tx, record, toContribution(record, prices))
  const summed = { ...contribution, costSource: readCost(record, prices).source }
  const key = present === undefined ? insertEvent(tx, record, summed) : Number(present.key)
  if (present !== undefined) updateEvent(tx, present, record, summed)
  saveBody(tx, key, record, patch)
  saveLinks(tx, key, record)
  const before = present === undefined ? NO_CONTRIBUTION : toContributionOf(present)
  const session = addToSession(sessions, record, before, contribution, present)
  for (const wrapper of uncounted) uncount(tx, sessions, record.projectId, wrapper)
  tx.changes.event(record.projectId, record.sessionId, record.id)
  // Whatever happens in a session of a run changes the sums of that run.
  if (session.runId !== null) tx.changes.run(record.projectId, session.runId)
}

function uncount(tx: Transaction, sessions: SessionTotals, projectId: number, { key, sessionId, before, after }: Uncounted): void {
  saveSums(tx, key, after)
  const session = sessions.find(projectId, sessionId)
  if (session !== undefined) sessions.contribute(session, before, after, session.startMs, session.endMs)
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
  session.user ??= toUser(record.body)
  session.preview = addToPreview(session.preview, record)
  return session
}

/** A session nobody named shows what its root does. */
function nameOrphan(session: SessionState, record: EventRecord): void {
  session.name = record.name
  session.source = record.source
}

/** Children that arrived first pointed at the id this span would have had without one of its own. */
function adoptChildren(tx: Transaction, { projectId, id, traceId, spanId }: EventRecord): void {
  tx.run('UPDATE events SET parent_id = ? WHERE trace_id = ? AND parent_span_id = ? AND project_id = ?', id, traceId, spanId, projectId)
}

/** A run created without a label belongs where its sessions are, once one of the same sender's projects has them. */
function adoptRun(tx: Transaction, keyHash: string, runId: string, projectId: number): void {
  tx.run(
    `UPDATE runs SET project_id = ? WHERE id = ? AND project_id <> ? AND project_id IN (SELECT project_id FROM project_keys WHERE key_hash = ? AND label = '')`,
    projectId,
    runId,
    projectId,
    keyHash,
  )
}

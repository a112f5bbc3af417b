/**
 * Sessions and runs that were deleted and can be brought back for an hour. They are kept under the negative of their project's
 * id, where nothing looks for them.
 */
import type { Transaction } from './change-queue.js'
import type { Row } from './database.js'
import { removeKeys, removeSession } from './session-removal.js'
import { toUpdate, toUpsert } from './statement.js'
import type { Store } from './store.js'

/** How long what was deleted can be brought back, in milliseconds. */
export const TRASH_MS = 3_600_000
/** Events that one transaction moves; requests that wait get their turn between two. */
const EVENTS_PER_STEP = 2_000

/** Deletes a session so that it can be brought back; false when there is none. */
export async function hideSession(store: Store, projectId: number, id: string): Promise<boolean> {
  const isThere = await store.change((tx) => {
    const session = findSession(tx, projectId, id)
    if (session === undefined) return false
    // Deleted a second time, only what was there last can be brought back.
    removeSession(tx, -projectId, id)
    const last = tx.get('SELECT max(key) AS key FROM events WHERE project_id = ? AND session_id = ?', projectId, id)
    tx.run(...toUpdate('sessions', { project_id: -projectId }, { project_id: projectId, id }))
    const row = { kind: 'session', project_id: projectId, id, deleted_ms: tx.nowMs, up_to: last?.key ?? null }
    tx.run(...toUpsert('trash', ['kind', 'project_id', 'id'], row))
    touch(tx, projectId, id, session)
    return true
  })
  while (isThere && (await store.change((tx) => hideEvents(tx, projectId, id)))) {
    // The next step is a transaction of its own.
  }
  return isThere
}

/** One step of moving the events of a deleted session; true when there are more. */
export function hideEvents(tx: Transaction, projectId: number, id: string): boolean {
  const upTo = tx.get("SELECT up_to FROM trash WHERE kind = 'session' AND project_id = ? AND id = ?", projectId, id)?.up_to ?? null
  // What arrived after the deletion is a new session.
  const keys = tx.all(
    'SELECT key FROM events WHERE project_id = ? AND session_id = ? AND key <= ? LIMIT ?',
    projectId,
    id,
    upTo,
    EVENTS_PER_STEP,
  )
  tx.run('UPDATE events SET project_id = ? WHERE key IN (SELECT value FROM json_each(?))', -projectId, toList(keys))
  if (keys.length === EVENTS_PER_STEP) return true
  tx.run(...toUpdate('trash', { up_to: null }, { kind: 'session', project_id: projectId, id }))
  return false
}

/** Brings a deleted session back; false when it was not deleted, or too long ago. */
export async function restoreSession(store: Store, projectId: number, id: string): Promise<boolean> {
  for (;;) {
    const step = await store.change((tx) => restoreEvents(tx, projectId, id))
    if (step !== 'more') return step === 'done'
  }
}

function restoreEvents(tx: Transaction, projectId: number, id: string): 'more' | 'done' | 'absent' {
  const session = findSession(tx, -projectId, id)
  if (session === undefined) return 'absent'
  tx.run(...toUpdate('trash', { up_to: null }, { kind: 'session', project_id: projectId, id }))
  const rows = tx.all('SELECT key FROM events WHERE project_id = ? AND session_id = ? LIMIT ?', -projectId, id, EVENTS_PER_STEP)
  const again = tx.all(SENT_AGAIN, projectId, toList(rows))
  removeKeys(tx, again)
  tx.run('UPDATE events SET project_id = ? WHERE key IN (SELECT value FROM json_each(?))', projectId, toList(rows))
  if (rows.length === EVENTS_PER_STEP) return 'more'
  tx.run('DELETE FROM sessions WHERE project_id = ? AND id = ?', projectId, id)
  tx.run(...toUpdate('sessions', { project_id: projectId, touched_ms: tx.nowMs }, { project_id: -projectId, id }))
  // Events may have arrived meanwhile, or once more.
  const sums = readSums(tx, projectId, id)
  if (sums !== undefined) tx.run(...toUpdate('sessions', sums, { project_id: projectId, id }))
  forget(tx, 'session', projectId, id)
  touch(tx, projectId, id, session)
  return 'done'
}

/** Events of the trash that came once more after they were deleted: the newer ones stay. */
const SENT_AGAIN = `SELECT e.key FROM events e JOIN events n ON n.project_id = ?
    AND (n.id = e.id OR (n.trace_id = e.trace_id AND n.span_id = e.span_id)) WHERE e.key IN (SELECT value FROM json_each(?))`

/** What the events of a session add up to, by column of `sessions`. */
const SUMS = {
  start_ms: 'min(start_ms)',
  end_ms: 'max(end_ms)',
  events: "sum(type <> 'session')",
  model_events: "sum(type = 'model')",
  errors: "sum(type <> 'session' AND error IS NOT NULL)",
  prompt_tokens: 'sum(prompt_tokens)',
  completion_tokens: 'sum(completion_tokens)',
  total_tokens: 'sum(total_tokens)',
  cost: 'sum(cost)',
  unpriced: "coalesce(sum(cost_source = 'unknown' AND total_tokens > 0), 0)",
  has_feedback: 'max(has_feedback)',
} as const

function readSums(tx: Transaction, projectId: number, id: string): Row | undefined {
  const columns = Object.entries(SUMS).map(([column, sql]) => `${sql} AS ${column}`)
  const row = tx.get(`SELECT ${columns.join()} FROM events WHERE project_id = ? AND session_id = ?`, projectId, id)
  if (row === undefined || row.start_ms === null) return undefined
  // An engine may add something of its own to a row.
  return Object.fromEntries(Object.keys(SUMS).map((column) => [column, row[column] ?? 0]))
}

/** Deletes a run so that it can be brought back; its sessions stay. False when there is none. */
export function hideRun(store: Store, projectId: number, id: string): Promise<boolean> {
  return store.change((tx) => {
    if (tx.get('SELECT 1 AS found FROM runs WHERE project_id = ? AND id = ?', projectId, id) === undefined) return false
    tx.run(...toUpdate('runs', { project_id: -projectId }, { id }))
    tx.run(
      ...toUpsert('trash', ['kind', 'project_id', 'id'], { kind: 'run', project_id: projectId, id, deleted_ms: tx.nowMs, up_to: null }),
    )
    tx.changes.run(projectId, id)
    return true
  })
}

/** Brings a deleted run back; false when it was not deleted, or too long ago. */
export function restoreRun(store: Store, projectId: number, id: string): Promise<boolean> {
  return store.change((tx) => {
    if (tx.get('SELECT 1 AS found FROM runs WHERE project_id = ? AND id = ?', -projectId, id) === undefined) return false
    tx.run(...toUpdate('runs', { project_id: projectId }, { id }))
    forget(tx, 'run', projectId, id)
    tx.changes.run(projectId, id)
    return true
  })
}

/** Forgets what was deleted before `beforeMs`, one thing of the trash at a time; true when there may be more. */
export function emptyTrash(tx: Transaction, beforeMs: number): boolean {
  // A deletion that was interrupted is finished first.
  const half = tx.get("SELECT project_id, id FROM trash WHERE kind = 'session' AND up_to IS NOT NULL LIMIT 1")
  if (half !== undefined) {
    hideEvents(tx, Number(half.project_id), String(half.id))
    return true
  }
  const row = tx.get('SELECT kind, project_id, id FROM trash WHERE deleted_ms < ? ORDER BY deleted_ms LIMIT 1', beforeMs)
  if (row === undefined) return false
  const [projectId, id] = [Number(row.project_id), String(row.id)]
  if (row.kind === 'run') tx.run(...toRemoval('runs', -projectId, id))
  else {
    const keys = tx.all('SELECT key FROM events WHERE project_id = ? AND session_id = ? LIMIT ?', -projectId, id, EVENTS_PER_STEP)
    removeKeys(tx, keys)
    if (keys.length === EVENTS_PER_STEP) return true
    tx.run(...toRemoval('sessions', -projectId, id))
  }
  forget(tx, String(row.kind), projectId, id)
  return true
}

function toRemoval(table: 'runs' | 'sessions', projectId: number, id: string): readonly [string, number, string] {
  return [`DELETE FROM ${table} WHERE project_id = ? AND id = ?`, projectId, id]
}

function forget(tx: Transaction, kind: string, projectId: number, id: string): void {
  tx.run('DELETE FROM trash WHERE kind = ? AND project_id = ? AND id = ?', kind, projectId, id)
}

function findSession(tx: Transaction, projectId: number, id: string): Row | undefined {
  return tx.get('SELECT run_id FROM sessions WHERE project_id = ? AND id = ?', projectId, id)
}

function touch(tx: Transaction, projectId: number, id: string, { run_id: runId = null }: Row): void {
  tx.changes.session(projectId, id)
  if (runId !== null) tx.changes.run(projectId, String(runId))
}

function toList(rows: readonly Row[]): string {
  return JSON.stringify(rows.map(({ key }) => key))
}

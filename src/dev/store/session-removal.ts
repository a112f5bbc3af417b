import type { Transaction } from './change-queue.js'
import type { Row } from './database.js'

/** Deletes a session with its events. */
export function removeSession(tx: Transaction, projectId: number, sessionId: string): void {
  removeEvents(tx, projectId, sessionId, -1)
  tx.run('DELETE FROM sessions WHERE project_id = ? AND id = ?', projectId, sessionId)
}

/** Deletes up to `most` events of a session, all for a negative number, and gives back how many went. */
export function removeEvents(tx: Transaction, projectId: number, sessionId: string, most: number): number {
  const keys = tx.all('SELECT key FROM events WHERE project_id = ? AND session_id = ? LIMIT ?', projectId, sessionId, most)
  removeKeys(tx, keys)
  return keys.length
}

/** Deletes events by the `key` of their rows. */
export function removeKeys(tx: Transaction, rows: readonly Row[]): void {
  const chosen = JSON.stringify(rows.map(({ key }) => key))
  for (const [table, column] of [
    ['bodies', 'key'],
    ['links', 'event_key'],
    ['events', 'key'],
  ] as const)
    tx.run(`DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`, chosen)
}

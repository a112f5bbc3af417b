import type { Database } from './database.js'

/** Deletes a session with its events. Call inside a write. */
export function removeSession(database: Database, projectId: number, sessionId: string): void {
  const ofSession = 'SELECT key FROM events WHERE project_id = ? AND session_id = ?'
  database.run(`DELETE FROM bodies WHERE key IN (${ofSession})`, projectId, sessionId)
  database.run(`DELETE FROM links WHERE event_key IN (${ofSession})`, projectId, sessionId)
  database.run('DELETE FROM events WHERE project_id = ? AND session_id = ?', projectId, sessionId)
  database.run('DELETE FROM sessions WHERE project_id = ? AND id = ?', projectId, sessionId)
}

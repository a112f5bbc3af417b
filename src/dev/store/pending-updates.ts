/** Updates of events that have not arrived. */
import type { Database } from './database.js'
import { type EventPatch, mergePatches } from './event-record.js'
import { toObject } from '../../otlp/json.js'

/** Whether any update waits. */
export function hasPendingUpdates(database: Database): boolean {
  return database.get('SELECT 1 AS found FROM pending_updates LIMIT 1') !== undefined
}

/** Keeps an update until its event arrives; several for one event become one. */
export function addPending(database: Database, keyHash: string, eventId: string, patch: EventPatch, nowMs: number): void {
  const row = database.get('SELECT patch FROM pending_updates WHERE event_id = ? AND key_hash = ?', eventId, keyHash)
  const whole = row === undefined ? patch : mergePatches(parsePatch(row.patch), patch)
  database.run(
    'INSERT INTO pending_updates VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET patch = excluded.patch, received_ms = excluded.received_ms',
    keyHash,
    eventId,
    JSON.stringify(whole),
    nowMs,
  )
}

/** Takes the update that waits for an event of this sender. */
export function takePending(database: Database, keyHash: string, eventId: string): EventPatch | undefined {
  const row = database.get('DELETE FROM pending_updates WHERE event_id = ? AND key_hash = ? RETURNING patch', eventId, keyHash)
  return row === undefined ? undefined : parsePatch(row.patch)
}

/** Written by this file and by nothing else. */
function parsePatch(text: unknown): EventPatch {
  return toObject(JSON.parse(String(text)))
}

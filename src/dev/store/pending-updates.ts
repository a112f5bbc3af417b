/** Updates of events that have not arrived. */
import type { Transaction } from './change-queue.js'
import { type EventPatch, mergePatches } from './event-record.js'
import { toObject } from '../../otlp/json.js'
import { toUpsert } from './statement.js'

/** Whether any update waits. */
export function hasPendingUpdates(tx: Transaction): boolean {
  return tx.get('SELECT 1 AS found FROM pending_updates LIMIT 1') !== undefined
}

/** Keeps an update until its event arrives; several for one event become one. */
export function addPending(tx: Transaction, keyHash: string, eventId: string, patch: EventPatch): void {
  const row = tx.get('SELECT patch FROM pending_updates WHERE event_id = ? AND key_hash = ?', eventId, keyHash)
  const whole = row === undefined ? patch : mergePatches(parsePatch(row.patch), patch)
  const waiting = { event_id: eventId, key_hash: keyHash, patch: JSON.stringify(whole), received_ms: tx.nowMs }
  tx.run(...toUpsert('pending_updates', ['event_id', 'key_hash'], waiting))
}

/** Takes the update that waits for an event of this sender. */
export function takePending(tx: Transaction, keyHash: string, eventId: string): EventPatch | undefined {
  const row = tx.get('DELETE FROM pending_updates WHERE event_id = ? AND key_hash = ? RETURNING patch', eventId, keyHash)
  return row === undefined ? undefined : parsePatch(row.patch)
}

/** Written by this file and by nothing else. */
function parsePatch(text: unknown): EventPatch {
  return toObject(JSON.parse(String(text)))
}

/** Keeps the database within its size and age by forgetting the sessions that were quiet longest. */
import type { Database } from './database.js'
import { removeSession } from './session-removal.js'

/** Limits of what is kept. */
export interface Retention {
  /** Largest size of the stored data in bytes. @defaultValue 2 GiB */
  readonly maxBytes?: number
  /** Longest time in milliseconds that a session is kept after something last arrived for it. @defaultValue 30 days */
  readonly maxAgeMs?: number
}

const DEFAULT_BYTES = 2_147_483_648
const DEFAULT_AGE_MS = 2_592_000_000
const SESSIONS_PER_STEP = 100
/** Deleting stops after this many steps; the next round goes on. One round must not hold up ingestion. */
const MAX_STEPS = 20

/** Deletes what is too old, then the oldest until the data fits. Call inside a write. Gives back how many sessions went. */
export function applyRetention(
  database: Database,
  { maxBytes = DEFAULT_BYTES, maxAgeMs = DEFAULT_AGE_MS }: Retention,
  nowMs: number,
): number {
  let removed = 0
  for (let step = 0; step < MAX_STEPS; step++) {
    const oldestMs = readSize(database) > maxBytes ? Number.MAX_SAFE_INTEGER : nowMs - maxAgeMs
    const rows = database.all(
      'SELECT project_id, id FROM sessions WHERE touched_ms < ? ORDER BY touched_ms LIMIT ?',
      oldestMs,
      SESSIONS_PER_STEP,
    )
    if (rows.length === 0) break
    for (const row of rows) removeSession(database, Number(row.project_id), String(row.id))
    removed += rows.length
  }
  database.run('DELETE FROM pending_updates WHERE received_ms < ?', nowMs - maxAgeMs)
  return removed
}

/** Bytes that hold data; pages already freed do not count. */
export function readSize(database: Database): number {
  const pragma = (name: string): number => Number(database.get(`PRAGMA ${name}`)?.[name] ?? 0)
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

/** Keeps the database within its size and age by forgetting the sessions that were quiet longest. */
import { clearInterval, setInterval } from '../../builtins.js'
import type { Transaction } from './change-queue.js'
import { DatabaseBusyError, DatabaseFullError, type Reader } from './database.js'
import { removeEvents, removeSession } from './session-removal.js'
import type { Store } from './store.js'
import { emptyTrash, TRASH_MS } from './trash.js'

/** Limits of what is kept. */
export interface Retention {
  /** Largest size of the stored data in bytes. @defaultValue 2 GiB */
  readonly maxBytes?: number
  /** Longest time in milliseconds that a session is kept after something last arrived for it. @defaultValue 30 days */
  readonly maxAgeMs?: number
}

const DEFAULT_BYTES = 2_147_483_648
const DEFAULT_AGE_MS = 2_592_000_000
const EVERY_MS = 60_000
/** Events that one transaction deletes; requests that wait get their turn between two. */
const EVENTS_PER_STEP = 2_000
const SESSIONS_PER_STEP = 50
const FREED_PAGES_PER_STEP = 500

/**
 * Forgets old sessions now and every minute. A full disk or a file held by another program only postpones it; `onProblem`
 * hears of anything else. Gives back how to stop.
 */
export function startRetention(store: Store, retention: Retention, onProblem: (error: unknown) => void): () => void {
  let isStopped = false
  const round = async (): Promise<void> => {
    try {
      while (!isStopped && (await store.change((tx) => applyRetention(tx, retention)))) {
        // The next step is a transaction of its own.
      }
    } catch (error) {
      if (!(error instanceof DatabaseFullError || error instanceof DatabaseBusyError) && !isStopped) onProblem(error)
    }
  }
  void round()
  const timer = setInterval(() => void round(), EVERY_MS).unref()
  return () => {
    isStopped = true
    clearInterval(timer)
  }
}

/** One step: deletes what is too old, or the oldest until the data fits. True when there may be more to delete. */
export function applyRetention(tx: Transaction, { maxBytes = DEFAULT_BYTES, maxAgeMs = DEFAULT_AGE_MS }: Retention): boolean {
  const isFull = readSize(tx) > maxBytes
  if (emptyTrash(tx, isFull ? Number.MAX_SAFE_INTEGER : tx.nowMs - TRASH_MS)) return true
  const oldestMs = isFull ? Number.MAX_SAFE_INTEGER : tx.nowMs - maxAgeMs
  const rows = tx.all('SELECT project_id, id FROM sessions WHERE touched_ms < ? ORDER BY touched_ms LIMIT ?', oldestMs, SESSIONS_PER_STEP)
  let left = EVENTS_PER_STEP
  for (const row of rows) {
    const [projectId, id] = [Number(row.project_id), String(row.id)]
    left -= removeEvents(tx, projectId, id, left)
    // A session with more events than one step deletes goes with the last of them.
    if (left <= 0) break
    removeSession(tx, projectId, id)
  }
  tx.run('DELETE FROM pending_updates WHERE received_ms < ?', tx.nowMs - maxAgeMs)
  tx.all(`PRAGMA incremental_vacuum(${FREED_PAGES_PER_STEP})`)
  return rows.length > 0
}

/** Bytes that hold data; pages already freed do not count. */
export function readSize(reader: Reader): number {
  const pragma = (name: string): number => Number(reader.get(`PRAGMA ${name}`)?.[name] ?? 0)
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

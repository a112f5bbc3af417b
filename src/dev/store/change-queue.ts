import { monotonicMs, nextTurn, delay as pause } from '../../builtins.js'
import { type Changes, type CommittedChanges, createChanges } from './changes.js'
import { type Database, DatabaseBusyError, DatabaseFullError, type Writer } from './database.js'

/** What a change works with: whatever it decides on must be read here, where nobody else can write. */
export interface Transaction extends Writer {
  /** When the change runs, Unix milliseconds. */
  readonly nowMs: number
  readonly changes: Changes
}

/** Runs changes one after another, those that wait together in one transaction. */
export interface ChangeQueue {
  /**
   * Runs `job` and settles after the commit, so what is acknowledged is on disk. `job` may run again when the file was held
   * by another program meanwhile.
   *
   * Rejects with what `job` throws, with {@link DatabaseFullError}, or with {@link DatabaseBusyError} when the file was held
   * for longer than two seconds.
   */
  change<T>(job: (tx: Transaction) => T): Promise<T>
  /** Finishes what is waiting; later changes are rejected. */
  close(): Promise<void>
}

interface Waiting {
  readonly run: (tx: Transaction) => () => void
  readonly reject: (error: unknown) => void
  readonly untilMs: number
}

/** How long a change waits for a file that another program holds, and how often it looks. */
const BUSY_LIMIT_MS = 2_000
const BUSY_RETRY_MS = 25
/** A transaction takes no further job after this time, so that other work of the process gets its turn. */
const SLICE_MS = 50

/** Builds the queue over `database`; `onCommit` sees each commit's changes. */
export function createChangeQueue(
  database: Database,
  { now, onCommit }: { readonly now: () => number; readonly onCommit: (changes: CommittedChanges) => void },
): ChangeQueue {
  let waiting: Waiting[] = []
  let working: Promise<void> | undefined
  let isClosed = false

  async function work(): Promise<void> {
    // Requests of one turn share a commit.
    await nextTurn()
    while (waiting.length > 0) await (commitSome() ? nextTurn() : pause(BUSY_RETRY_MS))
    working = undefined
  }

  /** False when the file is held by somebody else. */
  function commitSome(): boolean {
    const taken = waiting
    const changes = createChanges()
    const settles: (() => void)[] = []
    const untilMs = monotonicMs() + SLICE_MS
    waiting = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const job of taken) {
        settles.push(runInSavepoint(database, job, { ...database, changes, nowMs: now() }))
        if (monotonicMs() > untilMs) break
      }
      database.exec('COMMIT')
    } catch (error) {
      rollBack(database, 'ROLLBACK')
      if (error instanceof DatabaseBusyError) waiting = [...keepPatient(taken, error), ...waiting]
      else for (const { reject } of taken) reject(error)
      return !(error instanceof DatabaseBusyError)
    }
    // A job may have begun another one.
    waiting = [...taken.slice(settles.length), ...waiting]
    for (const settle of settles) settle()
    onCommit(changes.take())
    return true
  }

  return {
    change(job) {
      if (isClosed) return Promise.reject(new DatabaseBusyError('The local server is closing.'))
      return new Promise((resolve, reject) => {
        waiting.push({
          run(tx) {
            const result = job(tx)
            return () => resolve(result)
          },
          reject,
          untilMs: monotonicMs() + BUSY_LIMIT_MS,
        })
        working ??= work()
      })
    },
    async close() {
      isClosed = true
      await working
    },
  }
}

function keepPatient(jobs: readonly Waiting[], error: DatabaseBusyError): Waiting[] {
  const nowMs = monotonicMs()
  for (const { untilMs, reject } of jobs) if (untilMs <= nowMs) reject(error)
  return jobs.filter(({ untilMs }) => untilMs > nowMs)
}

/** One bad request must not take the others of its turn with it; a full disk or a held file takes all. */
function runInSavepoint(database: Database, job: Waiting, tx: Transaction): () => void {
  database.exec('SAVEPOINT job')
  try {
    const settle = job.run(tx)
    database.exec('RELEASE job')
    return settle
  } catch (error) {
    if (error instanceof DatabaseFullError || error instanceof DatabaseBusyError) throw error
    rollBack(database, 'ROLLBACK TO job; RELEASE job')
    return () => job.reject(error)
  }
}

function rollBack(database: Database, sql: string): void {
  try {
    database.exec(sql)
  } catch {
    // SQLite has already rolled back by itself after a full disk, and no transaction began on a held file.
  }
}

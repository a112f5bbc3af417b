import type { Database } from './database.js'

/** The disk, or the size allowed for the database, is used up. Nothing of the request was stored. */
export class StorageFullError extends Error {
  constructor(cause: unknown) {
    super('The local database is full. Free disk space or lower the retention limits.', { cause })
    this.name = 'StorageFullError'
  }
}

/** What a write touched, told to viewers once it is committed. */
export interface Changes {
  event(projectId: number, sessionId: string, eventId: string): void
  session(projectId: number, sessionId: string): void
  run(projectId: number, runId: string): void
}

/** The changes of one commit. */
export interface CommittedChanges {
  /** Event ids by project, then session; a session without ids changed itself. */
  readonly sessions: ReadonlyMap<number, ReadonlyMap<string, ReadonlySet<string>>>
  readonly runs: readonly { readonly projectId: number; readonly runId: string }[]
}

/** Runs writes of one tick in one transaction. */
export interface WriteQueue {
  /** Settles after the commit, so what is acknowledged is on disk. Rejects with {@link StorageFullError} when there is no room. */
  write<T>(job: (changes: Changes) => T): Promise<T>
  /** Commits what is waiting; later writes are rejected. */
  close(): void
}

interface Waiting {
  readonly run: (changes: Changes) => () => void
  readonly reject: (error: unknown) => void
}

/** Builds the queue over `database`; `onCommit` sees each commit's changes. */
export function createWriteQueue(database: Database, onCommit: (changes: CommittedChanges) => void): WriteQueue {
  let waiting: Waiting[] = []
  let isClosed = false

  function commitAll(): void {
    const jobs = waiting
    waiting = []
    if (jobs.length === 0) return
    const changes = createChanges()
    const settles: (() => void)[] = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const job of jobs) settles.push(runInSavepoint(database, job, changes))
      database.exec('COMMIT')
    } catch (error) {
      rollBack(database, 'ROLLBACK')
      for (const { reject } of jobs) reject(toStorageError(error))
      return
    }
    for (const settle of settles) settle()
    onCommit(changes.take())
  }

  return {
    write(job) {
      if (isClosed) return Promise.reject(new Error('The local server is closed.'))
      return new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(commitAll)
        waiting.push({
          run(changes) {
            const result = job(changes)
            return () => resolve(result)
          },
          reject,
        })
      })
    },
    close() {
      commitAll()
      isClosed = true
    },
  }
}

/** One bad request must not take the others of its tick with it; a full disk takes all. */
function runInSavepoint(database: Database, job: Waiting, changes: Changes): () => void {
  database.exec('SAVEPOINT job')
  try {
    const settle = job.run(changes)
    database.exec('RELEASE job')
    return settle
  } catch (error) {
    if (isStorageFull(error)) throw error
    rollBack(database, 'ROLLBACK TO job; RELEASE job')
    return () => job.reject(error)
  }
}

function rollBack(database: Database, sql: string): void {
  try {
    database.exec(sql)
  } catch {
    // SQLite has already rolled back by itself after a full disk.
  }
}

function toStorageError(error: unknown): unknown {
  return isStorageFull(error) ? new StorageFullError(error) : error
}

function isStorageFull(error: unknown): boolean {
  return error instanceof Error && /disk is full|disk I\/O error|readonly database|SQLITE_FULL|SQLITE_IOERR/.test(error.message)
}

function createChanges(): Changes & { take(): CommittedChanges } {
  const sessions = new Map<number, Map<string, Set<string>>>()
  const runs = new Map<string, { projectId: number; runId: string }>()

  function eventsOf(projectId: number, sessionId: string): Set<string> {
    const ofProject = sessions.get(projectId) ?? new Map<string, Set<string>>()
    sessions.set(projectId, ofProject)
    const ids = ofProject.get(sessionId) ?? new Set<string>()
    ofProject.set(sessionId, ids)
    return ids
  }

  return {
    event: (projectId, sessionId, eventId) => void eventsOf(projectId, sessionId).add(eventId),
    session: (projectId, sessionId) => void eventsOf(projectId, sessionId),
    run: (projectId, runId) => void runs.set(runId, { projectId, runId }),
    take: () => ({ sessions, runs: [...runs.values()] }),
  }
}

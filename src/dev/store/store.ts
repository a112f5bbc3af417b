/** Everything the local server keeps. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { monotonicMs, unixMs, delay as pause } from '../../builtins.js'
import { HoneyHiveError } from '../../errors.js'
import { createChangeQueue, type Transaction } from './change-queue.js'
import type { CommittedChanges } from './changes.js'
import {
  connect,
  type ConnectOptions,
  type Database,
  DatabaseBusyError,
  DatabaseDamagedError,
  DatabaseFullError,
  type Reader,
} from './database.js'
import { checkFile, prepareFile } from './file.js'
import { isMarked, LAYOUT, migrate, readLayout } from './migrations.js'

/** Reads at any time; changes only in a transaction. */
export interface Store extends Reader {
  readonly engine: Database['engine']
  /** As {@link openStore} was given it. */
  readonly path: string
  /** Runs `job` in the next commit, as `ChangeQueue.change` says. */
  change<T>(job: (tx: Transaction) => T): Promise<T>
  /** Calls `listener` after every commit. */
  onCommit(listener: (changes: CommittedChanges) => void): void
  /** Finishes the changes that wait and closes the file. */
  close(): Promise<void>
}

/** Settings of {@link openStore}. */
export interface StoreOptions {
  /** By default the one built into Node, else `libsql`. */
  readonly engine?: Database['engine'] | undefined
  /** Hard limit of the file in bytes. @defaultValue none */
  readonly maxBytes?: number | undefined
  /** Unix milliseconds. @defaultValue `Date.now` */
  readonly now?: () => number
}

const MEMORY = ':memory:'
/** How long opening waits for a file that another program holds. */
const OPEN_LIMIT_MS = 5_000
const OPEN_RETRY_MS = 50

/**
 * Opens the database at `path`, making folder and file when they are missing; `:memory:` touches no disk.
 *
 * @throws HoneyHiveError `DEV_SERVER` when the file is not the server's own, is held by another program, or cannot be opened.
 */
export async function openStore(path: string, { engine, maxBytes, now = unixMs }: StoreOptions = {}): Promise<Store> {
  return explain(path, async () => {
    const file = path === MEMORY ? path : resolve(path)
    if (file !== MEMORY) {
      prepareFile(file)
      // Looked at without the right to change anything: somebody else's database must stay as it is.
      if (!isMarked(file)) (await onConnection(file, { engine, readOnly: true }, readLayout)).close()
    }
    return createStore(path, await onConnection(file, { engine }, (database) => prepare(database, maxBytes)), now)
  })
}

/**
 * Opens an existing database only to read it: nothing is deleted, migrated or tidied up. One with an older layout is read
 * from a copy.
 *
 * @throws HoneyHiveError `DEV_SERVER` as {@link openStore}, and when there is no such file.
 */
export async function openStoreToRead(path: string, { engine }: Pick<StoreOptions, 'engine'> = {}): Promise<Store> {
  return explain(path, async () => {
    const file = resolve(path)
    if (!existsSync(file)) throw new HoneyHiveError('DEV_SERVER', `There is no database "${path}".`)
    checkFile(file)
    let layout = 0
    const look = (opened: Database): void => {
      layout = readLayout(opened)
    }
    const database = await onConnection(file, { engine, readOnly: true }, look).catch(ignoreUnwritable)
    // Even to read, SQLite needs a side file in the folder.
    if (database === undefined) return openCopy(path, engine, (copy) => copyFiles(file, copy))
    if (layout === LAYOUT) return createStore(path, database, unixMs)
    return openCopy(path, engine, (copy) => database.run('VACUUM INTO ?', copy)).finally(() => database.close())
  })
}

function ignoreUnwritable(error: unknown): undefined {
  if (error instanceof DatabaseFullError || (error instanceof Error && /unable to open/.test(error.message))) return undefined
  throw error
}

/** The file and what its log holds beside it. */
function copyFiles(file: string, copy: string): void {
  for (const ending of ['', '-wal']) if (existsSync(`${file}${ending}`)) copyFileSync(`${file}${ending}`, `${copy}${ending}`)
}

/** A store on a copy that `make` writes, which goes when the store is closed. */
async function openCopy(path: string, engine: Database['engine'] | undefined, make: (copy: string) => void): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'honeyhive-read-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, 'copy.db')
    make(copy)
    const store = createStore(path, await onConnection(copy, { engine }, migrate), unixMs)
    return { ...store, close: () => store.close().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}

/** A connection on which `first` has run; while another program holds the file both are tried again. */
async function onConnection(file: string, options: ConnectOptions, first: (database: Database) => unknown): Promise<Database> {
  const untilMs = monotonicMs() + OPEN_LIMIT_MS
  for (;;) {
    const database = await connect(file, options)
    try {
      first(database)
      return database
    } catch (error) {
      database.close()
      if (!(error instanceof DatabaseBusyError) || monotonicMs() > untilMs) throw error
      await pause(OPEN_RETRY_MS)
    }
  }
}

function prepare(database: Database, maxBytes: number | undefined): void {
  database.all('PRAGMA auto_vacuum = INCREMENTAL')
  database.all('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = NORMAL')
  migrate(database)
  if (maxBytes === undefined) return
  const pageSize = Number(database.get('PRAGMA page_size')?.page_size)
  database.all(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
}

function createStore(path: string, database: Database, now: () => number): Store {
  const listeners: ((changes: CommittedChanges) => void)[] = []
  const queue = createChangeQueue(database, {
    now,
    onCommit: (changes) => {
      for (const listener of listeners) listener(changes)
    },
  })
  let closing: Promise<void> | undefined
  return {
    engine: database.engine,
    path,
    all: database.all,
    get: database.get,
    change: queue.change,
    onCommit: (listener) => void listeners.push(listener),
    close: () => (closing ??= queue.close().then(() => closeFile(database))),
  }
}

/** The engine keeps a closed file open until its statements are collected, so the log is written back here. */
function closeFile(database: Database): void {
  try {
    database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // Held by another program, or only read: the log stays, and whoever opens the file next reads it.
  }
  database.close()
}

async function explain<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (cause) {
    if (cause instanceof HoneyHiveError) throw cause
    const { because, remedy } = judge(cause)
    throw new HoneyHiveError('DEV_SERVER', `Cannot open the database "${path}": ${because}. ${remedy}`, { cause })
  }
}

function judge(cause: unknown): { because: string; remedy: string } {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof DatabaseBusyError) return { because: 'another program holds it', remedy: 'End that program, or name another file.' }
  if (/not a database/.test(message))
    return { because: 'it is not a database of honeyhive-tracer dev', remedy: 'Name another file, or use ":memory:".' }
  if (cause instanceof DatabaseDamagedError) return { because: 'it is damaged', remedy: 'Move it out of the way, or name another file.' }
  return { because: message, remedy: 'Check that the folder is writable, or use ":memory:".' }
}

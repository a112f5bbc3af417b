/** One synchronous SQLite connection over whichever engine this Node has. */
import { pathToFileURL } from 'node:url'
import { HoneyHiveError } from '../../errors.js'
import { toStorableText } from '../../otlp/json.js'

/** A value that can be bound or read. */
export type SqlValue = string | number | null

/** A row by column name. */
export type Row = Readonly<Record<string, SqlValue>>

/** What may be given for a `?`; booleans become 0 and 1, `undefined` and NaN become NULL. */
export type Bindable = SqlValue | boolean | undefined

/** SQL in, rows out; changes nothing. */
export interface Reader {
  all(sql: string, ...values: readonly Bindable[]): Row[]
  get(sql: string, ...values: readonly Bindable[]): Row | undefined
}

/** What changes rows. */
export interface Writer extends Reader {
  run(sql: string, ...values: readonly Bindable[]): void
}

/** A connection. Statements are prepared once and the least used of many are forgotten. */
export interface Database extends Writer {
  readonly engine: 'node:sqlite' | 'libsql'
  exec(sql: string): void
  close(): void
}

/** The disk, or the size allowed for the database, is used up. Nothing of the request was stored. */
export class DatabaseFullError extends Error {
  override name: string = 'DatabaseFullError'

  constructor(cause: Error) {
    super(`The local database is full (${cause.message}). Free disk space or lower the retention limits.`, { cause })
  }
}

/** Another program holds the file. Nothing of the request was stored; trying again helps. */
export class DatabaseBusyError extends Error {
  override name: string = 'DatabaseBusyError'
}

/** Pages of the file are not what they were when they were written. What was stored before may be lost; nothing of the request was stored. */
export class DatabaseDamagedError extends Error {
  override name: string = 'DatabaseDamagedError'

  constructor(cause: Error) {
    super(
      `The local database is damaged (${cause.message}). End the server, move the file out of the way, and start it again; ` +
        'what can still be read of it, `sqlite3 FILE .recover` reads.',
      { cause },
    )
  }
}

/** Settings of {@link connect}. */
export interface ConnectOptions {
  /** By default the one built into Node, else `libsql`. */
  readonly engine?: Database['engine'] | undefined
  /** Opens without the right to change anything, not even to create the file. @defaultValue false */
  readonly readOnly?: boolean
}

const MAX_STATEMENTS = 200

interface Statement {
  run(values: readonly SqlValue[]): void
  all(values: readonly SqlValue[]): Row[]
  get(values: readonly SqlValue[]): Row | undefined
}

interface Connection {
  readonly engine: Database['engine']
  prepare(sql: string): Statement
  exec(sql: string): void
  close(): void
}

/**
 * Connects to a file, or to `:memory:`. A file that another program holds is never waited for: statements throw
 * {@link DatabaseBusyError} at once, because waiting here would stop the whole process.
 *
 * @throws HoneyHiveError `DEV_SERVER` when no engine is installed; what the engine throws when the file cannot be opened.
 */
export async function connect(file: string, { engine, readOnly = false }: ConnectOptions = {}): Promise<Database> {
  const database = createDatabase(await openConnection(file, engine, readOnly))
  database.all('PRAGMA busy_timeout = 0')
  return database
}

function createDatabase(connection: Connection): Database {
  const statements = new Map<string, Statement>()

  function prepare(sql: string): Statement {
    const statement = statements.get(sql) ?? connection.prepare(sql)
    // Taken out and put back, so that the first of the map is the one used longest ago.
    statements.delete(sql)
    statements.set(sql, statement)
    if (statements.size > MAX_STATEMENTS) statements.delete(statements.keys().next().value ?? sql)
    return statement
  }

  return {
    engine: connection.engine,
    run: (sql, ...values) => attempt(() => prepare(sql).run(values.map(toSqlValue))),
    all: (sql, ...values) => attempt(() => prepare(sql).all(values.map(toSqlValue))),
    get: (sql, ...values) => attempt(() => prepare(sql).get(values.map(toSqlValue))),
    exec: (sql) => attempt(() => connection.exec(sql)),
    close: () => connection.close(),
  }
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof Error ? translate(error) : error
  }
}

/** The two engines name the same trouble differently; their messages are SQLite's own. */
function translate(error: Error): Error {
  if (/database( table| schema)? is locked|locking protocol/.test(error.message))
    return new DatabaseBusyError('The local database is in use by another program. Try again.', { cause: error })
  if (/disk is full|disk I\/O error|readonly database/.test(error.message)) return new DatabaseFullError(error)
  return /malformed|corrupt/.test(error.message) ? new DatabaseDamagedError(error) : error
}

function toSqlValue(value: Bindable): SqlValue {
  if (typeof value === 'string') return toStorableText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'boolean' ? Number(value) : null
}

async function openConnection(file: string, engine: Database['engine'] | undefined, readOnly: boolean): Promise<Connection> {
  const builtIn = engine === 'libsql' ? undefined : loadNodeSqlite()
  if (builtIn !== undefined) return openNodeSqlite(builtIn, file, readOnly)
  if (engine === 'node:sqlite')
    throw new HoneyHiveError('DEV_SERVER', 'This Node has no node:sqlite. Use Node 22.5 or newer, or the libsql package.')
  return openLibsql(file, readOnly)
}

interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
    options?: { readonly readOnly: boolean },
  ) => {
    prepare(sql: string): {
      run(...values: readonly SqlValue[]): unknown
      all(...values: readonly SqlValue[]): unknown[]
      get(...values: readonly SqlValue[]): unknown
    }
    exec(sql: string): void
    close(): void
  }
}

/** The built-in module, without the warning it prints while it is experimental. */
function loadNodeSqlite(): NodeSqlite | undefined {
  const emitWarning = process.emitWarning
  try {
    process.emitWarning = () => undefined
    // The type knows only modules of the oldest supported Node.
    return (process.getBuiltinModule as ((id: string) => unknown) | undefined)?.call(process, 'node:sqlite') as NodeSqlite | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

function openNodeSqlite({ DatabaseSync }: NodeSqlite, file: string, readOnly: boolean): Connection {
  const database = new DatabaseSync(file, { readOnly })
  return {
    engine: 'node:sqlite',
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        run: (values) => void statement.run(...values),
        all: (values) => statement.all(...values) as Row[],
        get: (values) => statement.get(...values) as Row | undefined,
      }
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  }
}

interface Libsql {
  readonly default: new (
    file: string,
  ) => {
    prepare(sql: string): {
      run(values: readonly SqlValue[]): unknown
      all(values: readonly SqlValue[]): unknown[]
      get(values: readonly SqlValue[]): unknown
    }
    exec(sql: string): void
    close(): void
  }
}

async function openLibsql(file: string, readOnly: boolean): Promise<Connection> {
  const module = await loadLibsql()
  // Its option of that name is ignored; SQLite's own way of asking is not.
  const database = new module.default(readOnly ? `${pathToFileURL(file).href}?mode=ro` : file)
  return {
    engine: 'libsql',
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        run: (values) => void statement.run(values),
        all: (values) => statement.all(values) as Row[],
        get: (values) => statement.get(values) as Row | undefined,
      }
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  }
}

async function loadLibsql(): Promise<Libsql> {
  try {
    return (await import('libsql')) as unknown as Libsql
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && /^(?:ERR_)?MODULE_NOT_FOUND$/.test(String(cause.code))
    const why = cause instanceof Error && !isMissing ? ` "libsql" could not be loaded: ${cause.message}` : ''
    const message = `The local server needs SQLite: use Node 22.5 or newer, or \`npm install libsql\`.${why}`
    throw new HoneyHiveError('DEV_SERVER', message, { cause })
  }
}

/** One synchronous SQLite connection over whichever engine this Node has. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { HoneyHiveError } from '../../errors.js'
import { toStorableText } from '../../otlp/json.js'

/** A value that can be bound or read. */
export type SqlValue = string | number | null

/** A row by column name. */
export type Row = Readonly<Record<string, SqlValue>>

/** SQL in, rows out. Statements are prepared once. */
export interface Database {
  readonly engine: 'node:sqlite' | 'libsql'
  run(sql: string, ...values: readonly Bindable[]): void
  all(sql: string, ...values: readonly Bindable[]): Row[]
  get(sql: string, ...values: readonly Bindable[]): Row | undefined
  exec(sql: string): void
  close(): void
}

/** What may be given for a `?`; booleans become 0 and 1, `undefined` and NaN become NULL. */
export type Bindable = SqlValue | boolean | undefined

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
 * Opens `path`, making its folder (mode 0700) and file (mode 0600) when they are missing; `:memory:` touches no disk.
 *
 * @throws HoneyHiveError `DEV_SERVER` when no engine is installed or the file cannot be opened.
 */
export async function openDatabase(path: string, engine?: Database['engine']): Promise<Database> {
  const isFile = path !== ':memory:'
  const file = isFile ? resolve(path) : path
  try {
    if (isFile) createFolder(dirname(file))
    const connection = await openConnection(file, engine)
    if (isFile && process.platform !== 'win32') chmodSync(file, 0o600)
    return createDatabase(connection)
  } catch (cause) {
    if (cause instanceof HoneyHiveError) throw cause
    throw new HoneyHiveError('DEV_SERVER', `Cannot open the database "${path}". Check that the folder is writable, or use ":memory:".`, {
      cause,
    })
  }
}

function createFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
}

function createDatabase(connection: Connection): Database {
  const statements = new Map<string, Statement>()

  function prepare(sql: string): Statement {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = connection.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  return {
    engine: connection.engine,
    run: (sql, ...values) => prepare(sql).run(values.map(toSqlValue)),
    all: (sql, ...values) => prepare(sql).all(values.map(toSqlValue)),
    get: (sql, ...values) => prepare(sql).get(values.map(toSqlValue)),
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
  }
}

function toSqlValue(value: Bindable): SqlValue {
  if (typeof value === 'string') return toStorableText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'boolean' ? Number(value) : null
}

async function openConnection(file: string, engine: Database['engine'] | undefined): Promise<Connection> {
  const builtIn = engine === 'libsql' ? undefined : loadNodeSqlite()
  if (builtIn !== undefined) return openNodeSqlite(builtIn, file)
  if (engine === 'node:sqlite')
    throw new HoneyHiveError('DEV_SERVER', 'This Node has no node:sqlite. Use Node 22.5 or newer, or the libsql package.')
  return openLibsql(file)
}

interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
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

function openNodeSqlite({ DatabaseSync }: NodeSqlite, file: string): Connection {
  const database = new DatabaseSync(file)
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

async function openLibsql(file: string): Promise<Connection> {
  const module = await loadLibsql()
  const database = new module.default(file)
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
    throw new HoneyHiveError('DEV_SERVER', 'The local server needs SQLite: use Node 22.5 or newer, or `npm install libsql`.', { cause })
  }
}

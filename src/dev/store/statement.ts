/** Statements made of rows by the names of their columns, so that no value depends on its place in a list. */
import type { Bindable } from './database.js'

/** A row to write, by column name. */
export type NamedRow = Readonly<Record<string, Bindable>>

/** SQL and its values, as `run` and `get` take them. */
export type Statement = readonly [sql: string, ...values: readonly Bindable[]]

/** An `INSERT`; `ending` is put behind it, e.g. `RETURNING key`. */
export function toInsert(table: string, row: NamedRow, ending = ''): Statement {
  const columns = Object.keys(row)
  return [`INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map(() => '?').join()}) ${ending}`, ...Object.values(row)]
}

/** An `INSERT` that replaces the row with the same `key` columns; columns in `kept` stay as they were first written. */
export function toUpsert(table: string, key: readonly string[], row: NamedRow, kept: readonly string[] = []): Statement {
  const changed = Object.keys(row).filter((column) => !key.includes(column) && !kept.includes(column))
  const change = changed.length === 0 ? 'NOTHING' : `UPDATE SET ${changed.map((column) => `${column} = excluded.${column}`).join()}`
  return toInsert(table, row, `ON CONFLICT (${key.join()}) DO ${change}`)
}

/** An `UPDATE` of the rows that have the values of `where`. */
export function toUpdate(table: string, row: NamedRow, where: NamedRow): Statement {
  const set = Object.keys(row).map((column) => `${column} = ?`)
  const conditions = Object.keys(where).map((column) => `${column} = ?`)
  return [`UPDATE ${table} SET ${set.join()} WHERE ${conditions.join(' AND ')}`, ...Object.values(row), ...Object.values(where)]
}

import type { SharedTurns } from './row-queue.js'

/** What is used of a Postgres client. */
export interface SqlClient {
  executeSql(text: string, values: unknown[]): Promise<{ rows: unknown[] }>
}

/** Turns that are counted in a table of `schema`, by the clock of Postgres; the row of a key is locked while one is taken. */
export function createPostgresTurns(name: string, schema: string, db: SqlClient): SharedTurns & { prepare(): Promise<void> } {
  const table = `${schema}.honeyhive_turns`
  const now = 'extract(epoch from clock_timestamp())::double precision * 1000'
  const keyOf = (key: string): string => `${name}/${key}`
  // `next` is the earliest start if calls came evenly (GCRA).
  const take = `INSERT INTO ${table} AS turn (key, next) VALUES ($1, ${now} - $3::double precision + $2::double precision)
    ON CONFLICT (key) DO UPDATE SET next = greatest(turn.next, ${now} - $3::double precision) + $2::double precision
    RETURNING next - $2::double precision - ${now} AS wait`
  const hold = `INSERT INTO ${table} AS turn (key, next) VALUES ($1, ${now} + $2::double precision)
    ON CONFLICT (key) DO UPDATE SET next = greatest(turn.next, ${now} + $2::double precision)`
  return {
    async prepare() {
      await db.executeSql(`CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, next double precision NOT NULL)`, [])
    },
    async take(key, { intervalMs, slackMs }) {
      const { rows } = await db.executeSql(take, [keyOf(key), intervalMs, slackMs])
      return Number((rows[0] as { readonly wait?: unknown } | undefined)?.wait)
    },
    async hold(key, waitMs) {
      await db.executeSql(hold, [keyOf(key), waitMs])
    },
  }
}

/** Events as they are read: rows with their bodies, a page at a time. */
import type { Bindable, Reader, Row } from './database.js'

/** Which events, as the end of a `WHERE` over `events e`. */
export interface EventCondition {
  readonly sql: string
  readonly values: readonly Bindable[]
}

/** One project, or all when NULL is bound twice. Written so that indexes beginning with the project are used either way. */
export const IN_PROJECT = 'project_id IN (SELECT id FROM projects WHERE id = ? OR ? IS NULL)'

const PAGE = 500
const WITH_BODY = 'SELECT e.*, b.inputs, b.outputs, b.rest, b.patch FROM events e LEFT JOIN bodies b ON b.key = e.key'
const LIGHT = `SELECT e.*, EXISTS (SELECT 1 FROM events p WHERE p.project_id = e.project_id AND p.id = e.parent_id AND p.session_id = e.session_id)
  AS has_parent FROM events e`

/** The event with an id that was received last, with its body; in one project when it is given. */
export function findLastEvent(reader: Reader, id: string, projectId?: number): Row | undefined {
  return reader.get(`${WITH_BODY} WHERE e.${IN_PROJECT} AND e.id = ? ORDER BY e.received_ms DESC`, projectId, projectId, id)
}

/** One event with its body. */
export function findEvent(reader: Reader, projectId: number, id: string): Row | undefined {
  return reader.get(`${WITH_BODY} WHERE e.project_id = ? AND e.id = ?`, projectId, id)
}

/** One event with its body, in the first of `projectIds` that has it. */
export function findEventIn(reader: Reader, projectIds: readonly number[], id: string): Row | undefined {
  for (const projectId of projectIds) {
    const row = findEvent(reader, projectId, id)
    if (row !== undefined) return row
  }
  return undefined
}

/** Settings of {@link eachEventPage}. */
export interface EventPageOptions {
  /** Of their start. @defaultValue `'ASC'` */
  readonly order?: 'ASC' | 'DESC'
  /** Without bodies, rows say whether their parent is in their session: `has_parent`. @defaultValue true */
  readonly body?: boolean
}

/**
 * Pages of events in order of start, read as they are asked for, so that a large session never is in memory whole and other
 * work gets its turn between two pages.
 */
export function* eachEventPage(
  reader: Reader,
  { sql, values }: EventCondition,
  { order = 'ASC', body = true }: EventPageOptions = {},
): Generator<Row[]> {
  let after = order === 'ASC' ? [-Number.MAX_VALUE, -1] : [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER]
  for (;;) {
    const rows = reader.all(
      `${body ? WITH_BODY : LIGHT} WHERE ${sql} AND (e.start_ms, e.key) ${order === 'ASC' ? '>' : '<'} (?, ?) ORDER BY e.start_ms ${order}, e.key ${order} LIMIT ?`,
      ...values,
      ...after,
      PAGE,
    )
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = [Number(last.start_ms), Number(last.key)]
  }
}

/** The events of one session. */
export function inSession(projectId: number, sessionId: string): EventCondition {
  return { sql: 'e.project_id = ? AND e.session_id = ?', values: [projectId, sessionId] }
}

/** The events of some projects. */
export function inProjects(projectIds: readonly number[]): EventCondition {
  return { sql: 'e.project_id IN (SELECT value FROM json_each(?))', values: [JSON.stringify(projectIds)] }
}

/** Both at once. */
export function both(first: EventCondition, second: EventCondition): EventCondition {
  return { sql: `${first.sql} AND ${second.sql}`, values: [...first.values, ...second.values] }
}

/** One page of events, the latest first. */
export function findEventPage(
  reader: Reader,
  { sql, values }: EventCondition,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Row[] {
  return reader.all(`${WITH_BODY} WHERE ${sql} ORDER BY e.start_ms DESC, e.key DESC LIMIT ? OFFSET ?`, ...values, limit, offset)
}

/** How many events there are. */
export function countEvents(reader: Reader, { sql, values }: EventCondition): number {
  return Number(reader.get(`SELECT count(*) AS count FROM events e WHERE ${sql}`, ...values)?.count)
}

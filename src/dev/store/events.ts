/** Events as they are read: rows with their bodies, a page at a time. */
import type { Bindable, Reader, Row } from './database.js'

/** A condition on `events e`. */
export interface EventFilter {
  readonly sql: string
  readonly values: readonly Bindable[]
}

/** Which events. */
export interface EventCondition extends EventFilter {
  readonly projectIds: readonly number[]
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
export function* eachEventPage(reader: Reader, condition: EventCondition, options: EventPageOptions = {}): Generator<Row[]> {
  const [first, ...others] = condition.projectIds
  if (first === undefined) return
  // Each page of one project follows from its index; asked for several at once, SQLite would sort all events for each page.
  if (others.length === 0) yield* eachPageOf(reader, first, condition, options)
  else
    yield* mergePages(
      condition.projectIds.map((id) => eachPageOf(reader, id, condition, options)),
      options.order === 'DESC' ? -1 : 1,
    )
}

function* eachPageOf(
  reader: Reader,
  projectId: number,
  { sql, values }: EventFilter,
  { order = 'ASC', body = true }: EventPageOptions,
): Generator<Row[]> {
  let after = order === 'ASC' ? [-Number.MAX_VALUE, -1] : [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER]
  for (;;) {
    const rows = reader.all(
      `${body ? WITH_BODY : LIGHT} WHERE e.project_id = ? AND ${sql} AND (e.start_ms, e.key) ${order === 'ASC' ? '>' : '<'} (?, ?)
       ORDER BY e.start_ms ${order}, e.key ${order} LIMIT ?`,
      projectId,
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

/** Pages of several projects as one sequence. */
function* mergePages(sources: readonly Generator<Row[]>[], direction: 1 | -1): Generator<Row[]> {
  const heads = sources.map((source) => ({ source, rows: source.next().value ?? [], at: 0 }))
  const compare = (a: Row, b: Row): number => direction * (Number(a.start_ms) - Number(b.start_ms) || Number(a.key) - Number(b.key))
  let page: Row[] = []
  for (;;) {
    let best: (typeof heads)[number] | undefined
    let row: Row | undefined
    for (const head of heads) {
      const candidate = head.rows[head.at]
      if (candidate === undefined || (row !== undefined && compare(candidate, row) >= 0)) continue
      best = head
      row = candidate
    }
    if (best === undefined || row === undefined) break
    page.push(row)
    if (++best.at === best.rows.length) Object.assign(best, { rows: best.source.next().value ?? [], at: 0 })
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** The events of one session. */
export function inSession(projectId: number, sessionId: string): EventCondition {
  return { projectIds: [projectId], sql: 'e.session_id = ?', values: [sessionId] }
}

/** The events of some projects. */
export function inProjects(projectIds: readonly number[]): EventCondition {
  return { projectIds, sql: '1 = 1', values: [] }
}

/** Those of `condition` that pass `filter` too. */
export function both(condition: EventCondition, filter: EventFilter): EventCondition {
  return { ...condition, sql: `${condition.sql} AND ${filter.sql}`, values: [...condition.values, ...filter.values] }
}

/** One page of events, the latest first. */
export function findEventPage(
  reader: Reader,
  condition: EventCondition,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Row[] {
  const { sql, values } = toWhere(condition)
  return reader.all(`${WITH_BODY} WHERE ${sql} ORDER BY e.start_ms DESC, e.key DESC LIMIT ? OFFSET ?`, ...values, limit, offset)
}

/** How many events there are. */
export function countEvents(reader: Reader, condition: EventCondition): number {
  const { sql, values } = toWhere(condition)
  return Number(reader.get(`SELECT count(*) AS count FROM events e WHERE ${sql}`, ...values)?.count)
}

/** One project is named as such, so that its index gives the order. */
function toWhere({ projectIds, sql, values }: EventCondition): EventFilter {
  const [first, ...others] = projectIds
  if (first !== undefined && others.length === 0) return { sql: `e.project_id = ? AND ${sql}`, values: [first, ...values] }
  return { sql: `e.project_id IN (SELECT value FROM json_each(?)) AND ${sql}`, values: [JSON.stringify(projectIds), ...values] }
}

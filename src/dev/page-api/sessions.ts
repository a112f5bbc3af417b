/** Sessions and projects as the page and the read helpers show them. */
import type { Reader, Row, SqlValue } from '../store/database.js'
import { IN_PROJECT } from '../store/events.js'
import { parsePreview } from '../store/session-preview.js'
import { badRequest } from '../http/http-error.js'
import { toFiniteNumber } from '../../otlp/json.js'
import type { ProjectSummary, SessionList, SessionSummary } from './contract.js'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

/** Filters of {@link listSessions}; times in Unix milliseconds. */
export interface SessionFilter {
  readonly projectId?: number | undefined
  /** Text in a name, or in inputs or outputs. */
  readonly q?: string | undefined
  /** Only sessions with an event of this type. */
  readonly type?: string | undefined
  readonly error?: boolean | undefined
  readonly source?: string | undefined
  /** Whether sessions are rows of an experiment run; by default both kinds. */
  readonly evaluation?: boolean | undefined
  /** One of {@link SESSION_SORTS}. @defaultValue `'started'` */
  readonly sort?: string | undefined
  /** @defaultValue `'desc'` */
  readonly order?: 'asc' | 'desc' | undefined
  /** `key:value` in the metadata of any event. */
  readonly metadata?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly cursor?: string | undefined
  /** @defaultValue 50, at most 500 */
  readonly limit?: number | undefined
}

/** Every project with its sums, busiest last seen first. */
export function listProjects(reader: Reader): ProjectSummary[] {
  const rows = reader.all(
    `SELECT p.id, p.name, p.last_seen_ms,
       (SELECT count(*) FROM sessions s WHERE s.project_id = p.id) AS sessions,
       (SELECT coalesce(sum(events), 0) FROM sessions s WHERE s.project_id = p.id) AS events,
       (SELECT count(*) FROM runs r WHERE r.project_id = p.id) AS runs
     FROM projects p ORDER BY p.last_seen_ms DESC NULLS LAST, p.name`,
  )
  return rows.map((row) => ({
    id: String(row.id),
    name: String(row.name),
    sessions: Number(row.sessions),
    events: Number(row.events),
    runs: Number(row.runs),
    lastSeenMs: row.last_seen_ms === null ? null : Number(row.last_seen_ms),
  }))
}

/** A page of sessions, newest first. @throws HttpError 400 for a cursor this server did not make. */
export function listSessions(reader: Reader, filter: SessionFilter): SessionList {
  const limit = Math.min(Math.max(1, Math.floor(filter.limit ?? DEFAULT_LIMIT)), MAX_LIMIT)
  const sort = toSort(filter.sort)
  const order = filter.order === 'asc' ? 'ASC' : 'DESC'
  const { sql, values } = toConditions(filter)
  const rows = reader.all(
    `SELECT *, ${SESSION_SORTS[sort]} AS sorted_by FROM sessions s WHERE ${sql} ORDER BY sorted_by ${order}, id ${order} LIMIT ?`,
    ...values,
    limit + 1,
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    sessions: shown.map(toSessionSummary),
    nextCursor: rows.length > limit && last !== undefined ? toCursor([last.sorted_by ?? 0, String(last.id)]) : null,
    sources: listSources(reader, filter),
    evaluationRows: countEvaluationRows(reader, filter.projectId),
  }
}

/** What sessions can be sorted by, as SQL. */
export const SESSION_SORTS = {
  started: 's.start_ms',
  duration: '(s.end_ms - s.start_ms)',
  events: 's.events',
  tokens: 's.total_tokens',
  cost: 's.cost',
  errors: 's.errors',
} as const

function toSort(name: string | undefined): keyof typeof SESSION_SORTS {
  return name !== undefined && Object.hasOwn(SESSION_SORTS, name) ? (name as keyof typeof SESSION_SORTS) : 'started'
}

function countEvaluationRows(reader: Reader, projectId: number | undefined): number {
  return Number(
    reader.get(`SELECT count(*) AS count FROM sessions WHERE ${IN_PROJECT} AND run_id IS NOT NULL`, projectId, projectId)?.count ?? 0,
  )
}

/** One session; with no project given the one that was active last. */
export function findSession(reader: Reader, id: string, projectId?: number): SessionSummary | undefined {
  const row = reader.get(`SELECT * FROM sessions WHERE ${IN_PROJECT} AND id = ? ORDER BY end_ms DESC`, projectId, projectId, id)
  return row === undefined ? undefined : toSessionSummary(row)
}

/** A row of `sessions` as the page wants it. */
export function toSessionSummary(row: Row): SessionSummary {
  const startMs = Number(row.start_ms)
  const endMs = Number(row.end_ms)
  const preview = parsePreview(row.preview)
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    name: String(row.name),
    source: String(row.source),
    startMs,
    endMs,
    durationMs: endMs - startMs,
    events: Number(row.events),
    modelEvents: Number(row.model_events),
    errors: Number(row.errors),
    totalTokens: Number(row.total_tokens),
    cost: Number(row.cost),
    unpriced: Number(row.unpriced),
    hasFeedback: row.has_feedback === 1,
    runId: row.run_id === null ? null : String(row.run_id),
    user: row.user_id === null ? null : String(row.user_id),
    preview: { input: preview.input?.text ?? null, output: preview.output?.text ?? null },
  }
}

function listSources(reader: Reader, { projectId, evaluation }: SessionFilter): string[] {
  return reader
    .all(
      `SELECT DISTINCT source FROM sessions WHERE ${IN_PROJECT} AND (? IS NULL OR (run_id IS NOT NULL) = ?) ORDER BY source LIMIT 100`,
      projectId,
      projectId,
      evaluation,
      evaluation,
    )
    .map((row) => String(row.source))
}

interface Conditions {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

function toConditions(filter: SessionFilter): Conditions {
  const parts: string[] = ['s.project_id > 0']
  const values: (string | number)[] = []
  const add = (sql: string, ...added: readonly (string | number)[]): void => {
    parts.push(sql)
    values.push(...added)
  }
  const ofSession = 'SELECT 1 FROM events e JOIN bodies b ON b.key = e.key WHERE e.project_id = s.project_id AND e.session_id = s.id'
  if (filter.projectId !== undefined) add('s.project_id = ?', filter.projectId)
  if (filter.error === true) add('s.errors > 0')
  if (filter.source) add('s.source = ?', filter.source)
  if (filter.evaluation !== undefined) add(`s.run_id IS ${filter.evaluation ? 'NOT NULL' : 'NULL'}`)
  if (filter.fromMs !== undefined) add('s.start_ms >= ?', filter.fromMs)
  if (filter.toMs !== undefined) add('s.start_ms <= ?', filter.toMs)
  if (filter.type)
    add('EXISTS (SELECT 1 FROM events e WHERE e.project_id = s.project_id AND e.session_id = s.id AND e.type = ?)', filter.type)
  if (filter.q) {
    const like = toLike(filter.q)
    // Bodies hold JSON: quotes and line ends of the searched text are escaped there.
    const inJson = toLike(JSON.stringify(filter.q).slice(1, -1))
    add(
      `(s.name LIKE ? ESCAPE '!' OR s.id = ? OR EXISTS (${ofSession} AND (e.name LIKE ? ESCAPE '!' OR b.inputs LIKE ? ESCAPE '!' OR b.outputs LIKE ? ESCAPE '!')))`,
      like,
      filter.q.toLowerCase(),
      like,
      inJson,
      inJson,
    )
  }
  if (filter.metadata) addMetadata(filter.metadata, ofSession, add)
  if (filter.cursor) {
    const [value, id] = parseCursor(filter.cursor)
    const sort = SESSION_SORTS[toSort(filter.sort)]
    const after = filter.order === 'asc' ? '>' : '<'
    add(`(${sort} ${after} ? OR (${sort} = ? AND s.id ${after} ?))`, value, value, id)
  }
  return { sql: parts.join(' AND '), values }
}

function addMetadata(text: string, ofSession: string, add: (sql: string, ...values: string[]) => void): void {
  const colon = text.indexOf(':')
  const key = colon < 0 ? text : text.slice(0, colon)
  const path = `$.metadata."${key.replace(/["\\]/g, '')}"`
  if (colon < 0) add(`EXISTS (${ofSession} AND json_type(b.rest, ?) IS NOT NULL)`, path)
  else
    add(
      `EXISTS (${ofSession} AND CASE json_type(b.rest, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(json_extract(b.rest, ?) AS TEXT) END = ?)`,
      path,
      path,
      text.slice(colon + 1).trim(),
    )
}

function toLike(text: string): string {
  return `%${text.replace(/[!%_]/g, '!$&')}%`
}

function toCursor(place: readonly [SqlValue, string]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

function parseCursor(cursor: string): readonly [number, string] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const [place, id] = Array.isArray(parsed) ? parsed : []
    const value = toFiniteNumber(place)
    if (value !== undefined && typeof id === 'string') return [value, id]
  } catch {
    // Falls through to the same answer as any other wrong cursor.
  }
  throw badRequest('The cursor is not valid')
}

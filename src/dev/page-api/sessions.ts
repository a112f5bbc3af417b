/** Sessions and projects as the page and the read helpers show them. */
import type { Reader, Row } from '../store/database.js'
import { IN_PROJECT } from '../store/events.js'
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
  const { sql, values } = toConditions(filter)
  const rows = reader.all(`SELECT * FROM sessions s WHERE ${sql} ORDER BY start_ms DESC, id DESC LIMIT ?`, ...values, limit + 1)
  const sessions = rows.slice(0, limit).map(toSessionSummary)
  const last = sessions.at(-1)
  return {
    sessions,
    nextCursor: rows.length > limit && last !== undefined ? toCursor(last) : null,
    sources: listSources(reader, filter.projectId),
  }
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
    hasFeedback: row.has_feedback === 1,
    runId: row.run_id === null ? null : String(row.run_id),
  }
}

function listSources(reader: Reader, projectId: number | undefined): string[] {
  return reader
    .all(`SELECT DISTINCT source FROM sessions WHERE ${IN_PROJECT} ORDER BY source LIMIT 100`, projectId, projectId)
    .map((row) => String(row.source))
}

interface Conditions {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

function toConditions(filter: SessionFilter): Conditions {
  const parts: string[] = ['1 = 1']
  const values: (string | number)[] = []
  const add = (sql: string, ...added: readonly (string | number)[]): void => {
    parts.push(sql)
    values.push(...added)
  }
  const ofSession = 'SELECT 1 FROM events e JOIN bodies b ON b.key = e.key WHERE e.project_id = s.project_id AND e.session_id = s.id'
  if (filter.projectId !== undefined) add('s.project_id = ?', filter.projectId)
  if (filter.error === true) add('s.errors > 0')
  if (filter.source) add('s.source = ?', filter.source)
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
    const { startMs, id } = parseCursor(filter.cursor)
    add('(s.start_ms < ? OR (s.start_ms = ? AND s.id < ?))', startMs, startMs, id)
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

function toCursor({ startMs, id }: SessionSummary): string {
  return Buffer.from(JSON.stringify([startMs, id])).toString('base64url')
}

function parseCursor(cursor: string): { startMs: number; id: string } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const [startMs, id] = Array.isArray(parsed) ? parsed : []
    const time = toFiniteNumber(startMs)
    if (time !== undefined && typeof id === 'string') return { startMs: time, id }
  } catch {
    // Falls through to the same answer as any other wrong cursor.
  }
  throw badRequest('The cursor is not valid')
}

/** Events, links and processes as the page and the read helpers show them. */
import type { Database, Row } from '../store/database.js'
import { readBody } from '../store/event-rows.js'
import type { EventDetail, EventRow, LinkedEvent, ProcessDetail, ProcessSummary, SessionDetail } from './contract.js'
import { findSession, IN_PROJECT, listProjects } from './sessions.js'

/** An event with its children, in order of start. */
export interface EventNode extends EventDetail {
  readonly children: readonly EventNode[]
}

const MAX_LANE_EVENTS = 20_000

/** A session with its events in order of start; an event whose parent is not among them hangs on the session. */
export function readSession(database: Database, id: string, projectId?: number): SessionDetail | undefined {
  const session = findSession(database, id, projectId)
  if (session === undefined) return undefined
  const rows = database.all(
    'SELECT * FROM events WHERE project_id = ? AND session_id = ? ORDER BY start_ms, key',
    Number(session.projectId),
    id,
  )
  const own = rows.find((row) => row.id === id && row.type === 'session')
  const ids = new Set(rows.map((row) => row.id))
  const events = rows.filter((row) => row !== own).map(toEventRow)
  return {
    session,
    event: own === undefined ? null : toDetail(database, own),
    events: events.map((event) =>
      event.parentId !== null && ids.has(event.parentId) && event.parentId !== event.id ? event : { ...event, parentId: id },
    ),
  }
}

/** One event in full; with no project given the one received last. */
export function readEvent(database: Database, id: string, projectId?: number): EventDetail | undefined {
  const row = database.get(`SELECT * FROM events WHERE ${IN_PROJECT} AND id = ? ORDER BY received_ms DESC`, projectId, projectId, id)
  return row === undefined ? undefined : toDetail(database, row)
}

/** All events of a project, or of one session of it, in full and in order of start; session records included. */
export function listEvents(
  database: Database,
  { projectId, sessionId }: { projectId?: number | undefined; sessionId?: string | undefined },
): EventDetail[] {
  const rows =
    sessionId === undefined
      ? database.all(`SELECT * FROM events WHERE ${IN_PROJECT} ORDER BY start_ms, key`, projectId, projectId)
      : database.all(`SELECT * FROM events WHERE ${IN_PROJECT} AND session_id = ? ORDER BY start_ms, key`, projectId, projectId, sessionId)
  return rows.map((row) => toDetail(database, row))
}

/** The events of a session as trees: one per root. */
export function readTree(database: Database, sessionId: string, projectId?: number): EventNode[] {
  const session = findSession(database, sessionId, projectId)
  if (session === undefined) return []
  const nodes = listEvents(database, { projectId: Number(session.projectId), sessionId })
    .filter((event) => event.id !== sessionId)
    .map((event): EventDetail & { children: EventNode[] } => ({ ...event, children: [] }))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const roots: EventNode[] = []
  for (const node of nodes) {
    const parent = node.parentId === null || hasLoop(byId, node) ? undefined : byId.get(node.parentId)
    ;(parent?.children ?? roots).push(node)
  }
  return roots
}

function hasLoop(byId: ReadonlyMap<string, EventDetail>, node: EventDetail): boolean {
  const seen = new Set<string>([node.id])
  for (let next = byId.get(node.parentId ?? ''); next !== undefined; next = byId.get(next.parentId ?? '')) {
    if (seen.has(next.id)) return next.id === node.id
    seen.add(next.id)
  }
  return false
}

/** A row of `events` as the page lists it. */
export function toEventRow(row: Row): EventRow {
  return {
    id: String(row.id),
    parentId: toText(row.parent_id),
    sessionId: String(row.session_id),
    projectId: String(row.project_id),
    type: String(row.type),
    name: String(row.name),
    startMs: Number(row.start_ms),
    durationMs: Number(row.duration_ms),
    error: toText(row.error),
    totalTokens: Number(row.total_tokens),
    cost: Number(row.cost),
    model: toText(row.model),
    links: Number(row.links),
  }
}

function toDetail(database: Database, row: Row): EventDetail {
  const { body } = readBody(database, Number(row.key))
  const { user_properties: userProperties, ...buckets } = body
  return {
    ...toEventRow(row),
    source: String(row.source),
    ...buckets,
    userProperties,
    traceId: toText(row.trace_id),
    spanId: toText(row.span_id),
    linked: readLinks(database, row),
  }
}

function readLinks(database: Database, row: Row): LinkedEvent[] {
  const out = database.all('SELECT to_trace AS trace_id, to_span AS span_id, kind FROM links WHERE event_key = ?', row.key)
  const back =
    row.trace_id === null
      ? []
      : database.all(
          'SELECT from_trace AS trace_id, from_span AS span_id, kind FROM links WHERE to_trace = ? AND to_span = ?',
          row.trace_id,
          row.span_id,
        )
  return [...out.map((link) => toLink(database, link, 'to')), ...back.map((link) => toLink(database, link, 'from'))]
}

function toLink(database: Database, link: Row, direction: LinkedEvent['direction']): LinkedEvent {
  const event = database.get('SELECT * FROM events WHERE trace_id = ? AND span_id = ?', link.trace_id, link.span_id)
  return {
    direction,
    kind: toText(link.kind),
    traceId: String(link.trace_id),
    spanId: String(link.span_id),
    event: event === undefined ? null : toEventRow(event),
  }
}

/** Processes that sent spans, newest first. */
export function listProcesses(database: Database): ProcessSummary[] {
  return database.all('SELECT * FROM processes ORDER BY last_seen_ms DESC LIMIT 500').map((row) => toProcess(database, row))
}

/** One process with a lane per project it sent to, and the links between those lanes. */
export function readProcess(
  database: Database,
  id: string,
  { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER }: { fromMs?: number | undefined; toMs?: number | undefined },
): ProcessDetail | undefined {
  const row = database.get('SELECT * FROM processes WHERE id = ?', id)
  if (row === undefined) return undefined
  const events = database.all(
    'SELECT * FROM events WHERE process_id = ? AND start_ms BETWEEN ? AND ? ORDER BY start_ms, key LIMIT ?',
    id,
    fromMs,
    toMs,
    MAX_LANE_EVENTS,
  )
  const projects = new Map(listProjects(database).map((project) => [project.id, project]))
  const lanes = groupByProject(events)
  return {
    process: toProcess(database, row),
    lanes: [...lanes].flatMap(([projectId, rows]) => {
      const project = projects.get(projectId)
      return project === undefined ? [] : [{ project, events: rows.map(toEventRow) }]
    }),
    links: readLaneLinks(database, id, events),
  }
}

function groupByProject(events: readonly Row[]): Map<string, Row[]> {
  const lanes = new Map<string, Row[]>()
  for (const event of events) {
    const projectId = String(event.project_id)
    const lane = lanes.get(projectId)
    if (lane === undefined) lanes.set(projectId, [event])
    else lane.push(event)
  }
  return lanes
}

function readLaneLinks(database: Database, processId: string, events: readonly Row[]): ProcessDetail['links'] {
  const shown = new Set(events.map((event) => event.key))
  const rows = database.all(
    `SELECT l.kind, f.id AS from_id, f.key AS from_key, t.id AS to_id, t.key AS to_key FROM events f
       JOIN links l ON l.event_key = f.key JOIN events t ON t.trace_id = l.to_trace AND t.span_id = l.to_span
     WHERE f.process_id = ? AND f.links > 0 AND t.process_id = f.process_id AND t.project_id <> f.project_id`,
    processId,
  )
  return rows
    .filter((row) => shown.has(row.from_key) && shown.has(row.to_key))
    .map((row) => ({ fromEventId: String(row.from_id), toEventId: String(row.to_id), kind: toText(row.kind) }))
}

function toProcess(database: Database, row: Row): ProcessSummary {
  const projects = database.all(
    'SELECT p.name FROM process_projects x JOIN projects p ON p.id = x.project_id WHERE x.process_id = ? ORDER BY p.name',
    row.id,
  )
  return {
    id: String(row.id),
    pid: row.pid === null ? null : Number(row.pid),
    host: toText(row.host),
    service: toText(row.service),
    projects: projects.map((project) => String(project.name)),
    firstSeenMs: Number(row.first_seen_ms),
    lastSeenMs: Number(row.last_seen_ms),
  }
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** Events, links and processes as the page and the read helpers show them. */
import type { Reader, Row } from '../store/database.js'
import { both, eachEventPage, type EventCondition, findLastEvent, inProjects, inSession } from '../store/events.js'
import { parseBody, toRecord } from '../store/event-rows.js'
import { readDialogue } from '../../semantics/dialogue.js'
import { readFailure } from '../../semantics/failure.js'
import type { EventDetail, EventPage, EventRow, LinkedEvent, ProcessDetail, ProcessSummary, SessionDetail } from './contract.js'
import type { PriceTable } from '../prices/price-table.js'
import { readCost } from '../store/event-record.js'
import { listProjectIds } from '../store/projects.js'
import { findSession, listProjects } from './sessions.js'

/** An event with its children, in order of start. */
export interface EventNode extends EventDetail {
  readonly children: readonly EventNode[]
}

const MAX_LANE_EVENTS = 20_000

/** A session with its events in order of start, read as they are asked for. */
export type SessionReading = Omit<SessionDetail, 'events'> & { readonly events: Iterable<EventRow> }

/** Opens a session; an event whose parent is not in it hangs on the session. */
export function readSession(reader: Reader, id: string, projectId?: number): SessionReading | undefined {
  const session = findSession(reader, id, projectId)
  if (session === undefined) return undefined
  const own = findLastEvent(reader, id, Number(session.projectId))
  return {
    session,
    event: own?.type === 'session' ? toDetail(reader, own) : null,
    events: eachEventRow(
      reader,
      both(inSession(Number(session.projectId), id), { sql: "NOT (e.id = ? AND e.type = 'session')", values: [id] }),
    ),
  }
}

function* eachEventRow(reader: Reader, condition: EventCondition): Generator<EventRow> {
  for (const rows of eachEventPage(reader, condition, { body: false }))
    for (const row of rows) {
      const event = toEventRow(row)
      yield row.has_parent === 1 && event.parentId !== event.id ? event : { ...event, parentId: event.sessionId }
    }
}

/** One event in full; with no project given the one received last. */
export function readEvent(reader: Reader, id: string, projectId?: number): EventDetail | undefined {
  const row = findLastEvent(reader, id, projectId)
  return row === undefined ? undefined : toDetail(reader, row)
}

/** One event as the page shows it. */
export function readEventPage(reader: Reader, prices: PriceTable, id: string, projectId?: number): EventPage | undefined {
  const event = readEvent(reader, id, projectId)
  if (event === undefined) return undefined
  return { ...event, dialogue: readDialogue(event), failure: readFailure(event.error, event.metadata), pricing: readPricing(event, prices) }
}

function readPricing(event: EventDetail, prices: PriceTable): EventPage['pricing'] {
  const { type, startMs, userProperties, ...buckets } = event
  const { source, price } = readCost({ type, startMs, body: { ...buckets, user_properties: userProperties } }, prices)
  return source === null ? null : { source, price: price ?? null }
}

/** All events of a project, or of one session of it, in full and in order of start; session records included. */
export function* eachEvent(
  reader: Reader,
  { projectId, sessionId }: { projectId?: number | undefined; sessionId?: string | undefined },
): Generator<EventDetail> {
  const inProject = inProjects(listProjectIds(reader, projectId))
  const condition = sessionId === undefined ? inProject : both(inProject, { sql: 'e.session_id = ?', values: [sessionId] })
  for (const rows of eachEventPage(reader, condition)) for (const row of rows) yield toDetail(reader, row)
}

/** The events of a session as trees: one per root. */
export function readTree(reader: Reader, sessionId: string, projectId?: number): EventNode[] {
  const session = findSession(reader, sessionId, projectId)
  if (session === undefined) return []
  const nodes: (EventDetail & { children: EventNode[] })[] = []
  for (const event of eachEvent(reader, { projectId: Number(session.projectId), sessionId }))
    if (event.id !== sessionId) nodes.push({ ...event, children: [] })
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const looped = findLoops(byId)
  const roots: EventNode[] = []
  for (const node of nodes) {
    const parent = node.parentId === null || looped.has(node.id) ? undefined : byId.get(node.parentId)
    ;(parent?.children ?? roots).push(node)
  }
  return roots
}

/** Ids of events that are their own ancestors. Every event is looked at once, however deep they are nested. */
export function findLoops(byId: ReadonlyMap<string, { readonly parentId: string | null }>): ReadonlySet<string> {
  const looped = new Set<string>()
  const seen = new Set<string>()
  for (const start of byId.keys()) {
    const path: string[] = []
    let id: string | null | undefined = start
    while (typeof id === 'string' && byId.has(id) && !seen.has(id)) {
      seen.add(id)
      path.push(id)
      id = byId.get(id)?.parentId
    }
    const back = typeof id === 'string' ? path.indexOf(id) : -1
    if (back >= 0) for (const member of path.slice(back)) looped.add(member)
  }
  return looped
}

/** A row of `events` as the page lists it. */
export function toEventRow(row: Row): EventRow {
  const { id, parentId, sessionId, projectId, type, name, startMs, durationMs, error } = toRecord(row)
  return {
    id,
    parentId,
    sessionId,
    projectId: String(projectId),
    type,
    name,
    startMs,
    durationMs,
    error,
    totalTokens: Number(row.total_tokens),
    cost: Number(row.cost),
    costSource: toText(row.cost_source) as EventRow['costSource'],
    model: toText(row.model),
    links: Number(row.links),
  }
}

/** A row of `events` with its body, in full. */
function toDetail(reader: Reader, row: Row): EventDetail {
  const { source, traceId, spanId } = toRecord(row)
  const { user_properties: userProperties, ...buckets } = parseBody(row)
  return { ...toEventRow(row), source, ...buckets, userProperties, traceId, spanId, linked: readLinks(reader, row) }
}

function readLinks(reader: Reader, row: Row): LinkedEvent[] {
  const out = reader.all('SELECT to_trace AS trace_id, to_span AS span_id, kind FROM links WHERE event_key = ?', row.key)
  const back =
    row.trace_id === null
      ? []
      : reader.all(
          'SELECT from_trace AS trace_id, from_span AS span_id, kind FROM links WHERE to_trace = ? AND to_span = ?',
          row.trace_id,
          row.span_id,
        )
  return [...out.map((link) => toLink(reader, link, 'to')), ...back.map((link) => toLink(reader, link, 'from'))]
}

function toLink(reader: Reader, link: Row, direction: LinkedEvent['direction']): LinkedEvent {
  const event = reader.get('SELECT * FROM events WHERE trace_id = ? AND span_id = ? AND project_id > 0', link.trace_id, link.span_id)
  return {
    direction,
    kind: toText(link.kind),
    traceId: String(link.trace_id),
    spanId: String(link.span_id),
    event: event === undefined ? null : toEventRow(event),
  }
}

/** Processes that sent spans, newest first. */
export function listProcesses(reader: Reader): ProcessSummary[] {
  return reader.all('SELECT * FROM processes ORDER BY last_seen_ms DESC LIMIT 500').map((row) => toProcess(reader, row))
}

/** One process with a lane per project it sent to, and the links between those lanes. */
export function readProcess(
  reader: Reader,
  id: string,
  { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER }: { fromMs?: number | undefined; toMs?: number | undefined },
): ProcessDetail | undefined {
  const row = reader.get('SELECT * FROM processes WHERE id = ?', id)
  if (row === undefined) return undefined
  const events = reader.all(
    'SELECT * FROM events WHERE process_id = ? AND project_id > 0 AND start_ms BETWEEN ? AND ? ORDER BY start_ms, key LIMIT ?',
    id,
    fromMs,
    toMs,
    MAX_LANE_EVENTS,
  )
  const projects = new Map(listProjects(reader).map((project) => [project.id, project]))
  const lanes = groupByProject(events)
  return {
    process: toProcess(reader, row),
    lanes: [...lanes].flatMap(([projectId, rows]) => {
      const project = projects.get(projectId)
      return project === undefined ? [] : [{ project, events: rows.map(toEventRow) }]
    }),
    links: readLaneLinks(reader, id, events),
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

function readLaneLinks(reader: Reader, processId: string, events: readonly Row[]): ProcessDetail['links'] {
  const shown = new Set(events.map((event) => event.key))
  const rows = reader.all(
    `SELECT l.kind, f.id AS from_id, f.key AS from_key, t.id AS to_id, t.key AS to_key FROM events f
       JOIN links l ON l.event_key = f.key JOIN events t ON t.trace_id = l.to_trace AND t.span_id = l.to_span
     WHERE f.process_id = ? AND f.project_id > 0 AND t.project_id > 0 AND f.links > 0 AND t.process_id = f.process_id AND t.project_id <> f.project_id`,
    processId,
  )
  return rows
    .filter((row) => shown.has(row.from_key) && shown.has(row.to_key))
    .map((row) => ({ fromEventId: String(row.from_id), toEventId: String(row.to_id), kind: toText(row.kind) }))
}

function toProcess(reader: Reader, row: Row): ProcessSummary {
  const projects = reader.all(
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

import { nextTurn } from '../../builtins.js'
/** What a run measured, computed from the events of its sessions. */
import type { RunRow, RunSummary } from '../page-api/contract.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import type { Bindable, Reader, Row } from './database.js'
import type { EventBody } from './event-body.js'
import { parseBody } from './event-rows.js'
import type { StoredRun } from './runs.js'
import { aggregate, toScore } from './statistics.js'

/** One score of one event. */
export interface RunMetric {
  readonly name: string
  readonly eventName: string
  readonly eventType: string
  readonly value: number | boolean | string
  readonly datapointId: string | null
  readonly sessionId: string
}

/** One event of a run that carries scores, or is the work of a row. */
export interface RunEvent {
  readonly key: number
  readonly projectId: number
  readonly id: string
  readonly name: string
  readonly type: string
  readonly sessionId: string
  readonly datapointId: string | null
  readonly startMs: number
  readonly durationMs: number
  readonly error: string | null
  readonly body: Pick<EventBody, 'inputs' | 'outputs' | 'feedback' | 'metrics'>
}

/** Rows, events and scores of a run. */
export interface RunResults {
  readonly rows: readonly RunRow[]
  readonly events: readonly RunEvent[]
  readonly metrics: readonly RunMetric[]
}

/** Rows read before other work of the process gets its turn. */
const PAGE = 500

/** Reads everything a run measured. Scores count on chain and session events that belong to the run. */
export async function readRunResults(reader: Reader, run: StoredRun): Promise<RunResults> {
  const projectIds = findProjects(reader, run)
  const datapoints = new Map<string, string>()
  const found = new Map<number, RunEvent>()
  const add = (row: Row): void => {
    const sessionId = String(row.session_id)
    if (typeof row.datapoint_id === 'string') datapoints.set(sessionId, row.datapoint_id)
    if (row.type === 'chain' || row.type === 'session') found.set(Number(row.key), toRunEvent(row))
  }
  const sessionIds = new Set(run.body.event_ids)
  for await (const rows of eachOfRun(reader, run.id, projectIds)) {
    for (const row of rows) {
      sessionIds.add(String(row.session_id))
      add(row)
    }
  }
  for await (const rows of eachSession(reader, [...sessionIds], projectIds, SESSION_EVENTS)) rows.forEach(add)
  const events = [...found.values()]
    .sort((a, b) => a.startMs - b.startMs || a.key - b.key)
    .map((event) => ({ ...event, datapointId: event.datapointId ?? datapoints.get(event.sessionId) ?? null }))
  const sums = new Map<string, Row>()
  for await (const rows of eachSession(reader, [...sessionIds], projectIds, SESSION_SUMS))
    for (const row of rows) sums.set(`${row.project_id} ${row.id}`, row)
  const sessions = groupBy(events, (event) => event.sessionId)
  return {
    rows: [...sessions].map(([sessionId, ofSession]) => toRunRow(sessionId, ofSession, sums)),
    events,
    metrics: events.flatMap(toMetrics),
  }
}

/** A run in one line, as lists show it. */
export function toRunSummary(run: StoredRun, { rows, metrics }: RunResults): RunSummary {
  const scores = groupBy(metrics, (metric) => metric.name)
  const averages: Record<string, number> = {}
  for (const [name, ofName] of scores) {
    const average = aggregate(toScores(ofName), 'average')
    if (average !== null) averages[name] = average
  }
  return {
    id: run.id,
    projectId: String(run.projectId),
    name: run.name ?? run.id,
    status: run.status,
    datasetId: run.datasetId ?? toNonEmptyText(run.body.metadata.offline_dataset_id) ?? null,
    createdMs: run.createdMs,
    rows: rows.length,
    failedRows: rows.filter((row) => row.error !== null).length,
    metrics: averages,
    cost: rows.reduce((sum, row) => sum + row.cost, 0),
    totalTokens: rows.reduce((sum, row) => sum + row.totalTokens, 0),
    durationMs: run.status === 'pending' || run.status === 'running' ? 0 : Math.max(0, run.updatedMs - run.createdMs),
  }
}

/** The numbers among metrics; booleans as 0 and 1. */
export function toScores(metrics: readonly RunMetric[]): number[] {
  return metrics.map((metric) => toScore(metric.value)).filter((score) => score !== undefined)
}

/** Items by key, in order of first appearance. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

/** Runs are created without a label while their sessions may carry one: every project of the same key counts. */
function findProjects(reader: Reader, run: StoredRun): number[] {
  const rows = reader.all(
    'SELECT DISTINCT b.project_id FROM project_keys a JOIN project_keys b ON a.key_hash = b.key_hash WHERE a.project_id = ?',
    run.projectId,
  )
  return [...new Set([run.projectId, ...rows.map((row) => Number(row.project_id))])]
}

/** Only events that can carry scores need their bodies. The plus keeps SQLite from looking at all events of a project for each page. */
const OF_RUN = `SELECT e.*, b.inputs, b.outputs, b.rest FROM events e LEFT JOIN bodies b ON b.key = e.key AND e.type IN ('chain', 'session')
  WHERE e.run_id = ? AND e.key > ? AND +e.project_id IN (SELECT value FROM json_each(?)) ORDER BY e.key LIMIT ?`
const SESSION_EVENTS = `SELECT e.*, b.inputs, b.outputs, b.rest FROM events e INDEXED BY events_by_id LEFT JOIN bodies b ON b.key = e.key
  WHERE e.project_id = ? AND e.id IN (SELECT value FROM json_each(?)) AND e.type = 'session'`
const SESSION_SUMS = `SELECT project_id, id, start_ms, end_ms, cost, total_tokens FROM sessions
  WHERE project_id = ? AND id IN (SELECT value FROM json_each(?))`

async function* eachOfRun(reader: Reader, runId: string, projectIds: readonly number[]): AsyncGenerator<Row[]> {
  let last: Bindable = -1
  for (;;) {
    const rows = reader.all(OF_RUN, runId, last, JSON.stringify(projectIds), PAGE)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE) return
    last = rows.at(-1)?.key
    await nextTurn()
  }
}

async function* eachSession(
  reader: Reader,
  sessionIds: readonly string[],
  projectIds: readonly number[],
  sql: string,
): AsyncGenerator<Row[]> {
  for (let at = 0; at < sessionIds.length; at += PAGE) {
    const chosen = JSON.stringify(sessionIds.slice(at, at + PAGE))
    for (const projectId of projectIds) yield reader.all(sql, projectId, chosen)
    await nextTurn()
  }
}

function toRunEvent(row: Row): RunEvent {
  const { inputs, outputs, feedback, metrics } = parseBody(row)
  return {
    key: Number(row.key),
    projectId: Number(row.project_id),
    id: String(row.id),
    name: String(row.name),
    type: String(row.type),
    sessionId: String(row.session_id),
    datapointId: row.datapoint_id === null ? null : String(row.datapoint_id),
    startMs: Number(row.start_ms),
    durationMs: Number(row.duration_ms),
    error: row.error === null ? null : String(row.error),
    body: { inputs, outputs, feedback, metrics },
  }
}

function toMetrics({ name: eventName, type: eventType, datapointId, sessionId, body }: RunEvent): RunMetric[] {
  return Object.entries(body.metrics).flatMap(([name, value]) =>
    typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
      ? [{ name, eventName, eventType, value, datapointId, sessionId }]
      : [],
  )
}

function toRunRow(sessionId: string, events: readonly RunEvent[], sums: ReadonlyMap<string, Row>): RunRow {
  const session = events.find((event) => event.type === 'session')
  const work = events.find((event) => event.type === 'chain')
  const first = session ?? work
  const ofSession = sums.get(`${first?.projectId} ${sessionId}`)
  return {
    sessionId,
    datapointId: first?.datapointId ?? null,
    inputs: pickFilled(session?.body.inputs, work?.body.inputs),
    outputs: pickFilled(session?.body.outputs, work?.body.outputs),
    groundTruth:
      session?.body.feedback.ground_truth ?? work?.body.feedback.ground_truth ?? toObject(work?.body.inputs).ground_truth ?? null,
    error: work?.error ?? session?.error ?? null,
    metrics: Object.fromEntries(events.flatMap(toMetrics).map(({ name, value }) => [name, value])),
    durationMs: work?.durationMs ?? Number(ofSession?.end_ms ?? 0) - Number(ofSession?.start_ms ?? 0),
    cost: toFiniteNumber(ofSession?.cost) ?? 0,
    totalTokens: toFiniteNumber(ofSession?.total_tokens) ?? 0,
  }
}

function pickFilled(first: JsonObject | undefined, second: JsonObject | undefined): JsonObject {
  return first !== undefined && Object.keys(first).length > 0 ? first : (second ?? {})
}

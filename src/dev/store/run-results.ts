/** What a run measured, computed from the events of its sessions. */
import type { Database, Row } from './database.js'
import { readBody } from './event-rows.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import type { RunRow, RunSummary } from '../page-api/contract.js'
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
  readonly id: string
  readonly name: string
  readonly type: string
  readonly sessionId: string
  readonly datapointId: string | null
  readonly row: Row
  readonly metrics: JsonObject
}

/** Rows, events and scores of a run. */
export interface RunResults {
  readonly rows: readonly RunRow[]
  readonly events: readonly RunEvent[]
  readonly metrics: readonly RunMetric[]
}

/** Most ids that one query binds. */
const CHUNK = 500

/** Reads everything a run measured. Scores count on chain and session events that belong to the run. */
export function readRunResults(database: Database, run: StoredRun): RunResults {
  const projectIds = findProjects(database, run)
  const rows = findEvents(database, run, projectIds)
  const events = rows.map((row) => toRunEvent(database, row))
  fillDatapoints(events)
  const scored = events.filter(({ type }) => type === 'chain' || type === 'session')
  const metrics = scored.flatMap(toMetrics)
  const sessions = groupBy(scored, (event) => event.sessionId)
  return { rows: [...sessions].map(([sessionId, ofSession]) => toRunRow(database, sessionId, ofSession)), events: scored, metrics }
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
function findProjects(database: Database, run: StoredRun): number[] {
  const rows = database.all(
    'SELECT DISTINCT b.project_id FROM project_keys a JOIN project_keys b ON a.key_hash = b.key_hash WHERE a.project_id = ?',
    run.projectId,
  )
  return [...new Set([run.projectId, ...rows.map((row) => Number(row.project_id))])]
}

function findEvents(database: Database, run: StoredRun, projectIds: readonly number[]): Row[] {
  const found = new Map<unknown, Row>()
  const add = (rows: readonly Row[]): void => {
    for (const row of rows) if (projectIds.includes(Number(row.project_id))) found.set(row.key, row)
  }
  add(database.all('SELECT * FROM events WHERE run_id = ?', run.id))
  const sessions = [...new Set([...run.body.event_ids, ...[...found.values()].map((row) => String(row.session_id))])]
  for (let at = 0; at < sessions.length; at += CHUNK) {
    const chunk = sessions.slice(at, at + CHUNK)
    for (const projectId of projectIds) {
      add(
        database.all(
          `SELECT * FROM events WHERE project_id = ? AND type = 'session' AND id IN (${chunk.map(() => '?').join()})`,
          projectId,
          ...chunk,
        ),
      )
    }
  }
  return [...found.values()].sort((a, b) => Number(a.start_ms) - Number(b.start_ms) || Number(a.key) - Number(b.key))
}

function toRunEvent(database: Database, row: Row): RunEvent & { datapointId: string | null } {
  return {
    id: String(row.id),
    name: String(row.name),
    type: String(row.type),
    sessionId: String(row.session_id),
    datapointId: row.datapoint_id === null ? null : String(row.datapoint_id),
    row,
    metrics: readBody(database, Number(row.key)).body.metrics,
  }
}

/** The events of one session belong to one datapoint, whichever of them names it. */
function fillDatapoints(events: readonly (RunEvent & { datapointId: string | null })[]): void {
  const known = new Map(events.filter((event) => event.datapointId !== null).map((event) => [event.sessionId, event.datapointId]))
  for (const event of events) event.datapointId ??= known.get(event.sessionId) ?? null
}

function toMetrics({ name: eventName, type: eventType, datapointId, sessionId, metrics }: RunEvent): RunMetric[] {
  return Object.entries(metrics).flatMap(([name, value]) =>
    typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
      ? [{ name, eventName, eventType, value, datapointId, sessionId }]
      : [],
  )
}

function toRunRow(database: Database, sessionId: string, events: readonly RunEvent[]): RunRow {
  const session = events.find((event) => event.type === 'session')
  const work = events.find((event) => event.type === 'chain')
  const ofSession = session === undefined ? undefined : readBody(database, Number(session.row.key)).body
  const ofWork = work === undefined ? undefined : readBody(database, Number(work.row.key)).body
  const first = session ?? work
  const sums =
    first === undefined
      ? undefined
      : database.get('SELECT * FROM sessions WHERE project_id = ? AND id = ?', first.row.project_id, sessionId)
  const errors = [work, session].map((event) => event?.row.error).filter((error): error is string => typeof error === 'string')
  return {
    sessionId,
    datapointId: first?.datapointId ?? null,
    inputs: pickFilled(ofSession?.inputs, ofWork?.inputs),
    outputs: pickFilled(ofSession?.outputs, ofWork?.outputs),
    groundTruth: ofSession?.feedback.ground_truth ?? ofWork?.feedback.ground_truth ?? toObject(ofWork?.inputs).ground_truth ?? null,
    error: errors[0] ?? null,
    metrics: Object.fromEntries(events.flatMap(toMetrics).map(({ name, value }) => [name, value])),
    durationMs: work === undefined ? Number(sums?.end_ms ?? 0) - Number(sums?.start_ms ?? 0) : Number(work.row.duration_ms),
    cost: toFiniteNumber(sums?.cost) ?? 0,
    totalTokens: toFiniteNumber(sums?.total_tokens) ?? 0,
  }
}

function pickFilled(first: JsonObject | undefined, second: JsonObject | undefined): JsonObject {
  return first !== undefined && Object.keys(first).length > 0 ? first : (second ?? {})
}

/** Experiment runs as they are stored. What they measured is computed from events, see `run-results.ts`. */
import type { Database, Row } from './database.js'
import { badRequest } from '../http/http-error.js'
import { createId, isUuid } from '../ids.js'
import { isObject, type JsonObject, toNonEmptyText, toObject, toStrings } from '../../otlp/json.js'

/** Everything of a run that requests set. */
export interface StoredRun {
  readonly projectId: number
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly datasetId: string | null
  readonly createdMs: number
  readonly updatedMs: number
  readonly body: RunBody
}

interface RunBody {
  readonly description: string | null
  readonly metadata: JsonObject
  readonly results: JsonObject
  readonly configuration: JsonObject
  readonly event_ids: readonly string[]
  readonly datapoint_ids: readonly string[]
  readonly evaluators: readonly unknown[]
  readonly passing_ranges: JsonObject
  readonly is_active: boolean
}

const STATUSES: ReadonlySet<string> = new Set(['pending', 'completed', 'failed', 'cancelled', 'running'])

/** Reads the body of a request that creates a run. @throws HttpError 400 */
export function toNewRun(request: JsonObject, projectId: number, nowMs: number): StoredRun {
  checkFields(request)
  return {
    projectId,
    id: isUuid(request.run_id) ? request.run_id.toLowerCase() : createId(),
    name: toNonEmptyText(request.name) ?? null,
    status: toNonEmptyText(request.status) ?? 'pending',
    datasetId: toNonEmptyText(request.dataset_id) ?? null,
    createdMs: nowMs,
    updatedMs: nowMs,
    body: {
      description: toNonEmptyText(request.description) ?? null,
      metadata: toObject(request.metadata),
      results: toObject(request.results),
      configuration: toObject(request.configuration),
      event_ids: joinIds(request),
      datapoint_ids: toStrings(request.datapoint_ids),
      evaluators: Array.isArray(request.evaluators) ? request.evaluators : [],
      passing_ranges: toObject(request.passing_ranges),
      is_active: true,
    },
  }
}

/** The run with the fields of an update; metadata, results and configuration are merged. @throws HttpError 400 */
export function toUpdatedRun(run: StoredRun, request: JsonObject, nowMs: number): StoredRun {
  checkFields(request)
  const { body } = run
  const hasIds = Array.isArray(request.event_ids) || Array.isArray(request.session_ids)
  return {
    ...run,
    name: toNonEmptyText(request.name) ?? run.name,
    status: toNonEmptyText(request.status) ?? run.status,
    updatedMs: nowMs,
    body: {
      description: toNonEmptyText(request.description) ?? body.description,
      metadata: { ...body.metadata, ...toObject(request.metadata) },
      results: { ...body.results, ...toObject(request.results) },
      configuration: { ...body.configuration, ...toObject(request.configuration) },
      event_ids: hasIds ? [...new Set([...body.event_ids, ...joinIds(request)])] : body.event_ids,
      datapoint_ids: Array.isArray(request.datapoint_ids) ? toStrings(request.datapoint_ids) : body.datapoint_ids,
      evaluators: Array.isArray(request.evaluators) ? request.evaluators : body.evaluators,
      passing_ranges: { ...body.passing_ranges, ...toObject(request.passing_ranges) },
      is_active: typeof request.is_active === 'boolean' ? request.is_active : body.is_active,
    },
  }
}

/** Stores a run, replacing what is there. Call inside a write. */
export function saveRun(database: Database, run: StoredRun): void {
  database.run(
    `INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET name = excluded.name, status = excluded.status, dataset_id = excluded.dataset_id, updated_ms = excluded.updated_ms, body = excluded.body`,
    run.projectId,
    run.id,
    run.name,
    run.status,
    run.datasetId,
    run.createdMs,
    run.updatedMs,
    JSON.stringify(run.body),
  )
}

/** A run by id, in one of `projectIds` when they are given. */
export function findRun(database: Database, id: string, projectIds?: readonly number[]): StoredRun | undefined {
  const row = database.get('SELECT * FROM runs WHERE id = ?', id.toLowerCase())
  if (row === undefined) return undefined
  const run = toRun(row)
  return projectIds === undefined || projectIds.includes(run.projectId) ? run : undefined
}

/** The runs of some projects, or of all, newest first. */
export function listRuns(database: Database, projectIds?: readonly number[]): StoredRun[] {
  const runs = database.all('SELECT * FROM runs ORDER BY created_ms DESC, id').map(toRun)
  return projectIds === undefined ? runs : runs.filter((run) => projectIds.includes(run.projectId))
}

/** A run in its REST form. */
export function toRestRun(database: Database, run: StoredRun, metrics: Readonly<Record<string, number>> = {}): JsonObject {
  const dataset =
    run.datasetId === null ? undefined : database.get('SELECT body FROM documents WHERE kind = ? AND id = ?', 'dataset', run.datasetId)
  const datasetName = dataset === undefined ? null : (toObject(JSON.parse(String(dataset.body))).name ?? null)
  const { event_ids: eventIds, ...body } = run.body
  return {
    id: run.id,
    run_id: run.id,
    name: run.name,
    status: run.status,
    ...body,
    metrics,
    event_ids: eventIds,
    session_ids: eventIds,
    created_at: new Date(run.createdMs).toISOString(),
    updated_at: new Date(run.updatedMs).toISOString(),
    project: String(run.projectId),
    scope_type: 'project',
    scope_id: String(run.projectId),
    dataset_id: run.datasetId,
    dataset_name: datasetName,
  }
}

function checkFields(request: JsonObject): void {
  if (typeof request.name === 'string' && request.name.trim() === '') throw badRequest('name must not be blank')
  if (request.status !== undefined && request.status !== null && !STATUSES.has(String(request.status))) {
    throw badRequest(`status must be one of ${[...STATUSES].join(', ')}`)
  }
  for (const field of ['metadata', 'results', 'configuration', 'passing_ranges']) {
    const value = request[field]
    if (value !== undefined && value !== null && !isObject(value)) throw badRequest(`${field} must be an object`)
  }
}

function joinIds(request: JsonObject): string[] {
  return [...new Set([...toStrings(request.event_ids), ...toStrings(request.session_ids)].map((id) => id.toLowerCase()))]
}

function toRun(row: Row): StoredRun {
  return {
    projectId: Number(row.project_id),
    id: String(row.id),
    name: row.name === null ? null : String(row.name),
    status: String(row.status),
    datasetId: row.dataset_id === null ? null : String(row.dataset_id),
    createdMs: Number(row.created_ms),
    updatedMs: Number(row.updated_ms),
    // Written by `saveRun` and by nothing else.
    body: JSON.parse(String(row.body)) as RunBody,
  }
}

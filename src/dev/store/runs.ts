/** Experiment runs as they are stored. What they measured is computed from events, see `run-results.ts`. */
import type { Transaction } from './change-queue.js'
import type { Bindable, Reader, Row } from './database.js'
import { toUpsert } from './statement.js'
import { badRequest } from '../http/http-error.js'
import { createId, isUuid } from './ids.js'
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
      event_ids: [...new Set([...body.event_ids, ...joinIds(request)])],
      datapoint_ids: Array.isArray(request.datapoint_ids) ? toStrings(request.datapoint_ids) : body.datapoint_ids,
      evaluators: Array.isArray(request.evaluators) ? request.evaluators : body.evaluators,
      passing_ranges: { ...body.passing_ranges, ...toObject(request.passing_ranges) },
      is_active: typeof request.is_active === 'boolean' ? request.is_active : body.is_active,
    },
  }
}

/** Stores a run, replacing what is there; its project and time of creation stay. */
export function saveRun(tx: Transaction, run: StoredRun): void {
  const row = {
    project_id: run.projectId,
    id: run.id,
    name: run.name,
    status: run.status,
    dataset_id: run.datasetId,
    created_ms: run.createdMs,
    updated_ms: run.updatedMs,
    body: JSON.stringify(run.body),
  }
  // A run that was deleted makes room for the new one of its id.
  tx.run('DELETE FROM runs WHERE id = ? AND project_id < 0', run.id)
  tx.run(...toUpsert('runs', ['id'], row, ['project_id', 'created_ms']))
  tx.changes.run(run.projectId, run.id)
}

/** Deletes a run; its sessions stay. */
export function removeRun(tx: Transaction, { projectId, id }: StoredRun): void {
  tx.run('DELETE FROM runs WHERE id = ?', id)
  tx.changes.run(projectId, id)
}

/** A run by id, in one of `projectIds` when they are given. */
export function findRun(reader: Reader, id: string, projectIds?: readonly number[]): StoredRun | undefined {
  const row = reader.get('SELECT * FROM runs WHERE id = ? AND project_id > 0', id.toLowerCase())
  if (row === undefined) return undefined
  const run = toRun(row)
  return projectIds === undefined || projectIds.includes(run.projectId) ? run : undefined
}

/** Which runs of {@link listRuns}, in which order. */
export interface RunFilter {
  readonly projectIds?: readonly number[] | undefined
  readonly ids?: readonly string[]
  readonly datasetId?: string | undefined
  /** Part of the name, in any case. */
  readonly name?: string | undefined
  readonly status?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** @defaultValue `'created_at'` */
  readonly sortBy?: RunOrder
  /** @defaultValue false */
  readonly ascending?: boolean
  readonly limit: number
  /** @defaultValue 0 */
  readonly offset?: number
}

/** What runs can be sorted by. */
export type RunOrder = keyof typeof RUN_ORDERS

/** Columns by the names that requests use. */
export const RUN_ORDERS = { created_at: 'created_ms', updated_at: 'updated_ms', name: "coalesce(name, '')", status: 'status' } as const

/** One page of runs, and how many there are with and without the filter. */
export function listRuns(reader: Reader, filter: RunFilter): { runs: StoredRun[]; total: number; totalUnfiltered: number } {
  const inProject = filter.projectIds === undefined ? 'project_id > 0' : 'project_id IN (SELECT value FROM json_each(?))'
  const projects = filter.projectIds === undefined ? [] : [JSON.stringify(filter.projectIds)]
  const { sql, values } = toConditions(filter)
  const order = `${RUN_ORDERS[filter.sortBy ?? 'created_at']} ${filter.ascending === true ? 'ASC' : 'DESC'}`
  const rows = reader.all(
    `SELECT * FROM runs WHERE ${inProject} AND ${sql} ORDER BY ${order}, id LIMIT ? OFFSET ?`,
    ...projects,
    ...values,
    filter.limit,
    filter.offset ?? 0,
  )
  const count = (conditions: string, given: readonly Bindable[]): number =>
    Number(reader.get(`SELECT count(*) AS count FROM runs WHERE ${conditions}`, ...given)?.count)
  return {
    runs: rows.map(toRun),
    total: count(`${inProject} AND ${sql}`, [...projects, ...values]),
    totalUnfiltered: count(inProject, projects),
  }
}

function toConditions({ ids = [], datasetId, name, status, fromMs, toMs }: RunFilter): { sql: string; values: Bindable[] } {
  const parts: (readonly [sql: string, ...values: readonly Bindable[]])[] = [['1 = 1']]
  if (ids.length > 0) parts.push(['id IN (SELECT value FROM json_each(?))', JSON.stringify(ids)])
  if (datasetId !== undefined)
    parts.push(["(dataset_id = ? OR json_extract(body, '$.metadata.offline_dataset_id') = ?)", datasetId, datasetId])
  if (name !== undefined) parts.push(['instr(lower(name), lower(?)) > 0', name])
  if (status !== undefined) parts.push(['status = ?', status])
  if (fromMs !== undefined) parts.push(['created_ms >= ?', fromMs])
  if (toMs !== undefined) parts.push(['created_ms <= ?', toMs])
  return { sql: parts.map(([sql]) => sql).join(' AND '), values: parts.flatMap(([, ...values]) => values) }
}

/** A run in its REST form. */
export function toRestRun(reader: Reader, run: StoredRun, metrics: Readonly<Record<string, number>> = {}): JsonObject {
  const dataset =
    run.datasetId === null ? undefined : reader.get('SELECT body FROM documents WHERE kind = ? AND id = ?', 'dataset', run.datasetId)
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

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HttpError } from '../../../src/dev/http/http-error.js'
import { addDocument } from '../../../src/dev/store/documents.js'
import { createProjectStore } from '../../../src/dev/store/projects.js'
import { type RunMetric, groupBy, toRunSummary, toScores } from '../../../src/dev/store/run-results.js'
import {
  findRun,
  listRuns,
  removeRun,
  type RunFilter,
  saveRun,
  type StoredRun,
  toNewRun,
  toRestRun,
  toUpdatedRun,
} from '../../../src/dev/store/runs.js'
import { openStore, type Store } from '../../../src/dev/store/store.js'
import { hideRun, restoreRun } from '../../../src/dev/store/trash.js'
import type { RunRow } from '../../../src/dev/page-api/contract.js'
import type { JsonObject } from '../../../src/otlp/json.js'

const ID = '00000000-0000-4000-8000-0000000000AA'
let store: Store
let projects: readonly [number, number]

beforeEach(async () => {
  store = await openStore(':memory:', { now: () => 1_000 })
  const found = await createProjectStore(store, { one: 'key-of-one', other: 'key-of-other' })
  projects = ['key-of-one', 'key-of-other'].flatMap((key) => found.idsOf(store, found.identify(key))) as [number, number]
})
afterEach(() => store.close())

/** Keeps a run as it was made then. */
async function keep(request: JsonObject, atMs = 1_000, projectId = projects[0]): Promise<StoredRun> {
  const run = toNewRun(request, projectId, atMs)
  await store.change((tx) => saveRun(tx, run))
  return run
}

describe('toNewRun and toUpdatedRun', () => {
  it('take what a request says, and the usual for the rest', () => {
    const run = toNewRun({ run_id: ID, event_ids: ['A', 'b'], session_ids: ['a', 5], evaluators: [1] }, 1, 7)
    expect(run).toMatchObject({ id: ID.toLowerCase(), name: null, status: 'pending', datasetId: null, createdMs: 7, updatedMs: 7 })
    expect(run.body).toEqual({
      description: null,
      metadata: {},
      results: {},
      configuration: {},
      event_ids: ['a', 'b'],
      datapoint_ids: [],
      evaluators: [1],
      passing_ranges: {},
      is_active: true,
    })
    expect(toNewRun({ run_id: 'no uuid', name: 'r', dataset_id: 'd' }, 1, 7)).toMatchObject({ name: 'r', datasetId: 'd' })
    expect(toNewRun({ evaluators: 'none', datapoint_ids: 'none' }, 1, 7).body).toMatchObject({ evaluators: [], datapoint_ids: [] })
    expect(toNewRun({ run_id: 'no uuid' }, 1, 7).id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('merge metadata, results and configuration, and keep what is not named', () => {
    const run = toNewRun({ name: 'r', event_ids: ['a'], metadata: { a: 1, b: 1 }, results: { x: 1 }, description: 'd' }, 1, 7)
    const updated = toUpdatedRun(run, { status: 'completed', metadata: { b: 2 }, configuration: { c: 3 } }, 9)
    expect(updated).toMatchObject({ id: run.id, name: 'r', status: 'completed', createdMs: 7, updatedMs: 9 })
    expect(updated.body).toMatchObject({
      metadata: { a: 1, b: 2 },
      results: { x: 1 },
      configuration: { c: 3 },
      event_ids: ['a'],
      description: 'd',
    })
    expect(toUpdatedRun(run, { session_ids: ['Z'] }, 9).body.event_ids).toEqual(['a', 'z'])
    expect(toUpdatedRun(run, { name: 'other', event_ids: [] }, 9)).toMatchObject({ name: 'other', body: { event_ids: ['a'] } })
  })

  it.each<[JsonObject, RegExp]>([
    [{ name: ' ' }, /name must not be blank/],
    [{ status: 'finished' }, /status must be one of pending, completed/],
    [{ metadata: [] }, /metadata must be an object/],
    [{ passing_ranges: 'x' }, /passing_ranges must be an object/],
  ])('refuse %j', (request, message) => {
    const run = toNewRun({ metadata: null, status: null, name: null }, 1, 7)
    expect(() => toNewRun(request, 1, 7)).toThrow(HttpError)
    expect(() => toUpdatedRun(run, request, 7)).toThrow(message)
  })
})

describe('the runs of a store', () => {
  it('are found by id in any case, in the projects asked for, until they are removed', async () => {
    const run = await keep({ run_id: ID, name: 'r' })
    expect([findRun(store, ID), findRun(store, ID, projects), findRun(store, ID, [projects[1]])]).toEqual([run, run, undefined])
    await store.change((tx) => saveRun(tx, { ...run, name: 'renamed', projectId: projects[1], createdMs: 5 }))
    expect(findRun(store, ID)).toEqual({ ...run, name: 'renamed' })
    const told: unknown[] = []
    store.onCommit(({ runs }) => told.push(...runs))
    await store.change((tx) => removeRun(tx, run))
    expect([findRun(store, ID), told]).toEqual([undefined, [{ projectId: projects[0], runId: run.id }]])
  })

  it('make room for a new one of their id once they are deleted', async () => {
    const { id } = await keep({ run_id: ID, name: 'old' })
    await hideRun(store, projects[0], id)
    const made = await keep({ run_id: ID, name: 'new' }, 9, projects[1])
    expect([findRun(store, ID), await restoreRun(store, projects[0], id)]).toEqual([made, false])
  })

  it('are listed by page, filtered and sorted, and counted with and without the filter', async () => {
    const made = [
      await keep({ name: 'Beta', status: 'completed', dataset_id: 'd1' }, 10),
      await keep({ name: 'alpha', metadata: { offline_dataset_id: 'd1' } }, 20),
      await keep({}, 30),
      await keep({ name: 'foreign beta' }, 40, projects[1]),
    ]
    const listed = (filter: Partial<RunFilter> = {}): unknown => {
      const { runs, total, totalUnfiltered } = listRuns(store, { projectIds: [projects[0]], limit: 10, ...filter })
      return [runs.map(({ id }) => made.findIndex((run) => run.id === id)), total, totalUnfiltered]
    }
    expect(listed()).toEqual([[2, 1, 0], 3, 3])
    expect(listed({ projectIds: undefined })).toEqual([[3, 2, 1, 0], 4, 4])
    expect(listed({ projectIds: [] })).toEqual([[], 0, 0])
    expect(listed({ ascending: true, limit: 2 })).toEqual([[0, 1], 3, 3])
    expect(listed({ ascending: true, limit: 2, offset: 2 })).toEqual([[2], 3, 3])
    expect(listed({ sortBy: 'name', ascending: true })).toEqual([[2, 0, 1], 3, 3])
    expect(listed({ name: 'BETA' })).toEqual([[0], 1, 3])
    expect(listed({ status: 'pending' })).toEqual([[2, 1], 2, 3])
    expect(listed({ datasetId: 'd1' })).toEqual([[1, 0], 2, 3])
    expect(listed({ fromMs: 20 })).toEqual([[2, 1], 2, 3])
    expect(listed({ toMs: 20 })).toEqual([[1, 0], 2, 3])
    expect(listed({ ids: [made[0]?.id ?? '', made[3]?.id ?? ''] })).toEqual([[0], 1, 3])
    expect(listed({ ids: [] })).toEqual([[2, 1, 0], 3, 3])
  })

  it('name their data set where it is known', async () => {
    const dataset = await store.change((tx) => addDocument(tx, 'dataset', projects[0], { name: 'seats' }))
    const nameless = await store.change((tx) => addDocument(tx, 'dataset', projects[0], {}))
    const nameOf = async (datasetId: string | undefined): Promise<unknown> => {
      const run = await keep({ ...(datasetId !== undefined && { dataset_id: datasetId }), event_ids: ['a'] })
      const rest = toRestRun(store, run, { m: 1 })
      expect(rest).toMatchObject({ id: run.id, run_id: run.id, event_ids: ['a'], session_ids: ['a'], metrics: { m: 1 } })
      expect(rest.created_at).toBe('1970-01-01T00:00:01.000Z')
      return rest.dataset_name
    }
    expect([await nameOf(dataset.id), await nameOf(nameless.id), await nameOf('gone'), await nameOf(undefined)]).toEqual([
      'seats',
      null,
      null,
      null,
    ])
  })
})

describe('toRunSummary', () => {
  const toMetric = (name: string, value: RunMetric['value']): RunMetric => ({
    name,
    value,
    eventName: 'e',
    eventType: 'chain',
    datapointId: null,
    sessionId: 's',
  })
  const toRow = (row: Partial<RunRow>): RunRow => ({ error: null, cost: 0, totalTokens: 0, ...row }) as RunRow

  it('adds up rows and averages scores', () => {
    const run = toNewRun({ name: 'r', status: 'completed' }, 3, 100)
    const metrics = [toMetric('ok', true), toMetric('ok', false), toMetric('note', 'text'), toMetric('score', 3)]
    const rows = [toRow({ cost: 1, totalTokens: 5 }), toRow({ cost: 2, totalTokens: 6, error: 'no' })]
    expect(toRunSummary({ ...run, updatedMs: 150 }, { rows, metrics, events: [] })).toEqual({
      id: run.id,
      projectId: '3',
      name: 'r',
      status: 'completed',
      datasetId: null,
      createdMs: 100,
      rows: 2,
      failedRows: 1,
      metrics: { ok: 0.5, score: 3 },
      cost: 3,
      totalTokens: 11,
      durationMs: 50,
    })
    expect(toScores(metrics)).toEqual([1, 0, 3])
    expect([...groupBy(metrics, ({ name }) => name).keys()]).toEqual(['ok', 'note', 'score'])
  })

  it('has no duration while a run goes on, and the data set it was told', () => {
    const empty = { rows: [], metrics: [], events: [] }
    const summaryOf = (request: JsonObject, updatedMs: number) => toRunSummary({ ...toNewRun(request, 1, 100), updatedMs }, empty)
    for (const status of ['pending', 'running']) expect(summaryOf({ status }, 150).durationMs).toBe(0)
    for (const status of ['failed', 'cancelled']) expect(summaryOf({ status }, 150).durationMs).toBe(50)
    expect(summaryOf({ status: 'failed' }, 50).durationMs).toBe(0)
    expect(summaryOf({ run_id: ID }, 100).name).toBe(ID.toLowerCase())
    expect(summaryOf({ metadata: { offline_dataset_id: 'off' } }, 100).datasetId).toBe('off')
    expect(summaryOf({ dataset_id: 'on', metadata: { offline_dataset_id: 'off' } }, 100).datasetId).toBe('on')
  })
})

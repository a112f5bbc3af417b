import { describe, expect } from 'vitest'
import type { Comparison } from '../../src/dev/page-api/contract.js'
import type { DevServer } from '../../src/dev/server.js'
import { call, sendSpans, test } from './fixtures.js'

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
type Rows = Readonly<Record<string, number | null | readonly number[]>>

let sessions = 100
/** A run whose rows have these scores; null for a row that failed. */
const sendRun = async (server: DevServer, run: number, rows: Rows, metadata: object = {}): Promise<void> => {
  await call(server, 'POST', '/v1/runs', { run_id: uuid(run), name: `run ${run}`, status: 'completed', event_ids: [], metadata })
  for (const [datapoint, given] of Object.entries(rows)) {
    for (const score of Array.isArray(given) ? given : [given]) {
      const attributes = {
        'honeyhive.session_id': uuid(++sessions),
        honeyhive_event_type: 'chain',
        'honeyhive_metadata.run_id': uuid(run),
        'honeyhive_metadata.datapoint_id': datapoint,
        'honeyhive_inputs.q': datapoint,
        ...(score === null ? { honeyhive_error: 'boom' } : { 'honeyhive_metrics.accuracy': score, 'honeyhive_metrics.latency': score * 2 }),
      }
      await sendSpans(server, [{ attributes }])
    }
  }
}
const compare = async (server: DevServer, ...runs: readonly number[]): Promise<Comparison> =>
  (await call(server, 'GET', `/api/comparison?${runs.map((run) => `run=${uuid(run)}`).join('&')}`)).body as Comparison

describe('the comparison of runs', () => {
  test('has every datapoint of any run, and shows which run lacks it', async ({ server }) => {
    await sendRun(server, 1, { a: 1, b: 0, c: null })
    await sendRun(server, 2, { b: 1, d: 1 })
    await sendRun(server, 3, { a: 0, b: 0 })
    const { runs, rows } = await compare(server, 1, 2, 3)
    expect(runs.map(({ name }) => name)).toEqual(['run 1', 'run 2', 'run 3'])
    const scores = rows.map(({ id, rows: ofRow }) => [
      id,
      ofRow.map((row) => (row === null ? 'no row' : (row.error ?? row.metrics.accuracy))),
    ])
    expect(Object.fromEntries(scores)).toEqual({
      a: [1, 'no row', 0],
      b: [0, 1, 0],
      c: ['boom', 'no row', 'no row'],
      d: ['no row', 1, 'no row'],
    })
  })

  test('says how sure an average is, and a change over the pairs', async ({ server }) => {
    const all = (score: (n: number) => number) => Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`d${n}`, score(n)]))
    await sendRun(
      server,
      1,
      all((n) => 0.5 + (n % 5) / 10),
    )
    await sendRun(
      server,
      2,
      all((n) => 0.4 + (n % 5) / 10 + (n % 2) / 100),
    )
    const { metrics } = await compare(server, 1, 2)
    const [newer, older] = metrics.find(({ name }) => name === 'accuracy')?.figures ?? []
    expect(newer).toMatchObject({ count: 20, change: { pairs: 20 } })
    expect(newer?.average).toBeCloseTo(0.7, 10)
    expect(newer?.interval?.low).toBeLessThan(0.7)
    expect(newer?.interval?.high).toBeGreaterThan(0.7)
    expect(newer?.change?.difference).toBeCloseTo(0.095, 10)
    expect(newer?.change?.interval?.low).toBeGreaterThan(0.09)
    expect(older?.change).toBeNull()
  })

  test('does not let an average of one row look sure', async ({ server }) => {
    await sendRun(server, 1, { a: 1 })
    await sendRun(server, 2, { a: 0 })
    const [figure] = (await compare(server, 1, 2)).metrics[0]?.figures ?? []
    expect(figure).toEqual({ average: 1, count: 1, failed: 0, interval: null, change: { difference: 1, pairs: 1, interval: null } })
  })

  test('knows of which metrics less is better: as a run says, else by their name', async ({ server }) => {
    await sendRun(server, 1, { a: 1 })
    await sendRun(server, 2, { a: 1 })
    await sendRun(server, 3, { a: 1 }, { evaluator_rules: [{ name: 'accuracy', lowerIsBetter: true }, { name: 'latency' }] })
    const directions = async (...runs: readonly number[]) =>
      Object.fromEntries((await compare(server, ...runs)).metrics.map(({ name, lowerIsBetter }) => [name, lowerIsBetter]))
    expect(await directions(1, 2)).toEqual({ accuracy: null, latency: true })
    expect(await directions(1, 3)).toEqual({ accuracy: true, latency: false })
  })

  test('counts a row that failed, as an experiment does: as the worst score', async ({ server }) => {
    await sendRun(server, 1, { a: 1, b: null, c: 1 })
    await sendRun(server, 2, { a: 1, b: 1, c: 1 })
    await sendRun(server, 3, { a: 1, b: null }, { evaluator_rules: [{ name: 'accuracy', failedScore: -1 }] })
    const figures = async (...runs: readonly number[]) => {
      const [accuracy] = (await compare(server, ...runs)).metrics
      return { failedScore: accuracy?.failedScore, figures: accuracy?.figures.map((one) => [one?.average, one?.count, one?.failed]) }
    }
    expect(await figures(1, 2)).toEqual({
      failedScore: 0,
      figures: [
        [2 / 3, 3, 1],
        [1, 3, 0],
      ],
    })
    expect(await figures(3, 2)).toMatchObject({ failedScore: -1, figures: [[0, 2, 1], expect.anything()] })
    const latency = (await compare(server, 1, 2)).metrics.find(({ name }) => name === 'latency')
    expect(latency?.failedScore, 'where less is better').toBe(2)
  })

  test('keeps apart what one run has twice', async ({ server }) => {
    await sendRun(server, 1, { a: [1, 0] })
    await sendRun(server, 2, { a: [0, 0] })
    const { rows } = await compare(server, 1, 2)
    expect(rows.map(({ id, rows: ofRow }) => [id, ofRow.map((row) => row?.metrics.accuracy)])).toEqual([
      ['a', [1, 0]],
      ['a (2)', [0, 0]],
    ])
  })

  test.for([
    ['one run', [1], 400],
    ['the same run twice', [1, 1], 400],
    ['nine runs', [1, 2, 3, 4, 5, 6, 7, 8, 9], 400],
    ['a run that is not there', [1, 99], 404],
  ] as const)('of %s is refused', async ([, runs, status], { server }) => {
    await sendRun(server, 1, { a: 1 })
    expect((await call(server, 'GET', `/api/comparison?${runs.map((run) => `run=${uuid(run)}`).join('&')}`)).status).toBe(status)
  })
})

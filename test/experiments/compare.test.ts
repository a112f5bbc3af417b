import { describe, expect } from 'vitest'
import { compareScoredRuns } from '../../src/experiments/compare-rows.js'
import { compareRuns, evaluate, evaluator, exactMatch, getRunResult } from '../../src/experiments/index.js'
import { parseRunResult } from '../../src/experiments/run-result.js'
import { OFFLINE, test } from './backend.js'

const run = (runId: string, scores: readonly (number | boolean | string)[]) => ({
  runId,
  name: runId,
  rows: scores.map((score, i) => ({ datapointId: `d${i}`, scores: { score } })),
})

describe('compareScoredRuns', () => {
  test('names the rows that improved, got worse and stayed, and says what may be chance', () => {
    const comparison = compareScoredRuns(run('new', [1, 1, 0, 1]), run('old', [0, 1, 1, 0]))
    expect(comparison).toMatchObject({ commonDatapoints: 4, improvedRows: 2, worseRows: 1, unchangedRows: 1 })
    expect(comparison.metrics['score']).toMatchObject({
      oldAverage: 0.5,
      newAverage: 0.75,
      difference: 0.25,
      improved: ['d0', 'd3'],
      worse: ['d2'],
      unchanged: 1,
      isSignificant: false,
      verdict: 'unchanged',
    })
    expect(comparison.metrics['score']?.test).toEqual({ pValue: 1, method: 'exact', pairs: 3 })
    expect(comparison.metrics['score']?.minimumDetectableChange).toBeGreaterThan(0.25)
  })

  test('a clear change is significant, in the direction that the metric has', () => {
    const before = run(
      'old',
      Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 0.4 : 0.5)),
    )
    const after = run(
      'new',
      Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 0.6 : 0.55)),
    )
    expect(compareScoredRuns(after, before).metrics['score']).toMatchObject({ isSignificant: true, verdict: 'improved' })
    const inverted = compareScoredRuns(after, before, { lowerIsBetter: ['score'] })
    expect(inverted.metrics['score']).toMatchObject({ verdict: 'worse' })
    expect(inverted.worseRows).toBe(50)
  })

  test('text scores change rows without a direction, and rows of one run only are listed', () => {
    const comparison = compareScoredRuns(run('new', ['warm', 'cold', 'warm']), run('old', ['warm', 'warm']))
    expect(comparison).toMatchObject({ metrics: {}, unchangedRows: 2, newOnly: ['d2'], oldOnly: [] })
    expect(comparison.rows).toEqual([{ datapointId: 'd1', verdict: 'unchanged', changes: { score: { old: 'warm', new: 'cold' } } }])
  })
})

describe('compareRuns and getRunResult', () => {
  const dataset = Array.from({ length: 12 }, (_, i) => ({ inputs: { i }, groundTruth: i }))
  const judge = [exactMatch(), evaluator('half', { evaluate: () => 0.5 })] as const

  test('compare two results, two runs at the server, and a run with its baseline', async ({ online }) => {
    const old = await evaluate({ ...online, dataset, function: ({ inputs }) => (inputs.i < 3 ? inputs.i : -1), evaluators: judge })
    const next = await evaluate({ ...online, dataset, function: ({ inputs }) => inputs.i, evaluators: judge, baselineRunId: old.runId })
    const expected = { improvedRows: 9, worseRows: 0, unchangedRows: 3, commonDatapoints: 12 }
    expect(next.comparison).toMatchObject({ ...expected, oldRunId: old.runId })
    expect(next.comparison?.metrics['exact_match']).toMatchObject({
      oldAverage: 0.25,
      newAverage: 1,
      isSignificant: true,
      verdict: 'improved',
    })
    expect(await compareRuns(next, old)).toMatchObject(expected)
    expect(await compareRuns(next.runId, old.runId, { apiKey: online.apiKey, serverUrl: online.serverUrl })).toMatchObject(expected)
    expect(next.toTable()).toContain('9 improved, 0 worse, 3 unchanged')

    const result = await getRunResult(next.runId, { apiKey: online.apiKey, serverUrl: online.serverUrl, aggregate: 'min' })
    expect(result).toMatchObject({ runId: next.runId, status: 'completed', aggregate: 'min' })
    expect(result.metric('half')?.aggregate).toBe(0.5)
  })

  test('a baseline that cannot be read is a warning', async ({ online }) => {
    const result = await evaluate({ ...online, dataset, function: () => 1, baselineRunId: '00000000-0000-4000-8000-000000000000' })
    expect(result.comparison).toBeUndefined()
    expect(result.warnings.join()).toContain('Baseline 00000000-0000-4000-8000-000000000000 could not be read')
  })

  test('say what is missing offline', async () => {
    await expect(compareRuns('a', 'b', { apiKey: '' })).rejects.toThrow(/not in a local journal/)
    await expect(getRunResult('a', { apiKey: '' })).rejects.toThrow(/needs an API key/)
    const one = await evaluate({ ...OFFLINE, dataset, function: () => 1 })
    expect(await compareRuns(one, one)).toMatchObject({ commonDatapoints: 12, unchangedRows: 12 })
  })
})

describe('parseRunResult', () => {
  test('reads the flat form of older servers and lacks nothing when the reply does', () => {
    const flat = parseRunResult('r', {
      metrics: { aggregation_function: 'average', accuracy: { aggregate: 0.5, values: [0, 1] } },
      passed: ['a'],
    })
    expect(flat).toMatchObject({ runId: 'r', passed: ['a'], aggregate: 'average' })
    expect(flat.metric('accuracy')).toMatchObject({ aggregate: 0.5, values: [0, 1], passed: [] })
    for (const reply of [undefined, null, 'x', [], { metrics: 7, datapoints: 'no', run_object: null }]) {
      expect(parseRunResult('r', reply)).toMatchObject({ runId: 'r', metrics: [], datapoints: [], passed: [] })
    }
  })
})

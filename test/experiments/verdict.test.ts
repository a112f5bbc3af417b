import { describe, expect } from 'vitest'
import { compareScoredRuns } from '../../src/experiments/compare-rows.js'
import {
  compareRuns,
  defineExperiment,
  evaluate,
  evaluator,
  exactMatch,
  levenshtein,
  llmJudge,
  mergeResults,
} from '../../src/experiments/index.js'
import { OFFLINE, test } from './backend.js'

const rows = (count: number): { inputs: { i: number }; groundTruth: string }[] =>
  Array.from({ length: count }, (_, i) => ({ inputs: { i }, groundTruth: `a${i}` }))

/** Right answers, except where `answer` says otherwise. */
const run = (count: number, answer: (i: number) => unknown = (i) => `a${i}`, more: object = {}) =>
  evaluate({
    ...OFFLINE,
    dataset: rows(count),
    function: ({ inputs }) => answer(inputs.i),
    evaluators: { match: exactMatch() } as Record<string, ReturnType<typeof exactMatch>>,
    ...more,
  })

const crash = (): never => {
  throw new Error('the new version cannot do this')
}

describe('rows that failed', () => {
  test('count in the average, the interval and the gate, and the report says with what', async () => {
    const result = await run(40, (i) => (i < 10 ? crash() : `a${i}`), { thresholds: { match: 0.8, errorRate: 1 } })
    expect(result.metrics['match']).toMatchObject({ count: 40, average: 0.75, failedRows: 10, failedScore: 0, passed: 30, failed: 10 })
    expect(result.metrics['match']?.confidence).toMatchObject({ method: 'wilson', high: expect.closeTo(0.858, 3) })
    expect(result).toMatchObject({ passed: false, thresholds: [{ name: 'match', passed: false }, { passed: true }] })
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML()]) expect(text).toMatch(/10 (rows )?failed, counted as 0/)
  })

  test('count as the worst that was seen, or as what the evaluator states', async () => {
    const answer = (i: number): number => (i === 0 ? crash() : i)
    const score = { evaluate: (output: unknown) => Number(output) }
    const evaluators = [
      evaluator('plain', score),
      evaluator('low', { ...score, lowerIsBetter: true }),
      evaluator('stated', { ...score, failedScore: -7 }),
      evaluator('negative', { evaluate: (output: unknown) => -Number(output) }),
    ]
    const { metrics } = await run(5, answer, { evaluators, thresholds: { errorRate: 1 } })
    expect(Object.values(metrics).map(({ name, failedScore, min, max }) => [name, failedScore, min, max])).toEqual([
      ['plain', 0, 0, 4],
      ['low', 4, 1, 4],
      ['stated', -7, -7, 4],
      ['negative', -4, -4, -1],
    ])
  })

  test('a judge that failed counts like a function that did', async () => {
    const judge = { judge: (_: unknown, { i }: { i: number }) => (i < 5 ? crash() : 1) }
    const result = await run(10, () => 1, { evaluators: judge })
    expect(result.metrics['judge']).toMatchObject({ average: 0.5, failedRows: 5 })
    expect(result.failures).toEqual(['5 evaluations failed'])
  })

  test('are worse in a comparison with a run they were right in, also when all of them fail', async () => {
    const before = await run(40)
    const partly = await compareRuns(await run(40, (i) => (i < 10 ? crash() : `a${i}`)), before)
    expect(partly).toMatchObject({
      worseRows: 10,
      unchangedRows: 30,
      metrics: { match: { verdict: 'worse', failedRows: { old: 0, new: 10 } } },
    })
    const wholly = await compareRuns(await run(40, crash), before)
    expect(wholly).toMatchObject({ worseRows: 40, metrics: { match: { oldAverage: 1, newAverage: 0, verdict: 'worse' } } })
    const back = await compareRuns(before, await run(40, crash))
    expect(back).toMatchObject({ improvedRows: 40, metrics: { match: { verdict: 'improved' } } })
  })

  test('a crash of the hard rows does not raise the average', async () => {
    const before = await run(20, (i) => (i < 10 ? `a${i}` : 'wrong'))
    const after = await run(20, (i) => (i < 10 ? `a${i}` : crash()))
    expect(after.metrics['match']?.average).toBe(before.metrics['match']?.average)
    expect(await compareRuns(after, before)).toMatchObject({ worseRows: 10, metrics: { match: { difference: 0 } } })
  })

  test('rows that were stopped, or that one run gave no score, are not called unchanged', () => {
    const row = (id: string, more: object) => ({ datapointId: id, scores: {}, ...more })
    const evaluators = [{ name: 'match' }]
    const old = { runId: 'o', name: 'o', evaluators, rows: ['a', 'b', 'c'].map((id) => row(id, { scores: { match: 1 } })) }
    const now = {
      runId: 'n',
      name: 'n',
      evaluators,
      rows: [row('a', { scores: { match: 1 } }), row('b', { status: 'cancelled' as const }), row('c', {})],
    }
    const comparison = compareScoredRuns(now, old)
    expect(comparison).toMatchObject({ unchangedRows: 1, incomparableRows: 2, metrics: { match: { pairs: 1, unscored: 2 } } })
    expect(comparison.warnings.join()).toContain('match: 2 rows have a score in one of the runs only')
  })

  test('are known of a run at the server and of one in a journal', async ({ online }) => {
    const server = { apiKey: online.apiKey, serverUrl: online.serverUrl }
    const before = await run(12, undefined, online)
    const after = await run(12, (i) => (i < 8 ? crash() : `a${i}`), online)
    expect(await compareRuns(after.runId, before.runId, server)).toMatchObject({ worseRows: 8, metrics: { match: { verdict: 'worse' } } })
    expect(await compareRuns(before.runId, after.runId, server)).toMatchObject({ improvedRows: 8 })
  })
})

describe('the gate', () => {
  test('failOnRegression fails for a significant regression only', async () => {
    const baseline = await run(60)
    const gate = { baseline, failOnRegression: true, thresholds: { match: 0.1 } }
    expect(await run(60, undefined, gate)).toMatchObject({ passed: true, failures: [] })
    const worse = await run(60, (i) => (i < 20 ? `a${i}` : 'no'), gate)
    expect(worse).toMatchObject({ passed: false, gate: { failOnRegression: true, baselineRunId: baseline.runId } })
    expect(worse.failures).toEqual([expect.stringContaining('match: worse than the baseline, 1 to 0.3333')])
    const slightly = await run(60, (i) => (i < 58 ? `a${i}` : 'no'), gate)
    expect(slightly.passed).toBe(true)
  })

  test('a regression that cannot be judged fails', async ({ online }) => {
    const unknown = await run(5, undefined, { ...online, baselineRunId: '00000000-0000-4000-8000-000000000000', failOnRegression: true })
    expect(unknown.failures).toEqual(['failOnRegression could not be judged: there is no baseline to compare with'])
    const stranger = { runId: 's', name: 's', rows: [{ datapointId: 'other', scores: { match: 1 } }] }
    expect((await run(5, undefined, { baseline: stranger, failOnRegression: true })).failures.join()).toContain(
      'no row of the run has a partner',
    )
    const unscored = await run(5, undefined, { evaluators: {} })
    expect((await run(5, undefined, { baseline: unscored, failOnRegression: true })).failures.join()).toContain('share no numeric')
    await expect(run(5, undefined, { failOnRegression: true })).rejects.toThrow('"failOnRegression" needs a run to compare with')
  })

  test('bounds on cost and tokens that nobody reported are not met', async () => {
    const result = await run(3, undefined, { thresholds: { cost: 1, totalTokens: 1_000, match: 1 } })
    expect(result.thresholds.map(({ name, actual, passed }) => [name, actual, passed])).toEqual([
      ['cost', null, false],
      ['totalTokens', null, false],
      ['match', 1, true],
    ])
    expect(result.failures[0]).toContain('could not be judged')
  })

  test('rows that an evaluator turned down fail the run, unless a bound says how many may be', async () => {
    const half = (i: number): string => (i < 5 ? `a${i}` : 'no')
    const unbound = await run(10, half)
    expect(unbound).toMatchObject({ passed: false, failures: ['match: 5 rows did not pass'] })
    expect(unbound.toJUnit()).toContain('failures="6"')
    const bound = await run(10, half, { thresholds: { match: 0.5 } })
    expect(bound).toMatchObject({ passed: true })
    expect(bound.toJUnit()).toContain('failures="0" errors="0"')
    const tolerated = await run(10, (i) => (i < 5 ? `a${i}` : crash()), { thresholds: { match: 0.5, errorRate: 0.5 } })
    expect(tolerated).toMatchObject({ passed: true })
    expect(tolerated.toJUnit()).toContain('failures="0" errors="0"')
  })
})

describe('direction', () => {
  const toxicity = (level: number) => ({
    evaluators: [
      evaluator('toxicity', { lowerIsBetter: true, threshold: 0.5, evaluate: (_: unknown, { i }: { i: number }) => level + i / 1_000 }),
    ],
  })

  test('of a metric holds in comparisons, bounds, decisions and the weighted average', async () => {
    const before = await run(40, () => 1, toxicity(0.3))
    const more = await run(40, () => 1, { ...toxicity(0.6), baseline: before, thresholds: { toxicity: 0.5 } })
    expect(more.comparison).toMatchObject({ worseRows: 40, metrics: { toxicity: { verdict: 'worse', lowerIsBetter: true } } })
    expect(more).toMatchObject({
      weightedAverage: null,
      thresholds: [{ max: 0.5, passed: false }],
      metrics: { toxicity: { passed: 0, failed: 40 } },
    })
    const less = await run(40, () => 1, { ...toxicity(0.1), baseline: before, thresholds: { toxicity: 0.5 } })
    expect(less.comparison).toMatchObject({ improvedRows: 40, metrics: { toxicity: { verdict: 'improved' } } })
    expect(less).toMatchObject({ passed: true, metrics: { toxicity: { passed: 40 } } })
    const flag = { evaluators: [evaluator('isToxic', { lowerIsBetter: true, evaluate: () => true })] }
    expect(await run(2, () => 1, flag)).toMatchObject({ passed: false, failures: ['isToxic: 2 rows did not pass'] })
  })

  test('is known of two runs at the server', async ({ online }) => {
    const server = { apiKey: online.apiKey, serverUrl: online.serverUrl }
    const [more, less] = [await run(20, () => 1, { ...online, ...toxicity(0.6) }), await run(20, () => 1, { ...online, ...toxicity(0.1) })]
    expect(await compareRuns(more.runId, less.runId, server)).toMatchObject({ worseRows: 20, metrics: { toxicity: { verdict: 'worse' } } })
  })
})

describe('options that do not exist', () => {
  test('are refused wherever options are given, with the name that was meant', async () => {
    for (const [given, meant] of Object.entries({ treshholds: 'thresholds', maxConcurency: 'maxConcurrency', evaluator: 'evaluators' })) {
      await expect(run(1, undefined, { [given]: {} })).rejects.toThrow(`"${given}" from code. Did you mean "${meant}"?`)
    }
    await expect(run(1, undefined, { rateLimit: { requestPerMinute: 1 } })).rejects.toThrow('rateLimit')
    await expect(run(1, undefined, { cache: { directory: 'x', verison: '1' } })).rejects.toThrow('"cache.version"')
    expect(() => evaluator('x', { evaluate: () => 1, treshold: 1 } as never)).toThrow('Did you mean "threshold"')
    expect(() => levenshtein({ treshold: 1 } as never)).toThrow('Did you mean "threshold"')
    expect(() => llmJudge({ model: () => '', critera: '' } as never)).toThrow('Did you mean "criteria"')
    await expect(run(1, undefined, { evaluators: { x: { evaluate: () => 1, treshold: 1 } } })).rejects.toThrow('Did you mean "threshold"')
    await expect(compareRuns('a', 'b', { lowerIsBeter: [] } as never)).rejects.toThrow('"lowerIsBetter"')
    expect(() => mergeResults([], { treshholds: {} } as never)).toThrow('"thresholds"')
    expect(() => defineExperiment({ dataset: [], function: () => 1, treshholds: {} } as never)).toThrow('"thresholds"')
  })
})

describe('pairing', () => {
  test('goes by id, else by content, and says how many rows found no partner', async () => {
    const before = await run(30)
    const inserted = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: { i: 99 }, groundTruth: 'a99' }, ...rows(30)],
      function: ({ inputs }) => (inputs.i < 20 || inputs.i === 99 ? `a${inputs.i}` : 'no'),
      evaluators: { match: exactMatch() },
      baseline: before,
    })
    expect(inserted.comparison).toMatchObject({
      commonDatapoints: 30,
      pairedByContent: 30,
      worseRows: 10,
      newOnly: [expect.any(String)],
      oldOnly: [],
    })
    expect(inserted.warnings.join()).toContain('Rows without a partner, in no figure of the comparison: 1 of the new run, 0 of the old one')
  })

  test('finds the rows of a run at the server by content too, and equal rows one by one', async ({ online }) => {
    const before = await run(10, undefined, online)
    const dataset = [{ inputs: { i: 0 }, groundTruth: 'a0' }, ...rows(10)]
    const after = await evaluate({
      ...online,
      dataset,
      function: ({ inputs }) => `a${inputs.i}`,
      evaluators: { match: exactMatch() },
      baselineRunId: before.runId,
    })
    expect(after.comparison).toMatchObject({ commonDatapoints: 10, unchangedRows: 10, newOnly: [expect.any(String)] })
  })
})

describe('several metrics', () => {
  const noise = (seed: number) => ({ evaluate: (_: unknown, { i }: { i: number }) => ((i * 7_919 * seed) % 101) / 101 })

  test("share one error level (Holm), and the report names every method's reference", async () => {
    const evaluators = Array.from({ length: 5 }, (_, at) => evaluator(`m${at}`, noise(at + 1)))
    const before = await run(20, () => 1, { evaluators })
    const shifted = evaluators.map(({ evaluatorName }, at) =>
      evaluator(evaluatorName, {
        evaluate: (_: unknown, row: { i: number }) => noise(at + 1).evaluate(_, row) + (at === 0 && row.i < 6 ? 0.1 : 0),
      }),
    )
    const after = await run(20, () => 1, { evaluators: shifted, baseline: before })
    const { test: raw, adjustedPValue, isSignificant } = after.comparison?.metrics['m0'] ?? {}
    expect(raw?.pValue).toBeCloseTo(2 / 64, 6)
    expect(adjustedPValue).toBeCloseTo(10 / 64, 6)
    expect(isSignificant).toBe(false)
    for (const text of [after.toTable(), after.toMarkdown(), after.toHTML()]) {
      for (const name of ['Hall 1992', 'Student 1908', 'Fisher 1935', 'Holm 1979']) expect(text).toContain(name)
    }
    expect((await run(5)).toTable()).toContain('Wilson 1927')
  })
})

describe('merging', () => {
  const runId = '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab0a1'
  const part = (index: number, more: object = {}) =>
    run(9, undefined, { runId, shard: { index, count: 3 }, thresholds: { match: 0.9 }, ...more })

  test('refuses holes, doubles and strangers by name, unless told', async () => {
    const parts = JSON.parse(JSON.stringify([await part(0), await part(1), await part(2)])) as Awaited<ReturnType<typeof part>>[]
    const [one, two] = parts
    if (one === undefined || two === undefined) throw new Error('two parts')
    expect(mergeResults(parts)).toMatchObject({ passed: true, counts: { total: 9 }, warnings: one.warnings })
    const damaged = JSON.parse(JSON.stringify(one)) as typeof one
    Reflect.deleteProperty(damaged.rows[0] ?? {}, 'scores')
    expect(() => mergeResults([damaged, two])).toThrow(/mergeResults: part 1 is damaged: row 0 \(EXT-[^)]+\) has no scores\./)
    expect(() => mergeResults([one, null as never])).toThrow('mergeResults: part 2 is no result of format')
    expect(() => mergeResults([one, two])).toThrow(/Shards are missing: 2\/3 .*allow: \['holes'\], or --allow/)
    expect(() => mergeResults([...parts, one])).toThrow(/3 rows are in several parts/)
    const stranger = await run(9, undefined, { runId })
    expect(() => mergeResults([one, two, stranger])).toThrow(/Part 3 is a stranger: no shard/)
    const told = mergeResults([one, two], { allow: ['holes'] })
    expect(told.counts.total).toBe(6)
    expect(told.warnings[0]).toContain('Shards are missing: 2/3')
    expect(() => mergeResults(parts, { allow: ['hole'] as never })).toThrow('Invalid "allow"')
    const cut = { ...two, rows: two.rows.slice(1) }
    expect(() => mergeResults([one, cut, ...parts.slice(2)])).toThrow('1 of 9 rows are missing')
  })

  test('keeps the gates the parts were run with', async () => {
    const wrong = { evaluators: { match: exactMatch({ expected: () => 'other' }) } }
    const parts = [await part(0, wrong), await part(1, wrong), await part(2, wrong)]
    expect(mergeResults(parts)).toMatchObject({ passed: false, thresholds: [{ name: 'match', min: 0.9, actual: 0, passed: false }] })
    const baseline = await run(9)
    const gated = await Promise.all([0, 1, 2].map((index) => part(index, { baseline, failOnRegression: true })))
    expect(mergeResults(gated).failures.join()).toContain('failOnRegression could not be judged')
    expect(mergeResults(gated, { baseline })).toMatchObject({ passed: true, comparison: { commonDatapoints: 9 } })
  })
})

import { describe, expect, test } from 'vitest'
import type { RunComparison } from '../../src/experiments/compare-rows.js'
import { describeThreshold, findFailures, isTolerated, type VerdictGrounds } from '../../src/experiments/verdict.js'
import type { ThresholdOutcome } from '../../src/experiments/thresholds.js'
import type { ExperimentRow } from '../../src/experiments/types.js'

const COUNTS = { total: 4, succeeded: 4, failed: 0, cancelled: 0, passed: 4, resumed: 0, cached: 0, evaluatorErrors: 0 }
const GOOD: VerdictGrounds = {
  status: 'completed',
  counts: COUNTS,
  thresholds: [],
  refusals: {},
  gate: { failOnRegression: false },
  comparison: undefined,
  summaryScores: [],
}
const missed = (name: string): ThresholdOutcome =>
  ({ name, aggregate: 'average', actual: 0.25, min: 0.5, passed: false }) as ThresholdOutcome
const met = (name: string): ThresholdOutcome => ({ ...missed(name), actual: 0.75, passed: true })

describe('findFailures', () => {
  test('finds none in a run of which nothing is wrong', () => {
    expect(findFailures(GOOD)).toEqual([])
    expect(findFailures({ ...GOOD, expectedRows: 4 })).toEqual([])
  })

  test('tells a run that was stopped from one whose rows failed and one that did not reach its end', () => {
    expect(findFailures({ ...GOOD, status: 'cancelled' })).toEqual(['the run was stopped'])
    expect(findFailures({ ...GOOD, status: 'failed', counts: { ...COUNTS, failed: 1 } })).toEqual([
      '1 row failed, more than thresholds.errorRate allows',
    ])
    expect(findFailures({ ...GOOD, status: 'failed', counts: { ...COUNTS, failed: 2 } })).toEqual([
      '2 rows failed, more than thresholds.errorRate allows',
    ])
    expect(findFailures({ ...GOOD, status: 'failed' })).toEqual(['the run did not reach its end'])
  })

  test('counts rows that were not run, unless the run was stopped', () => {
    expect(findFailures({ ...GOOD, expectedRows: 5 })).toEqual(['1 of 5 rows were not run'])
    expect(findFailures({ ...GOOD, expectedRows: 5, status: 'cancelled' })).toEqual(['the run was stopped'])
    const none = { ...GOOD, counts: { ...COUNTS, total: 0 } }
    expect(findFailures(none)).toEqual(['no row was run'])
    expect(findFailures({ ...none, isEmptyShard: true })).toEqual([])
  })

  test('names evaluations that failed, bounds that are missed and rows that were turned down without a bound', () => {
    expect(findFailures({ ...GOOD, counts: { ...COUNTS, evaluatorErrors: 1 } })).toEqual(['1 evaluation failed'])
    expect(findFailures({ ...GOOD, thresholds: [missed('a'), met('b')] })).toEqual(['a: average is 0.25, expected at least 0.5'])
    expect(findFailures({ ...GOOD, refusals: { a: 2, b: 1 }, thresholds: [met('b')] })).toEqual(['a: 2 rows did not pass'])
    expect(findFailures({ ...GOOD, others: ['x'] })).toEqual(['x'])
  })

  test('asks the scores of the data set', () => {
    const summaryScores = [
      { name: 'ok', score: true },
      { name: 'figure', score: 0 },
      { name: 'no', score: false },
      { name: 'bounded', score: false },
      { name: 'thrown', score: null, error: 'Error: x' },
    ]
    expect(findFailures({ ...GOOD, summaryScores, thresholds: [met('bounded')] })).toEqual([
      'no: the data set did not pass',
      'thrown: the summary evaluator failed: Error: x',
    ])
  })

  test('asks for regressions only when they were asked for, and says what could not be judged', () => {
    const metric = { name: 'a', verdict: 'worse', oldAverage: 0.912345, newAverage: 0.5, adjustedPValue: 0.0123456 }
    const comparison = {
      newRunId: 'new',
      oldRunId: 'old',
      commonDatapoints: 3,
      metrics: { a: metric, b: { ...metric, name: 'b', verdict: 'improved' } },
    } as unknown as RunComparison
    const gate = { failOnRegression: true }
    expect(findFailures({ ...GOOD, comparison })).toEqual([])
    expect(findFailures({ ...GOOD, comparison, gate })).toEqual(['a: worse than the baseline, 0.9123 to 0.5 (adjusted p = 0.01235)'])
    const reasons = (given: RunComparison | undefined): readonly string[] => findFailures({ ...GOOD, gate, comparison: given })
    expect(reasons(undefined)).toEqual(['failOnRegression could not be judged: there is no baseline to compare with'])
    expect(reasons({ ...comparison, oldRunId: 'NEW' })).toEqual(['failOnRegression could not be judged: the baseline is this run itself'])
    expect(reasons({ ...comparison, commonDatapoints: 0 })).toEqual([
      'failOnRegression could not be judged: no row of the run has a partner in the baseline',
    ])
    expect(reasons({ ...comparison, metrics: {}, unjudged: ['few'] })).toEqual([
      'failOnRegression could not be judged: the two runs share no numeric or boolean score',
      'failOnRegression could not be judged: few',
    ])
  })
})

describe('describeThreshold', () => {
  test('names both ends, and a figure that is missing', () => {
    expect(describeThreshold({ ...missed('a'), max: 0.9 })).toBe('a: average is 0.25, expected at least 0.5 and at most 0.9')
    expect(describeThreshold({ name: 'a', aggregate: 'p95', actual: null, max: 3, passed: false } as unknown as ThresholdOutcome)).toBe(
      'a: p95 is missing, so the bound could not be judged, expected at most 3',
    )
  })
})

describe('isTolerated', () => {
  const row = (fields: object): ExperimentRow => ({ status: 'success', evaluatorErrors: {}, decisions: {}, ...fields }) as ExperimentRow

  test('a row that failed is, under a bound of the error rate that is met', () => {
    expect(isTolerated(row({ status: 'failed' }), [met('errorRate')])).toBe(true)
    expect(isTolerated(row({ status: 'failed' }), [{ ...met('errorRate'), passed: false }])).toBe(false)
    expect(isTolerated(row({ status: 'failed' }), [])).toBe(false)
  })

  test('a row that was turned down is, under a bound of that score that is met', () => {
    const refused = row({ decisions: { a: false, b: true } })
    expect([isTolerated(refused, [met('a')]), isTolerated(refused, [met('b')]), isTolerated(refused, [])]).toEqual([true, false, false])
    expect(isTolerated(row({ decisions: { a: true } }), [])).toBe(true)
  })

  test('one that was cancelled or whose evaluation failed never is', () => {
    expect(isTolerated(row({ status: 'cancelled' }), [met('errorRate')])).toBe(false)
    expect(isTolerated(row({ evaluatorErrors: { a: 'x' } }), [met('a')])).toBe(false)
  })
})

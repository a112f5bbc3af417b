import type { RunComparison } from './compare-rows.js'
import type { ExperimentGate, ExperimentStatus } from './gate.js'
import type { RowCounts } from './summary.js'
import type { SummaryScore } from './summary-evaluators.js'
import type { ThresholdOutcome } from './thresholds.js'
import type { ExperimentRow } from './types.js'

/** Everything the verdict on a run rests on. */
export interface VerdictGrounds {
  readonly status: ExperimentStatus
  readonly counts: RowCounts
  readonly thresholds: readonly ThresholdOutcome[]
  /** Rows that each evaluator turned down, by its name. */
  readonly refusals: Readonly<Record<string, number>>
  readonly gate: ExperimentGate
  readonly comparison: RunComparison | undefined
  readonly summaryScores: readonly SummaryScore[]
  /** Rows that should have been run, when that is known. */
  readonly expectedRows?: number | undefined
  /** None of the rows of the data set is for this shard. */
  readonly isEmptyShard?: boolean
  /** Reasons that only the caller knows. */
  readonly others?: readonly string[]
}

/** Why a run has not passed; none when it has. The only place where this is decided. */
export function findFailures(grounds: VerdictGrounds): readonly string[] {
  const { status, counts, thresholds, refusals } = grounds
  const bounded = new Set(thresholds.map(({ name }) => name))
  return [
    ...(status === 'completed' ? [] : [status === 'cancelled' ? 'the run was stopped' : describeFailed(counts)]),
    ...describeMissing(grounds),
    ...(counts.evaluatorErrors === 0 ? [] : [`${plural(counts.evaluatorErrors, 'evaluation')} failed`]),
    ...thresholds.filter(({ passed }) => !passed).map(describeThreshold),
    // A bound on the metric says how many of them are allowed.
    ...Object.entries(refusals).flatMap(([name, count]) => (bounded.has(name) ? [] : [`${name}: ${plural(count, 'row')} did not pass`])),
    ...(grounds.isEmptyShard === true ? [] : findGateFailures(grounds)),
    ...(grounds.others ?? []),
  ]
}

// A shard of a small data set may have no row of its own; the whole is judged by whoever merges.
function describeMissing({ status, counts, expectedRows, isEmptyShard = false }: VerdictGrounds): readonly string[] {
  if (counts.total === 0) return isEmptyShard ? [] : ['no row was run']
  const missing = status === 'cancelled' ? 0 : (expectedRows ?? 0) - counts.total
  return missing > 0 ? [`${missing} of ${expectedRows} rows were not run`] : []
}

/** What fails a run as a whole, whatever became of its rows: scores of the data set and regressions. */
export function findGateFailures(grounds: Pick<VerdictGrounds, 'thresholds' | 'summaryScores' | 'gate' | 'comparison'>): readonly string[] {
  const bounded = new Set(grounds.thresholds.map(({ name }) => name))
  return [
    ...grounds.summaryScores.flatMap(({ name, score, error }) => {
      if (error !== undefined) return [`${name}: the summary evaluator failed: ${error}`]
      return score === false && !bounded.has(name) ? [`${name}: the data set did not pass`] : []
    }),
    ...findRegressions(grounds),
  ]
}

function describeFailed({ failed }: RowCounts): string {
  return failed === 0 ? 'the run did not reach its end' : `${plural(failed, 'row')} failed, more than thresholds.errorRate allows`
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** One missed bound as a sentence. */
export function describeThreshold({ name, aggregate, actual, min, max }: ThresholdOutcome): string {
  const wanted = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`].filter(Boolean).join(' and ')
  return `${name}: ${aggregate} is ${actual ?? 'missing, so the bound could not be judged'}, expected ${wanted}`
}

function findRegressions({ gate, comparison }: Pick<VerdictGrounds, 'gate' | 'comparison'>): readonly string[] {
  if (!gate.failOnRegression) return []
  if (comparison === undefined) return [`failOnRegression could not be judged: there is no baseline to compare with`]
  if (isSameRun(comparison)) return ['failOnRegression could not be judged: the baseline is this run itself']
  const metrics = Object.values(comparison.metrics)
  if (comparison.commonDatapoints === 0) return ['failOnRegression could not be judged: no row of the run has a partner in the baseline']
  const unjudged = [
    ...(metrics.length === 0 ? ['the two runs share no numeric or boolean score'] : []),
    // Reports of earlier versions do not say.
    ...(comparison.unjudged ?? []),
  ]
  return [
    ...metrics
      .filter(({ verdict }) => verdict === 'worse')
      .map(({ name, oldAverage, newAverage, adjustedPValue }) => {
        return `${name}: worse than the baseline, ${round(oldAverage)} to ${round(newAverage)} (adjusted p = ${round(adjustedPValue)})`
      }),
    ...unjudged.map((reason) => `failOnRegression could not be judged: ${reason}`),
  ]
}

/** Ids are UUIDs, whose letters are written either way. */
function isSameRun({ newRunId, oldRunId }: RunComparison): boolean {
  return newRunId.toLowerCase() === oldRunId.toLowerCase()
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

/** Whether the verdict on the run tolerates that this row failed or was turned down. */
export function isTolerated(row: ExperimentRow, thresholds: readonly ThresholdOutcome[]): boolean {
  const bounded = new Set(thresholds.filter(({ passed }) => passed).map(({ name }) => name))
  if (row.status === 'failed') return bounded.has('errorRate')
  if (row.status === 'cancelled' || Object.keys(row.evaluatorErrors).length > 0) return false
  return Object.entries(row.decisions).every(([name, passed]) => passed || bounded.has(name))
}

import type { MetricSummary } from './aggregate.js'
import type { RunComparison } from './compare-rows.js'
import type { ExperimentGate, ExperimentStatus } from './gate.js'
import { asObject } from './json-reader.js'
import type { Shard } from './options.js'
import type { Aggregate } from '../values/statistics.js'
import type { RowCounts, SummarizedEvaluator, SummaryState } from './summary.js'
import type { SummaryScore } from './summary-evaluators.js'
import type { ThresholdOutcome } from './thresholds.js'
import type { DatapointInput, ExperimentRow, RowUsage, ScoreValue, TokenUsage } from './types.js'

/** Shape of {@link ExperimentData}; grows when a field changes its meaning. */
export const RESULT_FORMAT = 'honeyhive-experiment/1'

/** A result as plain data: what `toJSON` gives, and what `mergeResults` and `compareRuns` take. */
export interface ExperimentData<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>> {
  readonly format: typeof RESULT_FORMAT
  readonly runId: string
  readonly name: string
  readonly datasetId: string
  readonly status: ExperimentStatus
  /** Nothing stands in {@link ExperimentData.failures}. */
  readonly passed: boolean
  /**
   * Why the run has not passed: it did not complete, a threshold is not met or could not be judged, an evaluator failed or
   * turned rows down for which no threshold says how many may be, the baseline was better or could not be compared with.
   */
  readonly failures: readonly string[]
  readonly aggregate: Aggregate
  readonly functionName: string
  /** What is known of each evaluator, in order. */
  readonly evaluators: readonly SummarizedEvaluator[]
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly counts: RowCounts
  /** Summary of each score. */
  readonly metrics: { readonly [Name in keyof Scores]: MetricSummary }
  /** Summaries of the extras, by `<evaluator>_<extra>`. */
  readonly extras: Readonly<Record<string, MetricSummary>>
  /** Average of the scores, weighted by the evaluators; `null` without any. */
  readonly weightedAverage: number | null
  /** Time of the function in milliseconds, over the rows that ran. */
  readonly latencyMs: MetricSummary
  readonly errorRate: number
  /** US dollars, summed over the functions of the rows. */
  readonly cost: number
  readonly tokens: TokenUsage
  /** What the evaluators spent. */
  readonly judges: RowUsage
  /** In the order of the dataset. */
  readonly rows: readonly ExperimentRow<Row, Output, Scores>[]
  /** Rows that are in the figures but not in `rows`. */
  readonly omittedRows: number
  /** What `mergeResults` needs of the rows that are not here; absent when all are. */
  readonly summaryState?: SummaryState
  readonly thresholds: readonly ThresholdOutcome[]
  /** Scores of the data set as a whole. */
  readonly summaryScores: readonly SummaryScore[]
  /** What the run was asked to be judged by beside the thresholds. */
  readonly gate: ExperimentGate
  /** The part of the rows this result is of. */
  readonly shard?: Shard
  /** Rows of the run over all shards, without trials; `null` when a stream was not read to its end. */
  readonly selectedRows: number | null
  /** Times each row ran. */
  readonly trials: number
  /** Address of a row's trace, with `{sessionId}` for its session; absent when it is not known. */
  readonly traceUrl?: string
  /** Whether the run was recorded at a server. */
  readonly isRecorded: boolean
  /** Datapoints (with the trial, if there are several) that did not reach the server; `reportResult` sends them later. */
  readonly unreported: readonly string[]
  /** Against the baseline. */
  readonly comparison?: RunComparison
  /** What did not go as it should without changing the figures, e.g. a request that failed. */
  readonly warnings: readonly string[]
  /** Seed of the confidence intervals. */
  readonly seed: number
}

/** What keeps a value from being compared with, to complete "an object …"; `undefined` for a run with scored rows. */
export function findRunDamage(run: unknown): string | undefined {
  const { rows, evaluators } = asObject(run)
  if (!Array.isArray(rows)) return 'without rows'
  for (const [at, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null) return `whose row ${at} is ${row === null ? 'null' : `a ${typeof row}`}`
    const { datapointId, scores } = row as { readonly datapointId?: unknown; readonly scores?: unknown }
    if (typeof datapointId !== 'string') return `whose row ${at} has no datapointId`
    if (typeof scores !== 'object' || scores === null) return `whose row ${at} (${datapointId}) has no scores`
  }
  if (evaluators === undefined) return undefined
  if (!Array.isArray(evaluators)) return 'whose evaluators are no list'
  const unnamed = evaluators.findIndex((evaluator) => typeof asObject(evaluator)['name'] !== 'string')
  return unnamed < 0 ? undefined : `whose evaluator ${unnamed} has no name`
}

const ROW_FIELDS = ['scores', 'metrics', 'decisions', 'evaluatorErrors', 'tokens'] as const
const STATUSES: readonly unknown[] = ['success', 'failed', 'cancelled']

/** What keeps a value from being a result as JSON; `undefined` for a result. Figures are not looked at: they are made anew from the rows. */
export function findDamage(value: unknown): string | undefined {
  const { format, rows } = asObject(value)
  if (format !== RESULT_FORMAT || !Array.isArray(rows)) return `is no result of format ${RESULT_FORMAT}`
  for (const [at, row] of rows.entries()) {
    const damage = findRowDamage(row)
    if (damage !== undefined) return `is damaged: row ${at} ${damage}`
  }
  return undefined
}

/** What keeps a value from being a row as JSON; `undefined` for a row. */
export function findRowDamage(row: unknown): string | undefined {
  const fields = asObject(row)
  const { datapointId, status } = fields
  if (typeof datapointId !== 'string') return 'has no datapointId'
  if (!STATUSES.includes(status)) return `(${datapointId}) has no status`
  const missing = ROW_FIELDS.find((name) => typeof fields[name] !== 'object' || fields[name] === null)
  return missing === undefined ? undefined : `(${datapointId}) has no ${missing}`
}

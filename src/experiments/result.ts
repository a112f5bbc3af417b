import type { MetricSummary } from './aggregate.js'
import type { RunComparison } from './compare-rows.js'
import { toHtml } from './report-html.js'
import { toJUnit } from './report-junit.js'
import { toMarkdown } from './report-markdown.js'
import { type TableOptions, toTable } from './report-table.js'
import type { RunResult } from './run-result.js'
import type { Aggregate } from './statistics.js'
import type { RowCounts } from './summary.js'
import type { ThresholdOutcome } from './thresholds.js'
import type { DatapointInput, ExperimentRow, ScoreValue, TokenUsage } from './types.js'

/** Shape of {@link ExperimentData}; grows when a field changes its meaning. */
export const RESULT_FORMAT = 'honeyhive-experiment/1'

/**
 * How a run ended: `completed` when every row was run and the share of failed rows stays within `thresholds.errorRate`
 * (default 0), `cancelled` when it was stopped, `failed` otherwise.
 */
export type ExperimentStatus = 'completed' | 'failed' | 'cancelled'

/** A result as plain data: what `toJSON` gives, and what `mergeResults` and `compareRuns` take. */
export interface ExperimentData<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>> {
  readonly format: typeof RESULT_FORMAT
  readonly runId: string
  readonly name: string
  readonly datasetId: string
  readonly status: ExperimentStatus
  /** The run completed, no evaluator failed and every threshold holds. */
  readonly passed: boolean
  readonly aggregate: Aggregate
  readonly functionName: string
  /** Name and weight of each evaluator, in order. */
  readonly evaluators: readonly { readonly name: string; readonly weight: number }[]
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
  /** US dollars, summed over the rows. */
  readonly cost: number
  readonly tokens: TokenUsage
  /** In the order of the dataset. */
  readonly rows: readonly ExperimentRow<Row, Output, Scores>[]
  /** Rows that are in the figures but not in `rows`. */
  readonly omittedRows: number
  readonly thresholds: readonly ThresholdOutcome[]
  /** Against `baselineRunId`. */
  readonly comparison?: RunComparison
  /** What did not go as it should without changing the figures, e.g. a request that failed. */
  readonly warnings: readonly string[]
  /** Seed of the confidence intervals. */
  readonly seed: number
}

/** Result of an experiment: data, and the ways to show them. */
export interface ExperimentResult<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>>
  extends ExperimentData<Row, Output, Scores> {
  /** True when `status` is `completed`. */
  readonly success: boolean
  /** What the server made of the run; `undefined` offline or when it did not answer. */
  readonly server: RunResult | undefined
  /** Summary of a score or an extra whose name is not known to the type system. */
  metric(name: string): MetricSummary | undefined
  /** Prints the table to standard output. */
  printTable(options?: TableOptions): void
  /** The same table as text. */
  toTable(options?: TableOptions): string
  /** Plain data without methods. */
  toJSON(): ExperimentData<Row, Output, Scores>
  /** The result as Markdown, e.g. for a comment on a pull request. */
  toMarkdown(): string
  /** A JUnit report with one test case for each row. */
  toJUnit(): string
  /** One self-contained page: figures, plots and rows; it loads nothing. */
  toHTML(): string
}

/** Adds the ways to show them to the data of a result. */
export function createResult(data: ExperimentData, server?: RunResult): ExperimentResult {
  return Object.freeze({
    ...data,
    success: data.status === 'completed',
    server,
    metric: (name: string) => data.metrics[name] ?? data.extras[name],
    printTable: (options?: TableOptions) => void process.stdout.write(`${toTable(data, options)}\n`),
    toTable: (options?: TableOptions) => toTable(data, options),
    toJSON: () => data,
    toMarkdown: () => toMarkdown(data),
    toJUnit: () => toJUnit(data),
    toHTML: () => toHtml(data),
  })
}

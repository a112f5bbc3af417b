import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { checkBounds } from './check-options.js'
import { createResult, type ExperimentData, type ExperimentResult } from './result.js'
import { SummaryCollector } from './summary.js'
import { checkThresholds, type ThresholdMap } from './thresholds.js'
import type { DatapointInput, ScoreValue } from './types.js'

/** Settings of {@link mergeResults}. */
export interface MergeOptions<Names extends string = string> {
  /** Checked over all rows. Those the parts were checked with apply to the parts only. @defaultValue none */
  readonly thresholds?: ThresholdMap<Names>
}

/**
 * Puts the results of the shards of one run together, from results or from their JSON, and computes all figures anew.
 * A row that is in several parts counts once; one that succeeded wins.
 *
 * @throws HoneyHiveError `EXPERIMENT` for no parts, parts of different runs or datasets, or parts that left rows out; HoneyHiveConfigError
 * for bounds that cannot be read
 */
export function mergeResults<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>>(
  results: readonly ExperimentData<Row, Output, Scores>[],
  { thresholds }: MergeOptions<keyof Scores & string> = {},
): ExperimentResult<Row, Output, Scores> {
  // Rows are opaque while they are added up; their types come back with the result.
  const parts = results as unknown as readonly ExperimentData[]
  const [first] = parts
  if (first === undefined) throw new HoneyHiveError('EXPERIMENT', 'mergeResults: there is nothing to merge.')
  checkParts(first, parts)
  const problems = checkBounds(thresholds)
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'mergeResults')
  return createResult(merge(first, parts, thresholds)) as unknown as ExperimentResult<Row, Output, Scores>
}

function checkParts(first: ExperimentData, parts: readonly ExperimentData[]): void {
  for (const part of parts) {
    if (part.runId !== first.runId) throw mismatch('runs (give every shard the same runId)', first.runId, part.runId)
    if (part.datasetId !== first.datasetId) throw mismatch('datasets', first.datasetId, part.datasetId)
    if (part.aggregate !== first.aggregate) throw mismatch('aggregates', first.aggregate, part.aggregate)
    if (part.omittedRows > 0) {
      throw new HoneyHiveError(
        'EXPERIMENT',
        `mergeResults: part ${part.runId} left ${part.omittedRows} rows out. Raise maxRows in every shard.`,
      )
    }
  }
}

function mismatch(what: string, one: string, other: string): HoneyHiveError {
  return new HoneyHiveError('EXPERIMENT', `mergeResults: the parts have different ${what}: "${one}" and "${other}".`)
}

function merge(first: ExperimentData, parts: readonly ExperimentData[], thresholds: ThresholdMap | undefined): ExperimentData {
  const names = [...new Map(parts.flatMap((part) => part.evaluators).map((evaluator) => [evaluator.name, evaluator])).values()]
  const collector = new SummaryCollector(names, { maxRows: Number.POSITIVE_INFINITY, seed: first.seed })
  for (const row of uniqueRows(parts)) collector.add(row)
  const { counts, metrics, figures, weightedAverage, rows, cost, tokens } = collector.summary(first.aggregate)
  const known = new Set(names.map(({ name }) => name))
  const outcomes = checkThresholds(thresholds, { ...metrics, ...figures }, first.aggregate)
  const status =
    parts.find((part) => part.status === 'cancelled')?.status ?? parts.find((part) => part.status === 'failed')?.status ?? 'completed'
  const startedAtMs = Math.min(...parts.map((part) => part.startedAtMs))
  return {
    ...first,
    status,
    passed: status === 'completed' && counts.total > 0 && counts.evaluatorErrors === 0 && outcomes.every((outcome) => outcome.passed),
    evaluators: names,
    startedAtMs,
    durationMs: Math.max(...parts.map((part) => part.startedAtMs + part.durationMs)) - startedAtMs,
    counts,
    metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => known.has(name))),
    extras: Object.fromEntries(Object.entries(metrics).filter(([name]) => !known.has(name))),
    weightedAverage,
    latencyMs: figures['latencyMs'] ?? first.latencyMs,
    errorRate: figures['errorRate']?.average ?? 0,
    cost,
    tokens,
    rows,
    omittedRows: 0,
    thresholds: outcomes,
    warnings: [...new Set(parts.flatMap((part) => part.warnings))],
  }
}

function uniqueRows(parts: readonly ExperimentData[]): readonly ExperimentData['rows'][number][] {
  const rows = new Map<string, ExperimentData['rows'][number]>()
  for (const row of parts.flatMap((part) => part.rows)) {
    if (rows.get(row.datapointId)?.status !== 'success') rows.set(row.datapointId, row)
  }
  return [...rows.values()]
}

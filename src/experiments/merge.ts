import { type ConfigProblem, HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { readOptions, toProblem } from '../options/check.js'
import { isBoolean, isListOf, isMapLike, type OptionSpec } from '../options/spec.js'
import { BOUNDS, checkBounds, RUN } from './check-options.js'
import { compareScoredRuns, type ScoredRun } from './compare-rows.js'
import { rowKey } from './dataset.js'
import { createResult, type ExperimentData, type ExperimentResult, type ExperimentStatus, findDamage } from './result.js'
import { SummaryCollector } from './summary.js'
import { allowedErrorRate, checkThresholds, recheckThresholds, type ThresholdMap, type ThresholdOutcome } from './thresholds.js'
import type { DatapointInput, ScoreValue } from './types.js'
import { findFailures } from './verdict.js'

/**
 * What may be wrong with parts: `holes` are rows that no part has, `doubles` rows that several have, `strangers` parts that
 * are of other shards, trials or evaluators than the first.
 */
export const MERGE_FAULTS = ['holes', 'doubles', 'strangers'] as const
/** One of `MERGE_FAULTS`. */
export type MergeFault = (typeof MERGE_FAULTS)[number]

/** Settings of {@link mergeResults}. */
export interface MergeOptions<Names extends string = string> {
  /** Checked over all rows. @defaultValue those the parts were run with */
  readonly thresholds?: ThresholdMap<Names>
  /** Run to compare the whole with. @defaultValue none */
  readonly baseline?: ScoredRun
  /** A significant regression against the baseline fails the run. @defaultValue what the parts were run with */
  readonly failOnRegression?: boolean
  /** Faults that are merged all the same, with a warning. @defaultValue none: each is an error */
  readonly allow?: readonly MergeFault[]
}

const isFault = (value: unknown): value is MergeFault => (MERGE_FAULTS as readonly unknown[]).includes(value)

const MERGE_OPTIONS: Readonly<Record<keyof MergeOptions, OptionSpec>> = {
  thresholds: BOUNDS,
  baseline: RUN,
  failOnRegression: { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' },
  allow: { accepts: isListOf(isFault), expected: `a list of ${MERGE_FAULTS.join(', ')}`, remedy: "Give e.g. ['holes']." },
}

const RESULTS = { expected: 'a list of results', remedy: 'Give all in one list: mergeResults([first, second]).' }

/**
 * Puts the results of the shards of one run together, from results or from their JSON, and computes all figures anew.
 *
 * @throws HoneyHiveError `EXPERIMENT` for no parts, parts of different runs or datasets, parts that left rows out without a summary, and holes,
 * doubles or strangers unless they are allowed; HoneyHiveConfigError for wrong options
 */
export function mergeResults<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>>(
  results: readonly ExperimentData<Row, Output, Scores>[],
  options: MergeOptions<keyof Scores & string> = {},
): ExperimentResult<Row, Output, Scores> {
  // Rows are opaque while they are added up; their types come back with the result.
  const parts = results as unknown as readonly ExperimentData[]
  const problems: ConfigProblem[] = []
  readOptions(options, MERGE_OPTIONS, { problems })
  if (isMapLike(options?.thresholds)) problems.push(...checkBounds(options.thresholds))
  if (!Array.isArray(results)) problems.push(toProblem('results', RESULTS, results))
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'mergeResults')
  const [first] = parts
  if (first === undefined) throw new HoneyHiveError('EXPERIMENT', 'mergeResults: there is nothing to merge.')
  checkParts(first, parts)
  const warnings = checkFaults(first, parts, options.allow ?? [])
  return createResult(merge(first, parts, options, warnings)) as unknown as ExperimentResult<Row, Output, Scores>
}

function checkParts(first: ExperimentData, parts: readonly ExperimentData[]): void {
  for (const [at, part] of parts.entries()) {
    const damage = findDamage(part)
    if (damage !== undefined) throw new HoneyHiveError('EXPERIMENT', `mergeResults: part ${at + 1} ${damage}.`)
  }
  for (const part of parts) {
    if (part.runId !== first.runId) throw mismatch('runs (give every shard the same runId)', first.runId, part.runId)
    if (part.datasetId !== first.datasetId) throw mismatch('datasets', first.datasetId, part.datasetId)
    if (part.aggregate !== first.aggregate) throw mismatch('aggregates', first.aggregate, part.aggregate)
    if (part.omittedRows > 0 && part.summaryState === undefined) {
      throw new HoneyHiveError(
        'EXPERIMENT',
        `mergeResults: part ${part.runId} left ${part.omittedRows} rows out and has no summary of them. Raise maxRows in every shard.`,
      )
    }
  }
}

function mismatch(what: string, one: string, other: string): HoneyHiveError {
  return new HoneyHiveError('EXPERIMENT', `mergeResults: the parts have different ${what}: "${one}" and "${other}".`)
}

function checkFaults(first: ExperimentData, parts: readonly ExperimentData[], allow: readonly MergeFault[]): readonly string[] {
  const found: Readonly<Record<MergeFault, readonly string[]>> = {
    strangers: findStrangers(first, parts),
    doubles: findDoubles(parts),
    holes: findHoles(first, parts),
  }
  const refused = MERGE_FAULTS.flatMap((fault) => (allow.includes(fault) ? [] : found[fault].map((what) => ({ fault, what }))))
  if (refused.length > 0) {
    const faults = [...new Set(refused.map(({ fault }) => `'${fault}'`))].join(', ')
    throw new HoneyHiveError(
      'EXPERIMENT',
      `mergeResults: ${refused.map(({ what }) => what).join(' ')} To merge all the same, give allow: [${faults}], or --allow on the command line.`,
    )
  }
  return MERGE_FAULTS.flatMap((fault) => found[fault])
}

function findStrangers(first: ExperimentData, parts: readonly ExperimentData[]): readonly string[] {
  const describe = ({ shard, selectedRows, trials = 1, evaluators, functionName }: ExperimentData): string =>
    [
      shard === undefined ? 'no shard' : `one of ${shard.count} shards`,
      `${selectedRows ?? 'an unknown number of'} rows in all`,
      `${trials} trials`,
      `evaluators ${evaluators.map(describeRule).sort().join(', ')}`,
      `function ${functionName}`,
    ].join(', ')
  const wanted = describe(first)
  return parts.flatMap((part, at) =>
    describe(part) === wanted ? [] : [`Part ${at + 1} is a stranger: ${describe(part)}; the first is ${wanted}.`],
  )
}

function describeRule({ name, weight, lowerIsBetter = false, failedScore }: ExperimentData['evaluators'][number]): string {
  return [
    name,
    ...(weight === 1 ? [] : [`of weight ${weight}`]),
    ...(lowerIsBetter ? ['(less is better)'] : []),
    ...(failedScore === undefined ? [] : [`(${failedScore} where it failed)`]),
  ].join(' ')
}

function findDoubles(parts: readonly ExperimentData[]): readonly string[] {
  const seen = new Map<string, number>()
  for (const row of parts.flatMap((part) => part.rows)) seen.set(rowKey(row), (seen.get(rowKey(row)) ?? 0) + 1)
  const shards = parts.flatMap(({ shard }) => shard?.index ?? [])
  const twice = shards.filter((index, at) => shards.indexOf(index) !== at)
  // Where rows are left out, only the shards tell.
  if (twice.length > 0 && parts.some(({ omittedRows }) => omittedRows > 0))
    return [`Shards are there twice: ${shorten(twice.map(String))}.`]
  const doubled = [...seen].filter(([, count]) => count > 1).map(([key]) => key)
  return doubled.length === 0 ? [] : [`${doubled.length} rows are in several parts: ${shorten(doubled)}.`]
}

function findHoles(first: ExperimentData, parts: readonly ExperimentData[]): readonly string[] {
  const count = first.shard?.count
  const present = new Set(parts.map(({ shard }) => shard?.index))
  const missing = count === undefined ? [] : Array.from({ length: count }, (_, index) => index).filter((index) => !present.has(index))
  if (missing.length > 0) return [`Shards are missing: ${shorten(missing.map((index) => `${index}/${String(count)}`))} (counted from 0).`]
  const total = Math.max(...parts.map(({ selectedRows, trials = 1 }) => (selectedRows ?? 0) * trials))
  const isWhole = parts.every(({ omittedRows }) => omittedRows === 0)
  const rows = isWhole
    ? new Set(parts.flatMap((part) => part.rows.map(rowKey))).size
    : parts.reduce((sum, { counts }) => sum + counts.total, 0)
  if (rows < total) return [`${total - rows} of ${total} rows are missing.`]
  const open = parts.flatMap(({ selectedRows, status }, at) => (selectedRows === null && status !== 'cancelled' ? [at + 1] : []))
  return open.length === 0 ? [] : [`Parts whose dataset was not read to its end may lack rows: ${open.join(', ')}.`]
}

function shorten(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

function merge(
  first: ExperimentData,
  parts: readonly ExperimentData[],
  { thresholds, baseline, failOnRegression }: MergeOptions,
  faults: readonly string[],
): ExperimentData {
  const evaluators = [...new Map(parts.flatMap((part) => part.evaluators).map((evaluator) => [evaluator.name, evaluator])).values()]
  const collector = new SummaryCollector(evaluators, { maxRows: Number.POSITIVE_INFINITY })
  for (const { summaryState, rows } of parts) if (summaryState !== undefined) collector.merge(summaryState, rows)
  for (const row of uniqueRows(parts.filter(({ summaryState }) => summaryState === undefined))) collector.add(row)
  const { counts, metrics, figures, opposites, weightedAverage, rows, omittedRows, cost, tokens, judges, refusals } = collector.summary(
    first.aggregate,
  )
  const known = new Set(evaluators.map(({ name }) => name))
  const all = { figures: { ...metrics, ...figures }, opposites, evaluators }
  const outcomes =
    thresholds === undefined
      ? recheckThresholds(
          parts.flatMap((part) => part.thresholds),
          all,
        )
      : checkThresholds(thresholds, all, first.aggregate)
  const errorRate = figures['errorRate']?.average ?? 0
  const status = toStatus(parts, errorRate, thresholds === undefined ? allowedErrors(outcomes) : allowedErrorRate(thresholds))
  const comparison =
    baseline === undefined
      ? undefined
      : compareScoredRuns({ runId: first.runId, name: first.name, rows, evaluators, omittedRows }, baseline, { seed: first.seed })
  const gate = {
    failOnRegression: failOnRegression ?? parts.some((part) => part.gate?.failOnRegression === true),
    ...(baseline === undefined ? {} : { baselineRunId: baseline.runId }),
  }
  const others = findUnjudgedScores(parts, outcomes)
  const failures = findFailures({ status, counts, thresholds: outcomes, refusals, gate, comparison, summaryScores: [], others })
  const startedAtMs = Math.min(...parts.map((part) => part.startedAtMs))
  const { shard: _shard, comparison: _comparison, summaryState: _state, ...rest } = first
  return {
    ...rest,
    status,
    passed: failures.length === 0,
    failures,
    evaluators,
    startedAtMs,
    durationMs: Math.max(...parts.map((part) => part.startedAtMs + part.durationMs)) - startedAtMs,
    counts,
    metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => known.has(name))),
    extras: Object.fromEntries(Object.entries(metrics).filter(([name]) => !known.has(name))),
    weightedAverage,
    latencyMs: figures['latencyMs'] ?? first.latencyMs,
    errorRate,
    cost,
    tokens,
    judges,
    rows,
    omittedRows,
    ...(omittedRows === 0 ? {} : { summaryState: collector.state() }),
    thresholds: outcomes,
    summaryScores: [],
    gate,
    isRecorded: parts.every((part) => part.isRecorded),
    unreported: parts.flatMap((part) => part.unreported ?? []),
    ...(comparison === undefined ? {} : { comparison }),
    warnings: [
      ...new Set([
        ...faults,
        ...(comparison?.warnings ?? []).map((warning) => `Comparison: ${warning}`),
        ...summaryWarnings(parts),
        ...parts.flatMap((part) => part.warnings),
      ]),
    ],
  }
}

// A score of the whole data set cannot be put together from those of its parts.
function summaryWarnings(parts: readonly ExperimentData[]): readonly string[] {
  const names = [...new Set(parts.flatMap((part) => (part.summaryScores ?? []).map(({ name }) => name)))]
  return names.length === 0 ? [] : [`Scores of the data set as a whole are not merged: ${names.join(', ')}.`]
}

// Whether too many rows failed is asked of the whole; a part may also have failed because it did not reach its end.
function toStatus(parts: readonly ExperimentData[], errorRate: number, allowed: number): ExperimentStatus {
  if (parts.some(({ status }) => status === 'cancelled')) return 'cancelled'
  const isCut = parts.some((part) => part.status === 'failed' && part.errorRate <= allowedErrors(part.thresholds))
  return isCut || errorRate > allowed ? 'failed' : 'completed'
}

function allowedErrors(outcomes: readonly ThresholdOutcome[]): number {
  return outcomes.find(({ name }) => name === 'errorRate')?.max ?? 0
}

// A score of the data set that decides by itself cannot be put together from those of the parts.
function findUnjudgedScores(parts: readonly ExperimentData[], outcomes: readonly ThresholdOutcome[]): readonly string[] {
  const bounded = new Set(outcomes.map(({ name }) => name))
  const scores = parts.flatMap(({ summaryScores = [] }) => summaryScores)
  const deciding = scores.filter(({ name, score, error }) => !bounded.has(name) && (typeof score === 'boolean' || error !== undefined))
  return [...new Set(deciding.map(({ name }) => `${name}: the score of the whole data set could not be judged from those of its parts`))]
}

function uniqueRows(parts: readonly ExperimentData[]): readonly ExperimentData['rows'][number][] {
  const rows = new Map<string, ExperimentData['rows'][number]>()
  for (const row of parts.flatMap((part) => part.rows)) {
    if (rows.get(rowKey(row))?.status !== 'success') rows.set(rowKey(row), row)
  }
  return [...rows.values()]
}

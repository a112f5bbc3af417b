import type { MetricSummary } from '../aggregate.js'
import type { MetricComparison, RunComparison } from '../compare-rows.js'
import { rowKey } from '../dataset.js'
import { entryOf } from '../entry-of.js'
import type { IntervalMethod } from '../../values/intervals.js'
import type { ExperimentData } from '../result-data.js'
import { toNumber } from '../score.js'
import type { ExperimentRow } from '../types.js'
import { isTolerated } from '../verdict.js'
import {
  formatAggregate,
  formatCost,
  formatDifference,
  formatDuration,
  formatInterval,
  formatNumber,
  formatScore,
  formatValue,
} from './format.js'

/** What a cell means beside its text. */
export type Tone = 'good' | 'bad' | 'plain'

/** One cell of a table. */
export interface Cell {
  readonly text: string
  readonly tone: Tone
  readonly isFigure: boolean
  /** Address the text leads to. */
  readonly href?: string
}

/** A table as every renderer gets it. */
export interface ReportTable {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Said under the title. */
  readonly note?: string
}

/** One row of the run, ready to be shown. */
export interface ReportRow {
  readonly row: ExperimentRow
  readonly status: string
  readonly tone: Tone
  /** The verdict allows that it failed. */
  readonly isTolerated: boolean
  readonly scores: readonly Cell[]
  /** Outputs, or the error, and why evaluators failed; at most `maxChars` characters of each. */
  readonly outcome: (maxChars: number) => string
  readonly href: string | undefined
}

/** Values whose distribution is shown. */
export interface Distribution {
  readonly caption: string
  readonly values: readonly number[]
}

/** Everything a report says, whatever it looks like. */
export interface ReportModel {
  readonly data: ExperimentData
  readonly name: string
  readonly passed: boolean
  /** Why it has not passed. */
  readonly failures: readonly string[]
  readonly facts: readonly (readonly [string, string])[]
  readonly metrics: ReportTable
  readonly thresholds: ReportTable
  readonly summaryScores: ReportTable
  readonly comparison:
    | { readonly lead: string; readonly table: ReportTable; readonly rows: ReportTable; readonly metrics: readonly MetricComparison[] }
    | undefined
  readonly scoreNames: readonly string[]
  /** Worst first: failed, then turned down, then by the scores. */
  readonly rows: readonly ReportRow[]
  /** Rows of the run that are not among {@link ReportModel.rows}. */
  readonly omittedRows: number
  readonly distributions: readonly Distribution[]
  /** Which methods the figures come from. */
  readonly methods: readonly string[]
  readonly warnings: readonly string[]
}

/** Says once what every report shows. */
export function toReport(data: ExperimentData): ReportModel {
  const { comparison } = data
  const scoreNames = Object.keys(data.metrics)
  return {
    data,
    name: data.name,
    passed: data.passed,
    failures: data.failures ?? [],
    facts: toFacts(data),
    metrics: toMetricTable(data),
    thresholds: toThresholdTable(data),
    summaryScores: toSummaryTable(data),
    comparison: comparison === undefined ? undefined : toComparison(comparison),
    scoreNames,
    rows: toRows(data, scoreNames),
    omittedRows: data.counts.total - data.rows.length,
    distributions: toDistributions(data),
    methods: toMethods(data),
    warnings: data.warnings,
  }
}

function plain(text: string): Cell {
  return { text, tone: 'plain', isFigure: /^[+-]?[\d.]+( (ms|s))?$/.test(text) }
}

function toned(text: string, tone: Tone): Cell {
  return { ...plain(text), tone }
}

function toFacts(data: ExperimentData): readonly (readonly [string, string])[] {
  const { counts, tokens, judges, latencyMs, trials = 1, shard } = data
  const rows = [
    `${counts.total}: ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.cancelled} cancelled`,
    ...(counts.resumed > 0 ? [`${counts.resumed} taken over`] : []),
    ...(counts.cached > 0 ? [`${counts.cached} from the cache`] : []),
    ...(counts.evaluatorErrors > 0 ? [`${counts.evaluatorErrors} evaluator errors`] : []),
    ...(trials > 1 ? [`${trials} trials of each row`] : []),
    ...(shard === undefined ? [] : [`shard ${shard.index} of ${shard.count}, counted from 0`]),
  ]
  const spent = judges ?? { tokens: { total: 0 }, cost: 0 }
  return [
    ['Run', data.runId],
    ['Status', data.status],
    ['Rows', rows.join(', ')],
    ['Time', `${formatDuration(data.durationMs)} in all, ${formatDuration(latencyMs.median)} median, ${formatDuration(latencyMs.p95)} p95`],
    ['Tokens', `${tokens.total} (${tokens.prompt} in, ${tokens.completion} out), ${formatCost(data.cost)}`],
    ...(spent.tokens.total + spent.cost === 0 ? [] : [['Judges', `${spent.tokens.total} tokens, ${formatCost(spent.cost)}`] as const]),
    ['Dataset', data.datasetId],
    ['Function', data.functionName],
    ['Started', new Date(data.startedAtMs).toISOString()],
  ]
}

function toMetricTable(data: ExperimentData): ReportTable {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)]
  const hasTrials = metrics.some(({ trialSpread }) => (trialSpread ?? null) !== null)
  return {
    title: 'Metrics',
    head: [
      'Metric',
      data.aggregate,
      '95% of the average',
      'min',
      'median',
      'p95',
      'max',
      'rows',
      ...(hasTrials ? ['spread of trials'] : []),
    ],
    rows: metrics.map((metric) =>
      [
        metric.lowerIsBetter === true ? `${metric.name} (less is better)` : metric.name,
        formatAggregate(metric),
        formatInterval(metric.confidence),
        ...[metric.min, metric.median, metric.p95, metric.max].map(formatNumber),
        describeCount(metric),
        ...(hasTrials ? [formatNumber(metric.trialSpread)] : []),
      ].map(plain),
    ),
  }
}

function describeCount({ count, failedRows = 0, failedScore = null }: MetricSummary): string {
  if (failedRows === 0) return String(count)
  return `${count}, ${failedRows} failed${failedScore === null ? '' : `, counted as ${formatNumber(failedScore)}`}`
}

function toThresholdTable(data: ExperimentData): ReportTable {
  return {
    title: 'Thresholds',
    head: ['', 'Figure', 'actual', 'bound'],
    rows: data.thresholds.map(({ name, aggregate, actual, min, max, passed }) => [
      toned(passed ? 'ok' : 'FAIL', passed ? 'good' : 'bad'),
      plain(`${name} (${aggregate})`),
      plain(actual === null ? 'could not be judged' : formatNumber(actual)),
      plain([min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`].filter(Boolean).join(', ')),
    ]),
  }
}

function toSummaryTable({ summaryScores = [] }: ExperimentData): ReportTable {
  return {
    title: 'Scores of the whole data set',
    head: ['Score', 'value', ''],
    rows: summaryScores.map(({ name, score, explanation, error }) => [
      plain(name),
      plain(formatScore(score ?? undefined)),
      error === undefined ? plain(formatValue(explanation ?? '', 200)) : toned(error, 'bad'),
    ]),
  }
}

const VERDICT_TONES = { improved: 'good', worse: 'bad', unchanged: 'plain', incomparable: 'bad' } as const

function toComparison(comparison: RunComparison): NonNullable<ReportModel['comparison']> {
  const metrics = Object.values(comparison.metrics)
  const { commonDatapoints, improvedRows, worseRows, unchangedRows, incomparableRows = 0 } = comparison
  const others = incomparableRows === 0 ? '' : `, ${incomparableRows} incomparable`
  const lead = `${commonDatapoints} rows in both: ${improvedRows} improved, ${worseRows} worse, ${unchangedRows} unchanged${others}`
  return {
    lead,
    metrics,
    table: {
      title: `Against ${comparison.oldName ?? comparison.oldRunId}`,
      note: lead,
      head: ['Metric', 'old', 'new', 'change', '95% of the change', 'p', 'adjusted p', 'detectable', 'better / worse / same', ''],
      rows: metrics.map((metric) => [
        ...[
          metric.name,
          formatNumber(metric.oldAverage),
          formatNumber(metric.newAverage),
          formatDifference(metric.difference),
          formatInterval(metric.confidence),
          metric.test.pValue.toFixed(4),
          (metric.adjustedPValue ?? metric.test.pValue).toFixed(4),
          formatNumber(metric.minimumDetectableChange),
          `${metric.improved.length} / ${metric.worse.length} / ${metric.unchanged}`,
        ].map(plain),
        toned(describeVerdict(metric), VERDICT_TONES[metric.verdict]),
      ]),
    },
    rows: {
      title: 'Rows with other scores',
      head: ['Datapoint', '', 'Scores'],
      rows: comparison.rows.map((row) => [
        plain(row.datapointId),
        toned(row.verdict, VERDICT_TONES[row.verdict]),
        plain(
          [
            ...(row.status === undefined ? [] : [`${row.status.old} → ${row.status.new}`]),
            ...Object.entries(row.changes).map(([name, change]) => `${name}: ${formatScore(change.old)} → ${formatScore(change.new)}`),
          ].join('; '),
        ),
      ]),
    },
  }
}

function describeVerdict({ isSignificant, difference, verdict }: MetricComparison): string {
  if (isSignificant) return verdict
  return difference === 0 ? 'same' : 'may be chance'
}

function toRows(data: ExperimentData, names: readonly string[]): readonly ReportRow[] {
  const rules = names.map((name) => ({ name, sign: data.metrics[name]?.lowerIsBetter === true ? -1 : 1 }))
  const ranked = data.rows.map((row) => ({ row, rank: rankOf(row), quality: qualityOf(row, rules) }))
  ranked.sort((one, other) => one.rank - other.rank || one.quality - other.quality || one.row.index - other.row.index)
  return ranked.map(({ row }) => toReportRow(data, row, names))
}

function rankOf(row: ExperimentRow): number {
  if (row.status === 'failed') return 0
  if (Object.keys(row.evaluatorErrors).length > 0) return 1
  if (row.status === 'cancelled') return 3
  return row.passed ? 4 : 2
}

function qualityOf(row: ExperimentRow, rules: readonly { readonly name: string; readonly sign: number }[]): number {
  return rules.reduce((total, { name, sign }) => {
    const score = entryOf(row.scores, name)
    return total + sign * (score === undefined ? 0 : (toNumber(score) ?? 0))
  }, 0)
}

function toReportRow(data: ExperimentData, row: ExperimentRow, names: readonly string[]): ReportRow {
  const hasPassed = row.status === 'success' && row.passed
  const turnedDown = row.status === 'success' && !row.passed
  return {
    row,
    status: hasPassed ? 'passed' : turnedDown ? 'not passed' : row.status,
    tone: hasPassed ? 'good' : 'bad',
    isTolerated: hasPassed || isTolerated(row, data.thresholds),
    scores: names.map((name) => toned(formatScore(entryOf(row.scores, name)), entryOf(row.decisions, name) === false ? 'bad' : 'plain')),
    outcome: (maxChars) => {
      const outcome = row.error === undefined ? row.outputs : `${row.error.name}: ${row.error.message}`
      const problems = Object.entries(row.evaluatorErrors).map(([name, reason]) => formatValue(`${name}: ${reason}`, maxChars))
      return [formatValue(outcome, maxChars), ...problems].join(' · ')
    },
    href: data.traceUrl?.replaceAll('{sessionId}', encodeURIComponent(row.sessionId)),
  }
}

/** The name of a row in tables: its number, and the trial. */
export function nameOf({ row }: ReportRow): string {
  return row.trial === undefined ? String(row.index) : `${row.index}/${row.trial}`
}

/** What a row is called where there is only one place for it. */
export function keyOf({ row }: ReportRow): string {
  return rowKey(row)
}

function toDistributions(data: ExperimentData): readonly Distribution[] {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)].flatMap(({ name, type }) => {
    const values = data.rows.flatMap(({ metrics: row }) => (row[name] === undefined ? [] : (toNumber(row[name]) ?? [])))
    return values.length === 0 || type === 'category' ? [] : [{ caption: name, values }]
  })
  const times = data.rows.filter((row) => row.origin === 'run').map((row) => row.durationMs)
  return times.length === 0 ? metrics : [...metrics, { caption: 'Time of the function, ms', values: times }]
}

const INTERVAL_METHODS: Readonly<Record<IntervalMethod, string>> = {
  wilson: "rates: Wilson's score interval (Wilson 1927)",
  hall: "means: Hall's interval, corrected for skewness (Hall 1992)",
  t: "means of fewer than five rows, and of changes: Student's t interval (Student 1908)",
  'bonett-price': 'change of a rate over pairs: adjusted Wald interval (Bonett and Price 2012)',
}

function toMethods(data: ExperimentData): readonly string[] {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)]
  const compared = Object.values(data.comparison?.metrics ?? {})
  const used = new Set([...metrics, ...compared].flatMap(({ confidence }) => (confidence === null ? [] : [confidence.method])))
  const sampled = metrics.filter(({ isSampled }) => isSampled)
  return [
    ...(used.size === 0 ? [] : [`Intervals, ${[...used].map((method) => INTERVAL_METHODS[method] ?? method).join('; ')}.`]),
    ...(compared.length === 0
      ? []
      : [
          `p: sign-flip permutation test on the pairs (Fisher 1935), adjusted for ${compared.length} metrics (Holm 1979); significant below ${data.comparison?.alpha ?? 0.05}. Detectable change: 80% power of the paired t test.`,
        ]),
    ...(metrics.some(({ failedRows = 0 }) => failedRows > 0)
      ? ['Rows that failed count in every figure, with the score named beside their number.']
      : []),
    ...(sampled.length === 0
      ? []
      : [`Percentiles from a sketch (t-digest, Dunning and Ertl 2019): ${sampled.map(({ name }) => name).join(', ')}.`]),
  ]
}

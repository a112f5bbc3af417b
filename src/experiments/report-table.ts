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
import type { ExperimentData } from './result.js'

/** Settings of the printed table. */
export interface TableOptions {
  /** Heading. @defaultValue the name of the run */
  readonly runName?: string
  /** Rows that are listed. @defaultValue 20 */
  readonly maxRows?: number
}

/** The result as text for a terminal. */
export function toTable(data: ExperimentData, { runName = data.name, maxRows = 20 }: TableOptions = {}): string {
  const { counts } = data
  return [
    `Experiment ${oneLine(runName)}`,
    `Run ${data.runId}  ·  ${data.status}  ·  ${data.passed ? 'passed' : 'not passed'}`,
    `${counts.total} rows: ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.cancelled} cancelled${describeOrigins(data)}`,
    `${formatDuration(data.durationMs)} in all, ${formatDuration(data.latencyMs.median)} median, ${data.tokens.total} tokens, ${formatCost(data.cost)}`,
    ...section('', metricLines(data)),
    ...section('Thresholds', thresholdLines(data)),
    ...section(`Against ${data.comparison?.oldName ?? data.comparison?.oldRunId ?? ''}`, comparisonLines(data)),
    ...section('Rows', rowLines(data, maxRows)),
    ...section(
      'Warnings',
      data.warnings.map((warning) => `- ${oneLine(warning)}`),
    ),
  ].join('\n')
}

function describeOrigins({ counts }: ExperimentData): string {
  const parts = [
    counts.resumed > 0 ? `, ${counts.resumed} taken over` : '',
    counts.cached > 0 ? `, ${counts.cached} from the cache` : '',
    counts.evaluatorErrors > 0 ? `, ${counts.evaluatorErrors} evaluator errors` : '',
  ]
  return parts.join('')
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return []
  return title === '' ? ['', ...lines] : ['', title, ...lines]
}

function metricLines(data: ExperimentData): readonly string[] {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)]
  if (metrics.length === 0) return []
  return alignColumns([
    ['Metric', data.aggregate, '95% of the average', 'min', 'median', 'p95', 'max', 'rows'],
    ...metrics.map((metric) => [
      metric.name,
      formatAggregate(metric),
      formatInterval(metric.confidence),
      formatNumber(metric.min),
      formatNumber(metric.median),
      formatNumber(metric.p95),
      formatNumber(metric.max),
      String(metric.count),
    ]),
  ])
}

function thresholdLines(data: ExperimentData): readonly string[] {
  return alignColumns(
    data.thresholds.map((outcome) => [
      outcome.passed ? 'ok  ' : 'FAIL',
      `${outcome.name} (${outcome.aggregate})`,
      formatNumber(outcome.actual),
      [outcome.min === undefined ? '' : `at least ${outcome.min}`, outcome.max === undefined ? '' : `at most ${outcome.max}`]
        .filter(Boolean)
        .join(', '),
    ]),
  )
}

function comparisonLines({ comparison }: ExperimentData): readonly string[] {
  if (comparison === undefined) return []
  const metrics = Object.values(comparison.metrics)
  return [
    `${comparison.commonDatapoints} rows in both: ${comparison.improvedRows} improved, ${comparison.worseRows} worse, ${comparison.unchangedRows} unchanged`,
    ...alignColumns([
      ['Metric', 'old', 'new', 'change', 'p', 'detectable', ''],
      ...metrics.map((metric) => [
        metric.name,
        formatNumber(metric.oldAverage),
        formatNumber(metric.newAverage),
        formatDifference(metric.difference),
        metric.test.pValue.toFixed(4),
        formatNumber(metric.minimumDetectableChange),
        metric.isSignificant ? metric.verdict : 'may be chance',
      ]),
    ]),
  ]
}

function rowLines(data: ExperimentData, maxRows: number): readonly string[] {
  const names = Object.keys(data.metrics)
  const shown = data.rows.slice(0, maxRows)
  if (shown.length === 0) return []
  const hidden = data.counts.total - shown.length
  const lines = alignColumns([
    ['Row', 'Datapoint', 'Status', ...names, 'Outputs or error'],
    ...shown.map((row) => [
      String(row.index),
      row.datapointId,
      row.status === 'success' ? (row.passed ? 'passed' : 'success') : row.status,
      ...names.map((name) => formatScore(row.scores[name])),
      row.error === undefined ? formatValue(row.outputs, 60) : formatValue(`${row.error.name}: ${row.error.message}`, 60),
    ]),
  ])
  return hidden > 0 ? [...lines, `… and ${hidden} more`] : lines
}

/** Lines of cells, each column as wide as its widest cell. */
function alignColumns(lines: readonly (readonly string[])[]): readonly string[] {
  const clean = lines.map((cells) => cells.map(oneLine))
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((cells) => (cells[column] ?? '').length)))
  return clean.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

// Model output must not move the cursor, colour the terminal or turn the direction of the text.
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

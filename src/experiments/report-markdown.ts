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

const MAX_ROWS = 50

/** The result as Markdown, for a pull request or a job summary. */
export function toMarkdown(data: ExperimentData): string {
  const { counts } = data
  return [
    `## ${data.passed ? '✅' : '❌'} ${escapeCell(data.name)}`,
    '',
    `Run \`${data.runId}\`, ${data.status}: ${counts.total} rows, ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.cancelled} cancelled. ` +
      `${formatDuration(data.durationMs)} in all, ${formatDuration(data.latencyMs.median)} median, ${data.tokens.total} tokens, ${formatCost(data.cost)}.`,
    ...metricTable(data),
    ...thresholdTable(data),
    ...comparisonTable(data),
    ...failedRows(data),
    ...(data.warnings.length === 0 ? [] : ['', '### Warnings', '', ...data.warnings.map((warning) => `- ${escapeCell(warning)}`)]),
    '',
  ].join('\n')
}

function metricTable(data: ExperimentData): readonly string[] {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)]
  return table(
    ['Metric', data.aggregate, '95% of the average', 'min', 'median', 'max', 'rows'],
    metrics.map((metric) => [
      metric.name,
      formatAggregate(metric),
      formatInterval(metric.confidence),
      formatNumber(metric.min),
      formatNumber(metric.median),
      formatNumber(metric.max),
      String(metric.count),
    ]),
  )
}

function thresholdTable(data: ExperimentData): readonly string[] {
  return table(
    ['Threshold', 'actual', 'at least', 'at most', ''],
    data.thresholds.map((outcome) => [
      `${outcome.name} (${outcome.aggregate})`,
      formatNumber(outcome.actual),
      outcome.min === undefined ? '' : String(outcome.min),
      outcome.max === undefined ? '' : String(outcome.max),
      outcome.passed ? '✅' : '❌',
    ]),
  )
}

function comparisonTable({ comparison }: ExperimentData): readonly string[] {
  if (comparison === undefined) return []
  const lines = table(
    ['Metric', 'old', 'new', 'change', 'p', 'detectable change', ''],
    Object.values(comparison.metrics).map((metric) => [
      metric.name,
      formatNumber(metric.oldAverage),
      formatNumber(metric.newAverage),
      formatDifference(metric.difference),
      metric.test.pValue.toFixed(4),
      formatNumber(metric.minimumDetectableChange),
      metric.isSignificant ? metric.verdict : 'may be chance',
    ]),
  )
  const { improvedRows, worseRows, unchangedRows, commonDatapoints } = comparison
  return [
    '',
    `### Against ${escapeCell(comparison.oldName ?? comparison.oldRunId)}`,
    '',
    `${commonDatapoints} rows in both: ${improvedRows} improved, ${worseRows} worse, ${unchangedRows} unchanged.`,
    ...lines,
  ]
}

function failedRows(data: ExperimentData): readonly string[] {
  const failed = data.rows.filter((row) => !row.passed).slice(0, MAX_ROWS)
  if (failed.length === 0) return []
  const names = Object.keys(data.metrics)
  const lines = table(
    ['Row', 'Datapoint', ...names, 'Inputs', 'Outputs or error'],
    failed.map((row) => [
      String(row.index),
      row.datapointId,
      ...names.map((name) => formatScore(row.scores[name])),
      formatValue(row.inputs),
      row.error === undefined ? formatValue(row.outputs) : formatValue(`${row.error.name}: ${row.error.message}`),
    ]),
  )
  return ['', '### Rows that did not pass', ...lines]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`
  return ['', line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)]
}

// Model output must not become markup, a link or a mention.
function escapeCell(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_{}[\]<>|#!~]/g, '\\$&')
    .replace(/@/g, '@\u200b')
}

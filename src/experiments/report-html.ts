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
import { differencePlot, histogram } from './report-plots.js'
import { escapeXml } from './report-junit.js'
import type { ExperimentData } from './result.js'
import { toNumber } from './score.js'
import type { ExperimentRow } from './types.js'

/** Rows on the page; a browser gets slow above it and the JSON report has them all. */
const MAX_ROWS = 2_000
const MAX_CELL_CHARS = 600

/** The result as one HTML page without scripts that loads nothing. */
export function toHtml(data: ExperimentData): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeXml(data.name)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${escapeXml(data.name)} <span class="${data.passed ? 'good' : 'bad'}">${data.passed ? 'passed' : 'not passed'}</span></h1>`,
    overview(data),
    metricSection(data),
    thresholdSection(data),
    comparisonSection(data),
    rowSection(data),
    warningSection(data),
    '</main></body></html>',
    '',
  ].join('\n')
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#cf222e}
body{font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:1100px;margin:0 auto;padding:24px}
table{border-collapse:collapse;width:100%;margin:8px 0 24px}th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap}code{font-size:13px}.good{color:var(--good)}.bad{color:var(--bad)}
h1 span{font-size:16px}.plots{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0}figcaption{font-size:13px}
svg text{font:11px system-ui,sans-serif;fill:currentColor}svg rect{fill:#4c8dd6}svg rect.up{fill:var(--good)}svg rect.down{fill:var(--bad)}
@media (prefers-color-scheme:dark){:root{--good:#4ac26b;--bad:#ff7b72}}`.replaceAll('\n', '')

function overview(data: ExperimentData): string {
  const { counts, tokens } = data
  return definition([
    ['Run', data.runId],
    ['Dataset', data.datasetId],
    ['Function', data.functionName],
    ['Status', data.status],
    ['Started', new Date(data.startedAtMs).toISOString()],
    [
      'Rows',
      `${counts.total}: ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.cancelled} cancelled, ${counts.passed} passed`,
    ],
    [
      'Time',
      `${formatDuration(data.durationMs)} in all, ${formatDuration(data.latencyMs.median)} median, ${formatDuration(data.latencyMs.p95)} p95`,
    ],
    ['Tokens', `${tokens.total} (${tokens.prompt} in, ${tokens.completion} out)`],
    ['Cost', formatCost(data.cost)],
    ['Weighted average', formatNumber(data.weightedAverage)],
  ])
}

function definition(entries: readonly (readonly [string, string])[]): string {
  return `<table>${entries.map(([term, text]) => `<tr><th scope="row">${escapeXml(term)}</th><td>${escapeXml(text)}</td></tr>`).join('')}</table>`
}

function metricSection(data: ExperimentData): string {
  const metrics = [...Object.values(data.metrics), ...Object.values(data.extras)]
  if (metrics.length === 0) return ''
  const plots = metrics.flatMap((metric) => {
    const values = data.rows.map((row) => row.metrics[metric.name]).flatMap((value) => (value === undefined ? [] : (toNumber(value) ?? [])))
    return values.length === 0 || metric.type === 'category' ? [] : [figure(metric.name, histogram(values))]
  })
  const latencies = data.rows.filter((row) => row.origin === 'run').map((row) => row.durationMs)
  if (latencies.length > 0) plots.push(figure('Time of the function, ms', histogram(latencies)))
  const body = metrics.map((metric) => [
    metric.name,
    formatAggregate(metric),
    formatInterval(metric.confidence),
    ...[metric.min, metric.median, metric.p90, metric.p95, metric.p99, metric.max].map(formatNumber),
    String(metric.count),
    metric.passed + metric.failed === 0 ? '–' : `${metric.passed} / ${metric.passed + metric.failed}`,
  ])
  const head = ['Metric', data.aggregate, '95% of the average', 'min', 'median', 'p90', 'p95', 'p99', 'max', 'rows', 'passed']
  return `<h2>Metrics</h2>${table(head, body)}<div class="plots">${plots.join('')}</div>`
}

function figure(caption: string, svg: string): string {
  return `<figure><figcaption>${escapeXml(caption)}</figcaption>${svg}</figure>`
}

function thresholdSection(data: ExperimentData): string {
  if (data.thresholds.length === 0) return ''
  const body = data.thresholds.map((outcome) => [
    `${outcome.name} (${outcome.aggregate})`,
    formatNumber(outcome.actual),
    outcome.min === undefined ? '' : String(outcome.min),
    outcome.max === undefined ? '' : String(outcome.max),
    outcome.passed ? 'ok' : 'not met',
  ])
  return `<h2>Thresholds</h2>${table(['Figure', 'actual', 'at least', 'at most', ''], body)}`
}

function comparisonSection({ comparison }: ExperimentData): string {
  if (comparison === undefined) return ''
  const metrics = Object.values(comparison.metrics)
  const body = metrics.map((metric) => [
    metric.name,
    formatNumber(metric.oldAverage),
    formatNumber(metric.newAverage),
    formatDifference(metric.difference),
    formatInterval(metric.confidence),
    metric.test.pValue.toFixed(4),
    formatNumber(metric.minimumDetectableChange),
    `${metric.improved.length} / ${metric.worse.length} / ${metric.unchanged}`,
    metric.isSignificant ? metric.verdict : 'may be chance',
  ])
  const head = ['Metric', 'old', 'new', 'change', '95% of the change', 'p', 'detectable change', 'better / worse / same', '']
  const changed = comparison.rows.slice(0, MAX_ROWS).map((row) => [
    row.datapointId,
    row.verdict,
    Object.entries(row.changes)
      .map(([name, change]) => `${name}: ${formatScore(change.old)} → ${formatScore(change.new)}`)
      .join('; '),
  ])
  return [
    `<h2>Against ${escapeXml(comparison.oldName ?? comparison.oldRunId)}</h2>`,
    `<p>${comparison.commonDatapoints} rows in both: ${comparison.improvedRows} improved, ${comparison.worseRows} worse, ${comparison.unchangedRows} unchanged.</p>`,
    table(head, body),
    figure('Change of the averages with 95% interval', differencePlot(metrics)),
    changed.length === 0
      ? ''
      : `<details><summary>${comparison.rows.length} rows with other scores</summary>${table(['Datapoint', '', 'Scores'], changed)}</details>`,
  ].join('')
}

function rowSection(data: ExperimentData): string {
  const names = Object.keys(data.metrics)
  const shown = data.rows.slice(0, MAX_ROWS)
  const head = ['Row', 'Datapoint', 'Status', ...names, 'Inputs', 'Expected', 'Outputs or error', 'Time']
  const hidden = data.counts.total - shown.length
  const note = hidden > 0 ? `<p>${hidden} more rows are not on this page.</p>` : ''
  return `<h2>Rows</h2>${table(
    head,
    shown.map((row) => rowCells(row, names)),
  )}${note}`
}

function rowCells(row: ExperimentRow, names: readonly string[]): readonly string[] {
  const problems = Object.entries(row.evaluatorErrors).map(([name, reason]) => `${name}: ${reason}`)
  const outcome =
    row.error === undefined
      ? formatValue(row.outputs, MAX_CELL_CHARS)
      : formatValue(`${row.error.name}: ${row.error.message}`, MAX_CELL_CHARS)
  return [
    String(row.index),
    row.datapointId,
    row.status === 'success' && row.passed ? 'passed' : row.status,
    ...names.map((name) => formatScore(row.scores[name])),
    formatValue(row.inputs, MAX_CELL_CHARS),
    formatValue(row.groundTruth, MAX_CELL_CHARS),
    [outcome, ...problems].join(' · '),
    formatDuration(row.durationMs),
  ]
}

function warningSection(data: ExperimentData): string {
  if (data.warnings.length === 0) return ''
  return `<h2>Warnings</h2><ul>${data.warnings.map((warning) => `<li>${escapeXml(warning)}</li>`).join('')}</ul>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    row.map((cell) => `<td${isFigure(cell) ? ' class="n"' : ''}>${escapeXml(cell)}</td>`).join('')
  return `<table><thead><tr>${head.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table>`
}

function isFigure(cell: string): boolean {
  return /^[+-]?[\d.]+( (ms|s))?$/.test(cell)
}

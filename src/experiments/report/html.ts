import type { ExperimentData } from '../result-data.js'
import { formatDuration, formatValue } from './format.js'
import { type Cell, nameOf, type ReportModel, type ReportRow, type ReportTable, toReport } from './model.js'
import { differencePlot, histogram } from './plots.js'
import { escapeXml } from './xml.js'

/** Rows on the page; a browser gets slow above it and the JSON report has them all. */
const MAX_ROWS = 2_000
const MAX_CELL_CHARS = 600

/** The result as one HTML page without scripts that loads nothing. */
export function toHtml(data: ExperimentData): string {
  const report = toReport(data)
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeXml(report.name)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${escapeXml(report.name)} <span class="${report.passed ? 'good' : 'bad'}">${report.passed ? 'passed' : 'not passed'}</span></h1>`,
    list(report.failures, 'bad'),
    definition(report.facts),
    section(report.metrics),
    `<div class="plots">${report.distributions.map(({ caption, values }) => figure(caption, histogram(values))).join('')}</div>`,
    section(report.thresholds),
    section(report.summaryScores),
    comparisonSection(report),
    rowSection(report),
    report.methods.length === 0 ? '' : `<h2>Methods</h2>${list(report.methods, '')}`,
    report.warnings.length === 0 ? '' : `<h2>Warnings</h2>${list(report.warnings, '')}`,
    '</main></body></html>',
    '',
  ].join('\n')
}

// Below 640 px each row of a table becomes a block of named lines: a wide table would break words into letters.
const STYLE = `
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#cf222e;--link:#0969da}
body{font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:1100px;margin:0 auto;padding:24px 16px}
h1,h2,p,li{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:8px 0 24px}th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
td{max-width:28em}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}.good{color:var(--good)}.bad{color:var(--bad)}a{color:var(--link)}
h1 span{font-size:16px}.plots{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;max-width:100%}figcaption{font-size:13px;overflow-wrap:anywhere}svg{max-width:100%;height:auto}
.wide{overflow-x:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}svg rect{fill:#4c8dd6}svg rect.up{fill:var(--good)}svg rect.down{fill:var(--bad)}
@media (prefers-color-scheme:dark){:root{--good:#4ac26b;--bad:#ff7b72;--link:#58a6ff}}
@media (max-width:640px){td{overflow-wrap:anywhere}.wide thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}.wide table,.wide tbody,.wide tr,.wide td{display:block;max-width:none}
.wide tr{border-bottom:2px solid var(--line);padding:6px 0}.wide td{border:0;padding:2px 0;overflow-wrap:anywhere}.wide td.n{white-space:normal}.wide td:empty{display:none}.wide td[data-name]::before{content:attr(data-name) ": ";opacity:.7}}`.replaceAll(
  '\n',
  '',
)

function definition(facts: ReportModel['facts']): string {
  return `<table>${facts.map(([term, text]) => `<tr><th scope="row">${escapeXml(term)}</th><td>${escapeXml(text)}</td></tr>`).join('')}</table>`
}

function list(lines: readonly string[], tone: string): string {
  return lines.length === 0 ? '' : `<ul class="${tone}">${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>`
}

function figure(caption: string, svg: string): string {
  return `<figure><figcaption>${escapeXml(caption)}</figcaption>${svg}</figure>`
}

function section(content: ReportTable): string {
  if (content.rows.length === 0) return ''
  const note = content.note === undefined ? '' : `<p>${escapeXml(content.note)}.</p>`
  return `<h2>${escapeXml(content.title)}</h2>${note}${table(content)}`
}

function comparisonSection({ comparison }: ReportModel): string {
  if (comparison === undefined) return ''
  const { rows, metrics, table: figures } = comparison
  const shown = { ...rows, rows: rows.rows.slice(0, MAX_ROWS) }
  return [
    section(figures),
    metrics.length === 0 ? '' : figure('Change of the averages with 95% interval', differencePlot(metrics)),
    shown.rows.length === 0 ? '' : `<details><summary>${rows.rows.length} rows with other scores</summary>${table(shown)}</details>`,
  ].join('')
}

function rowSection({ rows, scoreNames, omittedRows }: ReportModel): string {
  const shown = rows.slice(0, MAX_ROWS)
  const head = ['Row', 'Datapoint', 'Status', ...scoreNames, 'Inputs', 'Expected', 'Outputs or error', 'Time']
  const hidden = rows.length - shown.length + omittedRows
  const note = hidden > 0 ? `<p>${hidden} more rows are not on this page.</p>` : ''
  return `<h2>Rows, worst first</h2>${table({ title: '', head, rows: shown.map(rowCells) })}${note}`
}

function rowCells(report: ReportRow): readonly Cell[] {
  const { row } = report
  const text = (value: string): Cell => ({ text: value, tone: 'plain', isFigure: false })
  return [
    { ...text(nameOf(report)), isFigure: true, ...(report.href === undefined ? {} : { href: report.href }) },
    text(row.datapointId),
    { ...text(report.status), tone: report.tone },
    ...report.scores,
    text(formatValue(row.inputs, MAX_CELL_CHARS)),
    text(formatValue(row.groundTruth, MAX_CELL_CHARS)),
    { ...text(report.outcome(MAX_CELL_CHARS)), tone: row.error === undefined ? 'plain' : 'bad' },
    { ...text(formatDuration(row.durationMs)), isFigure: true },
  ]
}

function table({ head, rows }: ReportTable): string {
  const cell = ({ text, tone, isFigure, href }: Cell, column: number): string => {
    const classes = [isFigure ? 'n' : '', tone === 'plain' ? '' : tone].filter(Boolean).join(' ')
    const name = head[column] ?? ''
    const inside = href === undefined ? escapeXml(text) : `<a href="${escapeXml(href)}" rel="noreferrer">${escapeXml(text)}</a>`
    return `<td${classes === '' ? '' : ` class="${classes}"`}${name === '' ? '' : ` data-name="${escapeXml(name)}"`}>${inside}</td>`
  }
  const headCells = head.map((name) => `<th scope="col">${escapeXml(name)}</th>`).join('')
  const body = rows.map((cells) => `<tr>${cells.map(cell).join('')}</tr>`).join('')
  return `<div class="wide"><table><thead><tr>${headCells}</tr></thead><tbody>${body}</tbody></table></div>`
}

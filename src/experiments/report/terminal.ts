import type { ExperimentData } from '../result-data.js'
import { toOneLine } from '../../terminal-text.js'
import { formatValue } from './format.js'
import { nameOf, type ReportModel, type ReportTable, toReport } from './model.js'
import { padTo, widthOf } from './width.js'

/** Settings of the printed table. */
export interface TableOptions {
  /** Heading. @defaultValue the name of the run */
  readonly runName?: string
  /** Rows that are listed, worst first. @defaultValue 20 */
  readonly maxRows?: number
}

/** The result as text for a terminal. */
export function toTable(data: ExperimentData, { runName = data.name, maxRows = 20 }: TableOptions = {}): string {
  const report = toReport(data)
  return [
    `Experiment ${oneLine(runName)}`,
    data.passed ? 'passed' : 'not passed',
    ...report.failures.map((failure) => `- ${oneLine(failure)}`),
    ...align(report.facts.slice(0, -3).map(([term, text]) => [term, text])),
    ...section(report.metrics, ''),
    ...section(report.thresholds),
    ...section(report.summaryScores),
    ...(report.comparison === undefined ? [] : section(report.comparison.table)),
    ...rowSection(report, maxRows),
    ...list('Methods', report.methods),
    ...list('Warnings', report.warnings),
  ].join('\n')
}

function section({ head, rows, note, ...table }: ReportTable, title: string = table.title): readonly string[] {
  if (rows.length === 0) return []
  const lines = align([head, ...rows.map((cells) => cells.map(({ text }) => text))])
  return ['', ...(title === '' ? [] : [oneLine(title)]), ...(note === undefined ? [] : [note]), ...lines]
}

function rowSection({ rows, scoreNames, omittedRows }: ReportModel, maxRows: number): readonly string[] {
  const shown = rows.slice(0, maxRows)
  if (shown.length === 0) return []
  const hidden = rows.length - shown.length + omittedRows
  const hasLinks = shown.some(({ href }) => href !== undefined)
  const lines = align([
    ['Row', 'Datapoint', 'Status', ...scoreNames, 'Outputs or error', ...(hasLinks ? ['Trace'] : [])],
    ...shown.map((row) => [
      nameOf(row),
      row.row.datapointId,
      row.status,
      ...row.scores.map(({ text }) => text),
      row.outcome(60),
      ...(hasLinks ? [row.href ?? ''] : []),
    ]),
  ])
  return ['', 'Rows, worst first', ...lines, ...(hidden > 0 ? [`… and ${hidden} more`] : [])]
}

function list(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `- ${oneLine(line)}`)]
}

/** Lines of cells, each column as wide as its widest cell. */
function align(lines: readonly (readonly string[])[]): readonly string[] {
  const clean = lines.map((cells) => cells.map(oneLine))
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((cells) => widthOf(cells[column] ?? ''))))
  return clean.map((cells) =>
    cells
      .map((cell, column) => padTo(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

// Model output must not move the cursor, colour the terminal or turn the direction of the text.
function oneLine(text: string): string {
  return toOneLine(formatValue(text, Number.POSITIVE_INFINITY))
}

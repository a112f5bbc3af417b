import type { ExperimentData } from '../result-data.js'
import { formatValue } from './format.js'
import { type Cell, nameOf, type ReportModel, type ReportTable, toReport } from './model.js'

/** Rows that did not pass which are listed. */
const MAX_ROWS = 50

/** The result as Markdown, for a pull request or a job summary. */
export function toMarkdown(data: ExperimentData): string {
  const report = toReport(data)
  return [
    `## ${report.passed ? '✅' : '❌'} ${escapeText(report.name)}`,
    '',
    ...report.failures.map((failure) => `- **${escapeText(failure)}**`),
    ...(report.failures.length === 0 ? [] : ['']),
    `${report.facts
      .slice(0, -3)
      .map(([term, text]) => `${term}: ${escapeText(text)}`)
      .join(' · ')}`,
    ...table(report.metrics),
    ...titled(report.thresholds),
    ...titled(report.summaryScores),
    ...(report.comparison === undefined ? [] : titled(report.comparison.table)),
    ...rowSection(report),
    ...(report.methods.length === 0 ? [] : ['', ...report.methods.map((method) => `<sub>${escapeText(method)}</sub>  `)]),
    ...list('Warnings', report.warnings),
    '',
  ].join('\n')
}

function titled(section: ReportTable): readonly string[] {
  if (section.rows.length === 0) return []
  const note = section.note === undefined ? [] : ['', `${escapeText(section.note)}.`]
  return ['', `### ${escapeText(section.title)}`, ...note, ...table(section)]
}

function rowSection({ rows, scoreNames }: ReportModel): readonly string[] {
  const failed = rows.filter(({ row }) => !row.passed)
  const shown = failed.slice(0, MAX_ROWS)
  const plain = (text: string): Cell => ({ text, tone: 'plain', isFigure: false })
  const body = shown.map((row): readonly Cell[] => [
    { ...plain(nameOf(row)), ...(row.href === undefined ? {} : { href: row.href }) },
    plain(row.row.datapointId),
    plain(row.status),
    ...row.scores,
    plain(formatValue(row.row.inputs)),
    plain(row.outcome(80)),
  ])
  const hidden = failed.length - shown.length
  return [
    ...titled({
      title: 'Rows that did not pass, worst first',
      head: ['Row', 'Datapoint', 'Status', ...scoreNames, 'Inputs', 'Outputs or error'],
      rows: body,
    }),
    ...(hidden > 0 ? ['', `… and ${hidden} more`] : []),
  ]
}

function list(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `### ${title}`, '', ...lines.map((line) => `- ${escapeText(line)}`)]
}

function table({ head, rows }: ReportTable): readonly string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return ['', line(head.map(escapeText)), `|${head.map(() => ' --- |').join('')}`, ...rows.map((cells) => line(cells.map(cellText)))]
}

function cellText({ text, href, tone }: Cell): string {
  const mark = text === 'ok' ? '✅' : text === 'FAIL' ? '❌' : escapeText(text)
  if (href !== undefined) return `[${mark}](${encodeURI(href).replaceAll('(', '%28').replaceAll(')', '%29')})`
  return tone === 'bad' && mark !== '❌' && mark !== '' ? `**${mark}**` : mark
}

// Model output must not become markup, a link or a mention.
function escapeText(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_{}[\]<>|#!~]/g, '\\$&')
    .replace(/@/g, '@\u200b')
}

import type { ExperimentData } from '../result-data.js'
import { describeThreshold } from '../verdict.js'
import { formatScore, formatValue } from './format.js'
import { keyOf, nameOf, type ReportRow, toReport } from './model.js'
import { escapeXml } from './xml.js'

/**
 * The result as JUnit XML: a case for each row, one for each threshold, and one for the verdict on the run, so that there are
 * failures exactly when the run has not passed. A row whose failure a threshold allows is a case that was skipped.
 */
export function toJUnit(data: ExperimentData): string {
  const { rows, failures: reasons } = toReport(data)
  // In the order of the data set: tools compare reports of several runs.
  const ordered = [...rows].sort((one, other) => one.row.index - other.row.index || (one.row.trial ?? 1) - (other.row.trial ?? 1))
  const cases = [...ordered.map((row) => rowCase(data, row)), ...thresholdCases(data), verdictCase(data, reasons)]
  const has = (tag: string): number => cases.filter((text) => text.includes(`<${tag}`)).length
  const attributes = { name: data.name, tests: cases.length, failures: has('failure'), errors: has('error') }
  const suite = {
    ...attributes,
    skipped: has('skipped'),
    time: seconds(data.durationMs),
    timestamp: new Date(data.startedAtMs).toISOString(),
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributesOf(attributes)}>`,
    `  <testsuite${attributesOf(suite)}>`,
    ...properties(data),
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function seconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(3)
}

function properties(data: ExperimentData): readonly string[] {
  const entries: [string, unknown][] = [
    ['run_id', data.runId],
    ['dataset_id', data.datasetId],
    ['status', data.status],
    ...Object.values(data.metrics).map((metric): [string, unknown] => [`${metric.name}.${data.aggregate}`, metric.aggregate ?? '']),
  ]
  return [
    '    <properties>',
    ...entries.map(([name, value]) => `      <property${attributesOf({ name, value: String(value) })}/>`),
    '    </properties>',
  ]
}

function rowCase(data: ExperimentData, row: ReportRow): string {
  const attributes = attributesOf({
    name: `row ${nameOf(row)} ${formatValue(row.row.inputs)}`,
    classname: `${data.name}.${keyOf(row)}`,
    time: seconds(row.row.durationMs),
  })
  const inside = rowOutcome(row)
  return inside === '' ? `    <testcase${attributes}/>` : `    <testcase${attributes}>${inside}</testcase>`
}

function rowOutcome(report: ReportRow): string {
  const { row, isTolerated, href } = report
  if (row.passed && row.status === 'success') return ''
  const trace = href === undefined ? '' : `<system-out>${escapeXml(href)}</system-out>`
  if (row.status === 'cancelled') return `<skipped message="the experiment was stopped"/>${trace}`
  if (isTolerated) return `<skipped${attributesOf({ message: `did not pass, as a threshold allows: ${report.outcome(200)}` })}/>${trace}`
  if (row.error !== undefined) {
    const { name, message, stack } = row.error
    return `<error${attributesOf({ type: name, message })}>${escapeXml(stack ?? message)}</error>${trace}`
  }
  const reasons = [
    ...Object.entries(row.evaluatorErrors).map(([name, reason]) => `${name} failed: ${reason}`),
    ...Object.entries(row.metrics).map(([name, value]) => `${name} = ${formatScore(value)}`),
  ]
  return `<failure${attributesOf({ message: reasons[0] ?? 'the row did not pass' })}>${escapeXml(reasons.join('\n'))}</failure>${trace}`
}

function thresholdCases(data: ExperimentData): readonly string[] {
  return data.thresholds.map((outcome) => {
    const attributes = attributesOf({ name: `threshold ${outcome.name}`, classname: `${data.name}.thresholds`, time: '0' })
    if (outcome.passed) return `    <testcase${attributes}/>`
    return `    <testcase${attributes}><failure${attributesOf({ message: describeThreshold(outcome) })}/></testcase>`
  })
}

function verdictCase(data: ExperimentData, reasons: readonly string[]): string {
  const attributes = attributesOf({ name: 'verdict', classname: `${data.name}.verdict`, time: '0' })
  if (data.passed) return `    <testcase${attributes}/>`
  return `    <testcase${attributes}><failure${attributesOf({ message: reasons[0] ?? 'the run has not passed' })}>${escapeXml(reasons.join('\n'))}</failure></testcase>`
}

function attributesOf(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('')
}

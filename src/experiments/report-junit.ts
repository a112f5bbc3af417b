import { formatScore, formatValue } from './format.js'
import type { ExperimentData } from './result.js'
import type { ExperimentRow } from './types.js'

/** The result as JUnit XML: a case for each row, one more for each threshold. */
export function toJUnit(data: ExperimentData): string {
  const cases = [...data.rows.map((row) => rowCase(data, row)), ...thresholdCases(data)]
  const failures =
    data.rows.filter((row) => row.status === 'success' && !row.passed).length + data.thresholds.filter((outcome) => !outcome.passed).length
  const errors = data.rows.filter((row) => row.status === 'failed').length
  const skipped = data.rows.filter((row) => row.status === 'cancelled').length
  const attributes = attributesOf({
    name: data.name,
    tests: cases.length,
    failures,
    errors,
    skipped,
    time: (data.durationMs / 1_000).toFixed(3),
    timestamp: new Date(data.startedAtMs).toISOString(),
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributesOf({ name: data.name, tests: cases.length, failures, errors })}>`,
    `  <testsuite${attributes}>`,
    ...properties(data),
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
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

function rowCase(data: ExperimentData, row: ExperimentRow): string {
  const attributes = attributesOf({
    name: `row ${row.index} ${formatValue(row.inputs)}`,
    classname: `${data.name}.${row.datapointId}`,
    time: (row.durationMs / 1_000).toFixed(3),
  })
  const inside = rowOutcome(row)
  return inside === '' ? `    <testcase${attributes}/>` : `    <testcase${attributes}>${inside}</testcase>`
}

function rowOutcome(row: ExperimentRow): string {
  if (row.status === 'cancelled') return '<skipped message="the experiment was stopped"/>'
  if (row.error !== undefined) {
    return `<error${attributesOf({ type: row.error.name, message: row.error.message })}>${escapeXml(row.error.stack ?? row.error.message)}</error>`
  }
  if (row.passed) return ''
  const reasons = [
    ...Object.entries(row.evaluatorErrors).map(([name, reason]) => `${name} failed: ${reason}`),
    ...Object.entries(row.metrics).map(([name, value]) => `${name} = ${formatScore(value)}`),
  ]
  return `<failure${attributesOf({ message: reasons[0] ?? 'the row did not pass' })}>${escapeXml(reasons.join('\n'))}</failure>`
}

function thresholdCases(data: ExperimentData): readonly string[] {
  return data.thresholds.map((outcome) => {
    const attributes = attributesOf({ name: `threshold ${outcome.name}`, classname: `${data.name}.thresholds`, time: '0' })
    if (outcome.passed) return `    <testcase${attributes}/>`
    const message = `${outcome.aggregate} is ${outcome.actual ?? 'missing'}, expected ${outcome.min ?? '−∞'} to ${outcome.max ?? '∞'}`
    return `    <testcase${attributes}><failure${attributesOf({ message })}/></testcase>`
  })
}

function attributesOf(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('')
}

/** Text for XML 1.0, which has no way to write most control characters or half of a surrogate pair. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

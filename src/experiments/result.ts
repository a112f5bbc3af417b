import { writeText } from '../output.js'
import type { Redactor } from '../values/redact.js'
import type { MetricSummary } from './aggregate.js'
import { entryOf } from './entry-of.js'
import { toHtml } from './report/html.js'
import { toJUnit } from './report/junit.js'
import { toMarkdown } from './report/markdown.js'
import { redactResult } from './report/redact.js'
import { type TableOptions, toTable } from './report/terminal.js'
import type { ExperimentData } from './result-data.js'
import type { RunResult } from './run-result.js'
import type { DatapointInput, ScoreValue } from './types.js'

export type { ExperimentStatus } from './gate.js'
export type { ExperimentData } from './result-data.js'
export { findDamage, RESULT_FORMAT } from './result-data.js'

/** Result of an experiment: data, and the ways to show them. `rows` hold the values themselves; every report masks them as spans are. */
export interface ExperimentResult<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>>
  extends ExperimentData<Row, Output, Scores> {
  /** True when `status` is `completed`. */
  readonly success: boolean
  /** What the server made of the run; `undefined` offline or when it did not answer. */
  readonly server: RunResult | undefined
  /** Summary of a score or an extra whose name is not known to the type system. */
  metric(name: string): MetricSummary | undefined
  /** Prints the table to standard output. */
  printTable(options?: TableOptions): void
  /** The same table as text. */
  toTable(options?: TableOptions): string
  /** Plain data without methods, masked as spans are. */
  toJSON(): ExperimentData<Row, Output, Scores>
  /** The result as Markdown, e.g. for a comment on a pull request. */
  toMarkdown(): string
  /** A JUnit report with one test case for each row. */
  toJUnit(): string
  /** One self-contained page: figures, plots and rows; it loads nothing. */
  toHTML(): string
}

/** Adds the ways to show them to the data of a result; reports are masked by `redactor`. */
export function createResult(data: ExperimentData, server?: RunResult, redactor?: Redactor): ExperimentResult {
  let masked: ExperimentData | undefined
  const shown = (): ExperimentData => {
    masked ??= redactResult(data, redactor)
    return masked
  }
  return Object.freeze({
    ...data,
    success: data.status === 'completed',
    server,
    metric: (name: string) => entryOf(data.metrics, name) ?? entryOf(data.extras, name),
    printTable: (options?: TableOptions) => writeText('stdout', `${toTable(shown(), options)}\n`),
    toTable: (options?: TableOptions) => toTable(shown(), options),
    toJSON: shown,
    toMarkdown: () => toMarkdown(shown()),
    toJUnit: () => toJUnit(shown()),
    toHTML: () => toHtml(shown()),
  })
}

import type { ExperimentData } from '../result-data.js'
import { NativeSet } from '../../builtins.js'
import type { SummaryScore } from '../summary-evaluators.js'
import type { ExperimentRow, ScoreValue } from '../types.js'
import type { Redactor } from '../../values/redact.js'
import { isPlainArray, type Plain, setField } from '../../values/plain.js'
import { takeFreeName } from '../../values/secrets/free-name.js'
import { mapTexts } from '../../values/secrets/map-texts.js'
import { takeSnapshot } from '../../values/snapshot.js'

/** The result as it may leave the process: what the rows hold is masked as on their spans, by the same rules. */
export function redactResult(data: ExperimentData, rules: Redactor | undefined): ExperimentData {
  if (rules?.isActive !== true) return data
  const redactor = withShownNames(data, rules)
  const { rows, name, metrics, extras, summaryState, summaryScores, failures, ...labels } = data
  const shownScores = summaryScores.map((score) => maskSummaryScore(score, redactor))
  return {
    ...mapTexts(labels, redactor.label),
    name: redactor.text('session_name', name),
    metrics: maskCategories(metrics, redactor),
    extras: maskCategories(extras, redactor),
    ...(summaryState === undefined ? {} : { summaryState: { ...summaryState, metrics: maskCategories(summaryState.metrics, redactor) } }),
    summaryScores: shownScores,
    failures: mapTexts(maskFailures(failures, summaryScores, shownScores), redactor.label),
    rows: rows.map((row) => redactRow(row, redactor)),
  }
}

/** `rules` whose labels show the names of evaluators and metrics as they may be shown, wherever a text of the result holds them. */
function withShownNames(data: ExperimentData, rules: Redactor): Redactor {
  const names = new Set([
    ...data.evaluators.map(({ name }) => name),
    ...data.summaryScores.map(({ name }) => name),
    ...[data.metrics, data.extras, data.summaryState?.metrics ?? {}].flatMap(Object.keys),
    ...data.rows.flatMap(({ scores, evaluatorErrors }) => [...Object.keys(scores), ...Object.keys(evaluatorErrors)]),
  ])
  const shown = [...toShownNames([...names], rules)].filter(([name, text]) => name !== text).sort(([a], [b]) => b.length - a.length)
  const label = (text: string): string => rules.label(shown.reduce((all, [name, other]) => all.replaceAll(name, () => other), text))
  return {
    label: shown.length === 0 ? rules.label : label,
    isActive: rules.isActive,
    hasFunction: rules.hasFunction,
    name: (text) => rules.name(text),
    text: (path, text) => rules.text(path, text),
    line: (path, text) => rules.line(path, text),
    value: (path, value) => rules.value(path, value),
  }
}

/** Names that look alike once they are masked are told apart by a number. */
function toShownNames(names: readonly string[], redactor: Redactor): Map<string, string> {
  const shown = new Map<string, string>()
  const taken = new NativeSet<string>()
  for (const name of names) shown.set(name, takeFreeName(redactor.text('name', name), taken))
  return shown
}

/** Plain data whose names of fields are masked as texts are. */
function maskNames(value: Plain, redactor: Redactor): Plain {
  if (typeof value !== 'object' || value === null) return value
  if (isPlainArray(value)) {
    const items = value.map((item) => maskNames(item, redactor))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  const shown = toShownNames(Object.keys(value), redactor)
  const copy: { [key: string]: Plain } = {}
  let isSame = true
  for (const [name, text] of shown) {
    const field = value[name] as Plain
    const masked = maskNames(field, redactor)
    isSame &&= masked === field && text === name
    setField(copy, text, masked)
  }
  return isSame ? value : copy
}

function maskScore(score: ScoreValue, name: string, redactor: Redactor): ScoreValue {
  return typeof score === 'string' ? redactor.text(`metrics.${name}`, score) : score
}

// The texts of a metric are the names of its categories; those that look alike once they are masked are counted together.
function maskCategories<Metric extends { readonly categories: Readonly<Record<string, number>> }>(
  metrics: Readonly<Record<string, Metric>>,
  redactor: Redactor,
): Readonly<Record<string, Metric>> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => {
      const categories: Record<string, number> = {}
      for (const [text, count] of Object.entries(metric.categories)) {
        const shown = redactor.text(`metrics.${name}`, text)
        categories[shown] = (categories[shown] ?? 0) + count
      }
      return [redactor.label(name), { ...mapTexts(metric, redactor.label), categories }]
    }),
  )
}

function maskSummaryScore({ score, explanation, error, name }: SummaryScore, redactor: Redactor): SummaryScore {
  return {
    name: redactor.label(name),
    score: score === null ? null : maskScore(score, name, redactor),
    ...(explanation === undefined ? {} : { explanation: redactor.text(`metrics.${name}_explanation`, explanation) }),
    ...(error === undefined ? {} : { error: redactor.text('error', error) }),
  }
}

// A failure that tells what a summary evaluator threw.
function maskFailures(failures: readonly string[], scores: readonly SummaryScore[], shown: readonly SummaryScore[]): readonly string[] {
  return failures.map((failure) =>
    scores.reduce((text, { error }, at) => (error === undefined ? text : text.replaceAll(error, () => shown[at]?.error ?? '')), failure),
  )
}

/** As much of one value as a span may hold. */
const MAX_BYTES = 10_485_760

/** A row as reports show what it was asked and what is expected. */
export function maskRow<Row extends { readonly inputs?: unknown; readonly groundTruth?: unknown }>(row: Row, redactor: Redactor): Row {
  if (!redactor.isActive) return row
  const { inputs, groundTruth } = row
  return { ...row, inputs: mask(redactor, 'inputs', inputs), groundTruth: mask(redactor, GROUND_TRUTH, groundTruth) }
}

const GROUND_TRUTH = 'feedback.ground_truth'

function mask<T>(redactor: Redactor, path: string, value: T): T {
  if (value === undefined || value === null) return value
  const { value: copy } = takeSnapshot(value, MAX_BYTES)
  const masked = maskNames(redactor.value(path, copy), redactor)
  // What holds nothing to mask stays what it is; the rest keeps the shape the reports read.
  return masked === copy ? value : (masked as T)
}

function redactRow(row: ExperimentRow, redactor: Redactor): ExperimentRow {
  const { error, inputs, groundTruth, outputs, scores, metrics, evaluatorErrors, ...labels } = maskRow(row, redactor)
  const shownScores = Object.entries(scores as Readonly<Record<string, ScoreValue>>).map(([name, score]) => [
    redactor.label(name),
    maskScore(score, name, redactor),
  ])
  return {
    ...mapTexts(labels, redactor.label),
    inputs,
    groundTruth,
    outputs: mask(redactor, 'outputs', outputs),
    scores: Object.fromEntries(shownScores),
    metrics: mask(redactor, 'metrics', metrics),
    evaluatorErrors: mapTexts(maskErrors(evaluatorErrors, redactor), redactor.label),
    ...(error === undefined ? {} : { error: maskError(error, redactor) }),
  }
}

function maskErrors(errors: ExperimentRow['evaluatorErrors'], redactor: Redactor): ExperimentRow['evaluatorErrors'] {
  return Object.fromEntries(Object.entries(errors).map(([name, text]) => [name, redactor.text('error', text)]))
}

function maskError(error: NonNullable<ExperimentRow['error']>, redactor: Redactor): NonNullable<ExperimentRow['error']> {
  return {
    ...error,
    name: redactor.label(error.name),
    message: redactor.text('error', error.message),
    ...(error.stack === undefined ? {} : { stack: redactor.text('error', error.stack) }),
  }
}

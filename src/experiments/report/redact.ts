import type { ExperimentData } from '../result-data.js'
import type { ExperimentRow } from '../types.js'
import type { Redactor } from '../../values/redact.js'
import { mapTexts } from '../../values/secrets/map-texts.js'
import { takeSnapshot } from '../../values/snapshot.js'

/** The result as it may leave the process: what the rows hold is masked as on their spans, by the same rules. */
export function redactResult(data: ExperimentData, redactor: Redactor | undefined): ExperimentData {
  if (redactor?.isActive !== true) return data
  const { rows, ...labels } = data
  return { ...mapTexts(labels, redactor.label), rows: rows.map((row) => redactRow(row, redactor)) }
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
  const masked = redactor.value(path, copy)
  // What holds nothing to mask stays what it is; the rest keeps the shape the reports read.
  return masked === copy ? value : (masked as T)
}

function redactRow(row: ExperimentRow, redactor: Redactor): ExperimentRow {
  const { error, inputs, groundTruth, outputs, metrics, evaluatorErrors, ...labels } = maskRow(row, redactor)
  return {
    ...mapTexts(labels, redactor.label),
    inputs,
    groundTruth,
    outputs: mask(redactor, 'outputs', outputs),
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

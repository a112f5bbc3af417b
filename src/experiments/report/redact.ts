import type { ExperimentData } from '../result-data.js'
import type { ExperimentRow } from '../types.js'
import { takeSnapshot } from '../../values/snapshot.js'
import type { Redactor } from '../../values/redact.js'

/** The result as it may leave the process: what the rows hold is masked as on their spans, by the same rules. */
export function redactResult(data: ExperimentData, redactor: Redactor | undefined): ExperimentData {
  if (redactor?.isActive !== true) return data
  return { ...data, rows: data.rows.map((row) => redactRow(row, redactor)) }
}

/** As much of one value as a span may hold. */
const MAX_BYTES = 10_485_760

function redactRow(row: ExperimentRow, redactor: Redactor): ExperimentRow {
  const mask = <T>(path: string, value: T): T => {
    if (value === undefined || value === null) return value
    const { value: copy } = takeSnapshot(value, MAX_BYTES)
    const masked = redactor.value(path, copy)
    // What holds nothing to mask stays what it is; the rest keeps the shape the reports read.
    return masked === copy ? value : (masked as T)
  }
  const { error } = row
  return {
    ...row,
    inputs: mask('inputs', row.inputs),
    groundTruth: mask('feedback.ground_truth', row.groundTruth),
    outputs: mask('outputs', row.outputs),
    metrics: mask('metrics', row.metrics),
    evaluatorErrors: Object.fromEntries(Object.entries(row.evaluatorErrors).map(([name, text]) => [name, redactor.text('error', text)])),
    ...(error === undefined
      ? {}
      : {
          error: {
            name: error.name,
            message: redactor.text('error', error.message),
            ...(error.stack === undefined ? {} : { stack: redactor.text('error', error.stack) }),
          },
        }),
  }
}

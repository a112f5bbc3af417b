import { takeSnapshot } from '../values/snapshot.js'
import type { Redactor } from '../values/redact.js'
import { type SourceRow, toDatapoint } from './dataset.js'
import { parseRow, writeRow } from './journal.js'
import { contentOf } from './pair-rows.js'
import { maskRow } from './report/redact.js'
import type { ExperimentRow } from './types.js'

/** As much of one value as a span may hold. */
const MAX_BYTES = 10_485_760

/**
 * Whether a row of the dataset is what it was when it ran: the same inputs and ground truth, in any of the forms in which a
 * journal or a session may have kept them. What cannot be compared counts as the same.
 */
export function isSameRow(
  earlier: ExperimentRow,
  source: SourceRow,
  parse: ((raw: unknown) => unknown) | undefined,
  redactor: Redactor,
): boolean {
  const before = contentOf(earlier)
  if (before === undefined || isUnknown(earlier)) return true
  const now = readRow(earlier, source, parse)
  if (now === undefined) return true
  const forms = [() => now, () => toJournalForm(now, redactor), () => toSpanForm(now)]
  return forms.some((toForm) => {
    const form = toForm()
    return contentOf(form) === before || contentOf(maskRow(form, redactor)) === before
  })
}

// A session whose inputs were not recorded.
function isUnknown({ inputs, groundTruth }: ExperimentRow): boolean {
  return groundTruth === undefined && Object.keys(Object(inputs)).length === 0
}

function readRow(earlier: ExperimentRow, source: SourceRow, parse: ((raw: unknown) => unknown) | undefined): ExperimentRow | undefined {
  try {
    const { inputs, groundTruth } = toDatapoint(source, parse)
    return { ...earlier, inputs, groundTruth, outputs: undefined, status: 'cancelled' }
  } catch {
    // The row fails, or what was kept of it stands.
    return undefined
  }
}

function toJournalForm(row: ExperimentRow, redactor: Redactor): ExperimentRow {
  return parseRow(redactor.label(writeRow(row))) ?? row
}

function toSpanForm(row: ExperimentRow): ExperimentRow {
  const [inputs, groundTruth] = [row.inputs, row.groundTruth].map((value) => takeSnapshot(value, MAX_BYTES).value)
  return { ...row, inputs: inputs as ExperimentRow['inputs'], groundTruth: groundTruth as undefined }
}

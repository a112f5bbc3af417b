import { entryOf } from './entry-of.js'
import type { ExperimentRow, RowError } from './types.js'

/** The error that a row failed with, to be thrown again. Its fields are defined: where `Error.prototype` is frozen, none can be assigned. */
export function toThrown(error: RowError): Error {
  return Object.defineProperties(new Error(error.message), Object.getOwnPropertyDescriptors(error))
}

/** Whether a row lacks this score because its function, or the evaluator, failed. */
export function hasFailed(row: Partial<Pick<ExperimentRow, 'status' | 'evaluatorErrors'>>, name: string): boolean {
  return row.status === 'failed' || (row.evaluatorErrors !== undefined && Object.hasOwn(row.evaluatorErrors, name))
}

/** Adds to the number of rows that each evaluator turned down, by its name. */
export function countRefusals(refusals: Record<string, number>, row: ExperimentRow): void {
  for (const [name, passed] of Object.entries(row.decisions)) if (!passed) refusals[name] = (entryOf(refusals, name) ?? 0) + 1
}

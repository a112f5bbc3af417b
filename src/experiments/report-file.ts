import { readFile } from 'node:fs/promises'
import { HoneyHiveError } from '../errors.js'
import { withoutMark } from '../values/decode-text.js'
import { withBackend, type ServerOptions } from './compare.js'
import type { ScoredRun } from './compare-rows.js'
import { type ExperimentData, findDamage } from './result.js'
import { describeError } from './score.js'
import { loadScoredRun } from './scored-run.js'

/**
 * Reads a result that was written as JSON.
 *
 * @throws HoneyHiveError `EXPERIMENT` when the file is missing or is no result
 */
export async function readReport(path: string): Promise<ExperimentData> {
  let value: unknown
  try {
    value = JSON.parse(withoutMark(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new HoneyHiveError('EXPERIMENT', `${path} could not be read as a result: ${describeError(cause)}`, { cause })
  }
  const damage = findDamage(value)
  if (damage !== undefined) throw new HoneyHiveError('EXPERIMENT', `${path} ${damage}. Write one with --reporter json=FILE.`)
  // The format names the shape.
  return value as ExperimentData
}

/** Scores of a run by its id, from a journal or the server. @throws HoneyHiveError as `compareRuns` does */
export async function loadRun(runId: string, options: ServerOptions & { readonly journal?: string | undefined }): Promise<ScoredRun> {
  return withBackend(options, (backend) => loadScoredRun(runId, { backend, journal: options.journal }))
}

/** A run to compare with: the id of one, or the path of a JSON report. @throws HoneyHiveError `EXPERIMENT` when there is none */
export function readRun(reference: string): Promise<ScoredRun> {
  return RUN_ID.test(reference) ? loadRun(reference, {}) : readReport(reference)
}

/** What the id of a run looks like. */
export const RUN_ID: RegExp = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

import { HoneyHiveError } from '../errors.js'
import type { Backend } from './backend.js'
import type { ScoredRow, ScoredRun } from './compare-rows.js'
import { readJournal } from './journal.js'
import { fetchRunResult, fetchRunScores, type ServerDatapoint } from './run-result.js'

/** Where the scores of an earlier run may be found. */
export interface RunSources {
  readonly backend: Backend | undefined
  /** Directory of journals; looked at first. */
  readonly journal: string | undefined
}

/**
 * Scores of each row of an earlier run, from its journal or from the server.
 *
 * @throws HoneyHiveError `EXPERIMENT` when neither knows a scored row of it; the requests' own errors otherwise
 */
export async function loadScoredRun(runId: string, { backend, journal }: RunSources): Promise<ScoredRun> {
  const local = journal === undefined ? [] : [...(await readJournal(journal, runId)).values()]
  if (local.length > 0) return { runId, name: undefined, rows: local }
  if (backend !== undefined) return fetchScoredRun(backend, runId)
  throw new HoneyHiveError('EXPERIMENT', `Run ${runId} is not in a local journal, and without an API key the server cannot be asked.`)
}

async function fetchScoredRun(backend: Backend, runId: string): Promise<ScoredRun> {
  const result = await fetchRunResult(backend, runId, 'average')
  const fromResult = toRows(result.datapoints)
  // Older servers list the datapoints of a result without their values.
  const rows = fromResult.length > 0 ? fromResult : toRows(await fetchRunScores(backend, runId))
  if (rows.length === 0) throw new HoneyHiveError('EXPERIMENT', `Run ${runId} has no scored rows at the server.`)
  return { runId, name: result.name, rows }
}

function toRows(datapoints: readonly ServerDatapoint[]): readonly ScoredRow[] {
  return datapoints.flatMap(({ datapointId, scores }) =>
    datapointId === undefined || Object.keys(scores).length === 0 ? [] : [{ datapointId, scores }],
  )
}

import { HoneyHiveError } from '../errors.js'
import { readRules } from './aggregate.js'
import type { Backend } from './backend.js'
import type { ScoredRow, ScoredRun } from './compare-rows.js'
import { readJournal } from './journal.js'
import { findRunDamage } from './result-data.js'
import { fetchRunResult, fetchRunScores, type ServerDatapoint } from './run-result.js'
import { fetchRunRows } from './run-sessions.js'

/** Where the scores of an earlier run may be found. */
export interface RunSources {
  readonly backend: Backend | undefined
  /** Directory of journals; looked at first. */
  readonly journal: string | undefined
}

/**
 * Scores of each row of an earlier run, those that failed included, from its journal or from the server.
 *
 * @throws HoneyHiveError `EXPERIMENT` when neither knows a row of it; the requests' own errors otherwise
 */
export async function loadScoredRun(runId: string, { backend, journal }: RunSources): Promise<ScoredRun> {
  const local = journal === undefined ? undefined : await readJournal(journal, runId)
  if (local !== undefined && local.rows.size > 0) {
    const { header } = local
    const rows = [...local.rows.values()]
    const damage = findRunDamage({ rows })
    if (damage !== undefined) throw new HoneyHiveError('EXPERIMENT', `The journal of run ${runId} holds a run ${damage}.`)
    if (header === undefined) return { runId, name: undefined, rows }
    const { name, evaluators, extent } = header
    return { runId, name, rows, evaluators, ...(extent === undefined ? {} : { ...extent, counts: { total: rows.length } }) }
  }
  if (backend !== undefined) return fetchScoredRun(backend, runId)
  throw new HoneyHiveError('EXPERIMENT', `Run ${runId} is not in a local journal, and without an API key the server cannot be asked.`)
}

async function fetchScoredRun(backend: Backend, runId: string): Promise<ScoredRun> {
  const result = await fetchRunResult(backend, runId, 'average')
  const fromResult = toRows(result.datapoints)
  // Older servers list the datapoints of a result without their values.
  const hasScores = fromResult.some((row) => Object.keys(row.scores).length > 0)
  const listed = hasScores ? fromResult : toRows(await fetchRunScores(backend, runId))
  // What became of a row, and what it is recognised by, stands in its session.
  const sessions = await fetchRunRows(backend, runId).catch(() => [])
  const bySession = new Map(listed.map((row) => [row.sessionId ?? row.datapointId, row]))
  const known = new Set(sessions.map(({ datapointId }) => datapointId))
  const rows: readonly ScoredRow[] = [
    ...sessions.map((row) => {
      const { scores } = bySession.get(row.sessionId) ?? bySession.get(row.datapointId) ?? { scores: {} }
      return { ...row, scores: { ...scores, ...row.scores } }
    }),
    ...listed.filter(({ datapointId, scores }) => !known.has(datapointId) && Object.keys(scores).length > 0),
  ]
  if (rows.length === 0) throw new HoneyHiveError('EXPERIMENT', `Run ${runId} has no scored rows at the server.`)
  const rules = result.metadata['evaluator_rules']
  return {
    runId,
    name: result.name,
    rows,
    ...(rules === undefined ? {} : { evaluators: readRules(rules) }),
    // Of the others it is not said whether all rows were run.
    ...(result.status === 'cancelled' ? { status: result.status } : {}),
    ...(result.status === 'pending' || result.status === 'running' ? { hasEnded: false } : {}),
  }
}

function toRows(datapoints: readonly ServerDatapoint[]): readonly (ScoredRow & Pick<ServerDatapoint, 'sessionId'>)[] {
  return datapoints.flatMap(({ datapointId, sessionId, scores }) => (datapointId === undefined ? [] : [{ datapointId, sessionId, scores }]))
}

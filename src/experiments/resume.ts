import type { Backend } from './backend.js'
import { rowKey } from './dataset.js'
import { entryOf } from './entry-of.js'
import { readJournal } from './journal.js'
import { findRowDamage } from './result-data.js'
import { fetchRunScores } from './run-result.js'
import { fetchRunRows } from './run-sessions.js'
import type { NamedEvaluator } from './evaluator.js'
import type { ExperimentRow, ScoreValue } from './types.js'

/** Where finished rows of an earlier attempt may be found. */
export interface ResumeSources {
  readonly runId: string
  readonly backend: Backend | undefined
  readonly journal: string | undefined
  readonly evaluators: readonly NamedEvaluator[]
}

/**
 * Rows of a run whose function succeeded before, by `rowKey`; the journal knows them exactly. Scores they lack are for
 * the evaluators to give.
 *
 * @throws HoneyHiveError as the requests do, when there is no journal to go by
 */
export async function readFinishedRows(sources: ResumeSources): Promise<ReadonlyMap<string, ExperimentRow>> {
  const { journal, backend, runId } = sources
  const local = journal === undefined ? [] : [...(await readJournal(journal, runId)).rows.values()]
  const rows = local.length > 0 || backend === undefined ? local : await fetchRows(backend, sources)
  // What another program or a hand left of a row is no row; it runs again.
  const finished = rows.filter((row) => row.status === 'success' && findRowDamage(row) === undefined)
  return new Map(finished.map((row) => [rowKey(row), row]))
}

async function fetchRows(backend: Backend, { runId, evaluators }: ResumeSources): Promise<readonly ExperimentRow[]> {
  const rows = await fetchRunRows(backend, runId)
  const scored = new Map((await fetchRunScores(backend, runId)).map((entry) => [entry.sessionId, entry.scores]))
  return rows.map((row) => {
    // Extras and explanations are on the spans only.
    const metrics = { ...scored.get(row.sessionId), ...row.metrics }
    const scores: Record<string, ScoreValue> = {}
    for (const { name } of evaluators) {
      const score = entryOf(metrics, name)
      if (score !== undefined) scores[name] = score
    }
    return { ...row, metrics, scores }
  })
}

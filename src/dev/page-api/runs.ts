/** Runs as the page shows them; sums are kept until an event of the run changes. */
import { badRequest, notFound } from '../http/http-error.js'
import type { CommittedChanges } from '../store/changes.js'
import type { Reader } from '../store/database.js'
import { readRunResults, type RunResults, toRunSummary } from '../store/run-results.js'
import { findRun, listRuns, type StoredRun } from '../store/runs.js'
import { type ComparedRun, compareStoredRuns } from './comparison.js'
import type { Comparison, RunDetail, RunSummary } from './contract.js'

const MAX_LISTED = 200
const MAX_KEPT = 1_000
const MAX_COMPARED = 8

/** Reads runs for the page. */
export interface RunPages {
  list(projectId: number | undefined): Promise<RunSummary[]>
  /** Rejects with HttpError 404. */
  detail(id: string): Promise<RunDetail>
  /** Several runs, each against the last. Rejects with HttpError 404 for a run that is not there, 400 for fewer than two. */
  comparison(ids: readonly string[]): Promise<Comparison>
  /** Averages of a run's metrics. */
  averages(run: StoredRun): Promise<RunSummary['metrics']>
  /** Forgets the sums of changed runs. */
  forget(changes: CommittedChanges): void
}

/** Builds the reader of one database. */
export function createRunPages(reader: Reader): RunPages {
  const known = new Map<string, Promise<RunSummary>>()

  /** Asked for by many at once, a run is read once. */
  function summaryOf(run: StoredRun): Promise<RunSummary> {
    const present = known.get(run.id)
    if (present !== undefined) return present
    const summary = readRunResults(reader, run).then((results) => toRunSummary(run, results))
    known.set(run.id, summary)
    if (known.size > MAX_KEPT) known.delete(known.keys().next().value ?? run.id)
    summary.catch(() => known.delete(run.id))
    return summary
  }

  async function read(id: string): Promise<{ run: StoredRun; results: RunResults }> {
    const run = findRun(reader, id)
    if (run === undefined) throw notFound('Run')
    return { run, results: await readRunResults(reader, run) }
  }

  return {
    async list(projectId) {
      const summaries: RunSummary[] = []
      const { runs } = listRuns(reader, { projectIds: projectId === undefined ? undefined : [projectId], limit: MAX_LISTED })
      for (const run of runs) summaries.push(await summaryOf(run))
      return summaries
    },
    async detail(id) {
      const { run, results } = await read(id)
      return { run: toRunSummary(run, results), configuration: run.body.configuration, metadata: run.body.metadata, rows: results.rows }
    },
    async comparison(ids) {
      const distinct = [...new Set(ids)]
      if (distinct.length < 2 || distinct.length > MAX_COMPARED) throw badRequest(`Name two to ${MAX_COMPARED} runs, each as run=ID`)
      const runs: ComparedRun[] = []
      for (const id of distinct) {
        const { run, results } = await read(id)
        runs.push({ run: toRunSummary(run, results), metadata: run.body.metadata, rows: results.rows })
      }
      return compareStoredRuns(runs)
    },
    averages: async (run) => (await summaryOf(run)).metrics,
    forget(changes) {
      for (const { runId } of changes.runs) known.delete(runId)
    },
  }
}

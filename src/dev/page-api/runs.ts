/** Runs as the page shows them; sums are kept until an event of the run changes. */
import { notFound } from '../http/http-error.js'
import type { CommittedChanges } from '../store/changes.js'
import type { Reader } from '../store/database.js'
import { readRunResults, type RunResults, toRunSummary } from '../store/run-results.js'
import { findRun, listRuns, type StoredRun } from '../store/runs.js'
import { toScore } from '../store/statistics.js'
import type { RunComparison, RunDetail, RunRow, RunSummary } from './contract.js'

const MAX_LISTED = 200
const MAX_KEPT = 1_000

/** Reads runs for the page. */
export interface RunPages {
  list(projectId: number | undefined): Promise<RunSummary[]>
  /** Rejects with HttpError 404. */
  detail(id: string): Promise<RunDetail>
  /** Rejects with HttpError 404. */
  compare(newId: string, oldId: string): Promise<RunComparison>
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
    async compare(newId, oldId) {
      const newer = await read(newId)
      const older = await read(oldId)
      const rows = pairRows(newer.results.rows, older.results.rows)
      const newRun = toRunSummary(newer.run, newer.results)
      const oldRun = toRunSummary(older.run, older.results)
      const names = [...new Set([...Object.keys(newRun.metrics), ...Object.keys(oldRun.metrics)])]
      return {
        newRun,
        oldRun,
        rows,
        metrics: names.map((name) => ({
          name,
          oldAverage: oldRun.metrics[name] ?? null,
          newAverage: newRun.metrics[name] ?? null,
          ...countChanges(name, rows),
        })),
      }
    },
    averages: async (run) => (await summaryOf(run)).metrics,
    forget(changes) {
      for (const { runId } of changes.runs) known.delete(runId)
    },
  }
}

function pairRows(news: readonly RunRow[], olds: readonly RunRow[]): RunComparison['rows'] {
  const byDatapoint = new Map(olds.filter((row) => row.datapointId !== null).map((row) => [row.datapointId, row]))
  return news.flatMap((newRow) => {
    const oldRow = byDatapoint.get(newRow.datapointId)
    return newRow.datapointId === null || oldRow === undefined ? [] : [{ datapointId: newRow.datapointId, oldRow, newRow }]
  })
}

function countChanges(name: string, rows: RunComparison['rows']): { improved: number; worse: number; same: number } {
  const changes = rows.flatMap(({ oldRow, newRow }) => {
    const before = toScore(oldRow.metrics[name])
    const after = toScore(newRow.metrics[name])
    return before === undefined || after === undefined ? [] : [after - before]
  })
  return {
    improved: changes.filter((change) => change > 0).length,
    worse: changes.filter((change) => change < 0).length,
    same: changes.filter((change) => change === 0).length,
  }
}

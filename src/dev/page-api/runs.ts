/** Runs as the page shows them; sums are kept until an event of the run changes. */
import type { Database } from '../store/database.js'
import { notFound } from '../http/http-error.js'
import type { RunComparison, RunDetail, RunRow, RunSummary } from './contract.js'
import { readRunResults, toRunSummary, type RunResults } from '../store/run-results.js'
import { findRun, listRuns, type StoredRun } from '../store/runs.js'
import { toScore } from '../store/statistics.js'
import type { CommittedChanges } from '../store/write-queue.js'

const MAX_LISTED = 200

/** Reads runs for the page. */
export interface RunPages {
  list(projectId: number | undefined): RunSummary[]
  /** @throws HttpError 404 */
  detail(id: string): RunDetail
  /** @throws HttpError 404 */
  compare(newId: string, oldId: string): RunComparison
  /** Averages of a run's metrics. */
  averages(run: StoredRun): RunSummary['metrics']
  /** Forgets the sums of changed runs. */
  forget(changes: CommittedChanges): void
}

/** Builds the reader of one database. */
export function createRunPages(database: Database): RunPages {
  const known = new Map<string, RunSummary>()

  function summaryOf(run: StoredRun): RunSummary {
    const present = known.get(run.id)
    if (present !== undefined) return present
    const summary = toRunSummary(run, readRunResults(database, run))
    known.set(run.id, summary)
    return summary
  }

  function read(id: string): { run: StoredRun; results: RunResults } {
    const run = findRun(database, id)
    if (run === undefined) throw notFound('Run')
    return { run, results: readRunResults(database, run) }
  }

  return {
    list: (projectId) =>
      listRuns(database, projectId === undefined ? undefined : [projectId])
        .slice(0, MAX_LISTED)
        .map(summaryOf),
    detail(id) {
      const { run, results } = read(id)
      return { run: toRunSummary(run, results), configuration: run.body.configuration, metadata: run.body.metadata, rows: results.rows }
    },
    compare(newId, oldId) {
      const newer = read(newId)
      const older = read(oldId)
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
    averages: (run) => summaryOf(run).metrics,
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

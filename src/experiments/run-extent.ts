import type { ExperimentStatus } from './gate.js'
import type { ScoredRow } from './pair-rows.js'

/** How many of its rows a run has run and still has. A result says all of it; what is not known is taken as complete. */
export interface RunExtent {
  readonly status?: ExperimentStatus
  /** False where the server was told of its beginning and not of its end. */
  readonly hasEnded?: boolean
  /** Rows that ran and are not in `rows`. */
  readonly omittedRows?: number
  readonly counts?: { readonly total: number }
  /** Rows of the run over all shards, without trials; `null` when a stream was not read to its end. */
  readonly selectedRows?: number | null
  readonly shard?: { readonly index: number; readonly count: number }
  readonly trials?: number
}

/** A run of which some rows may be missing. */
type PartialRun = RunExtent & { readonly rows: readonly ScoredRow[] }

/** Why rows of the run that is judged are in no comparison. */
export function findMissingRows(run: PartialRun): readonly string[] {
  const { omittedRows = 0 } = run
  return [
    ...(omittedRows === 0 ? [] : [`${omittedRows} rows were not compared; raise maxRows to keep all of them`]),
    ...describeEnd(run, 'the run'),
  ]
}

/** The same for the run it is compared with. */
export function findMissingBaseline(run: PartialRun): readonly string[] {
  const { omittedRows = 0 } = run
  return [
    ...(omittedRows === 0 ? [] : [`${omittedRows} rows of the baseline are not in its result; raise maxRows where it is made`]),
    ...describeEnd(run, 'the baseline'),
  ]
}

function describeEnd(run: PartialRun, which: string): readonly string[] {
  if (wasStopped(run)) return [`${which} was stopped before all of its rows had run`]
  if (run.hasEnded === false) return [`the server was not told of the end of ${which}: it is still running, or was broken off`]
  return isWhole(run) ? [] : [`${which} did not run all rows of its dataset`]
}

// A journal holds no status of its run, but the rows that were under way when it was stopped.
function wasStopped({ status, rows }: PartialRun): boolean {
  return status === 'cancelled' || rows.some((row) => row.status === 'cancelled' && Object.keys(row.scores).length === 0)
}

/** Whether every row of the dataset, or of this shard of it, has run. */
function isWhole({ status, counts, selectedRows, shard = { index: 0, count: 1 }, trials = 1 }: PartialRun): boolean {
  if (counts === undefined || selectedRows === undefined) return true
  // Where rows come one by one from elsewhere, nobody reads the stream to its end.
  if (selectedRows === null) return status !== 'failed'
  return counts.total >= Math.ceil((selectedRows - shard.index) / shard.count) * trials
}

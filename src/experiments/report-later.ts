import { HoneyHiveError } from '../errors.js'
import type { ServerOptions } from './compare.js'
import type { AnyEvaluateOptions } from './check-options.js'
import { rowKey } from './dataset.js'
import { entryOf } from './entry-of.js'
import { toThrown } from './failures.js'
import { keepAliveDuring } from './keep-alive.js'
import { given, namesOf, refuseUnknown } from './known-options.js'
import { openExperiment } from './open-experiment.js'
import type { ExperimentSettings } from './options.js'
import { runPool } from './pool.js'
import type { ExperimentData } from './result.js'
import { Stop } from './stop.js'
import type { EvaluatorFunction, ExperimentRow } from './types.js'

/** Settings of {@link reportResult}. */
export interface ReportLaterOptions extends ServerOptions {
  /** Longest time to wait for the server after the last row, in milliseconds. @defaultValue 60_000 */
  readonly reportTimeoutMs?: number
  /** Further settings of the tracer that sends the rows. */
  readonly tracerOptions?: ExperimentSettings['tracerOptions']
}

/** What {@link reportResult} sent. */
export interface ReportLaterOutcome {
  readonly runId: string
  /** Rows that were sent and arrived. */
  readonly reported: number
  /** Rows that still did not, by `unreported` of the result. */
  readonly unreported: readonly string[]
  readonly warnings: readonly string[]
}

const OPTION_NAMES = namesOf<ReportLaterOptions>({ apiKey: true, serverUrl: true, reportTimeoutMs: true, tracerOptions: true })

/**
 * Sends the rows of a result that the server does not have: those in `unreported`, or all of them when the run was offline.
 * Each becomes the session it would have been, with its inputs, outputs, scores and errors; what the function recorded below
 * that is not in a result. May be called again: rows keep their sessions.
 *
 * @throws HoneyHiveError `EXPERIMENT` without a key, or when rows to send are not in the result
 */
export async function reportResult(data: ExperimentData, options: ReportLaterOptions = {}): Promise<ReportLaterOutcome> {
  refuseUnknown(options, OPTION_NAMES, 'reportResult')
  const wanted = data.isRecorded ? new Set(data.unreported) : undefined
  const rows = data.rows.filter((row) => wanted === undefined || wanted.has(rowKey(row)) || (isFirst(row) && wanted.has(row.datapointId)))
  const absent = (wanted?.size ?? data.counts.total) - rows.length
  if (absent > 0)
    throw new HoneyHiveError('EXPERIMENT', `${absent} of the rows to report are not in the result. Raise maxRows where it is made.`)
  return keepAliveDuring('reportResult()', () => sendRows(data, rows, options))
}

// Results of earlier versions name every first trial by the id alone.
function isFirst({ trial = 1 }: ExperimentRow): boolean {
  return trial === 1
}

async function sendRows(data: ExperimentData, rows: readonly ExperimentRow[], options: ReportLaterOptions): Promise<ReportLaterOutcome> {
  const { reportTimeoutMs = 60_000, apiKey, serverUrl, tracerOptions } = options
  // Trials of one row share its index; here each row has one of its own, which the server does not see.
  const kept = new Map(rows.entries())
  const replay: AnyEvaluateOptions = {
    ...given({ apiKey, serverUrl, tracerOptions }),
    runId: data.runId,
    name: data.name,
    reportTimeoutMs,
    dataset: [],
    git: false,
    function: Object.defineProperty((_: never, { index }: { index: number }) => replayRow(kept.get(index)), 'name', {
      value: data.functionName,
    }),
    evaluators: Object.fromEntries(data.evaluators.map(({ name }) => [name, replayScore(name, kept)])),
  }
  const experiment = await openExperiment(replay, new Stop())
  if (!experiment.isRecorded) throw new HoneyHiveError('EXPERIMENT', 'reportResult needs an API key. Set apiKey or HH_API_KEY.')
  await runPool(kept, async ([index, { datapointId, trial, inputs, groundTruth }]) => {
    await experiment.run({ index, datapointId, raw: { inputs, groundTruth }, ...(trial === undefined ? {} : { trial }) })
  })
  const { unreported, warnings } = await experiment.finish(data)
  return { runId: experiment.runId, reported: rows.length - unreported.length, unreported, warnings }
}

function replayRow(row: ExperimentRow | undefined): unknown {
  if (row?.error !== undefined) throw toThrown(row.error)
  return row?.outputs
}

function replayScore(name: string, rows: ReadonlyMap<number, ExperimentRow>): EvaluatorFunction {
  return (_outputs, _inputs, _groundTruth, { index }) => {
    const row = rows.get(index)
    const failure = row === undefined ? undefined : entryOf(row.evaluatorErrors, name)
    if (failure !== undefined) throw new Error(failure)
    const score = row === undefined ? undefined : entryOf(row.scores, name)
    if (row === undefined || score === undefined) return undefined
    const prefix = `${name}_`
    const extras = Object.entries(row.metrics).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    )
    return { ...Object.fromEntries(extras), score }
  }
}

import { HoneyHiveConfigError } from '../../errors.js'
import { takeSnapshot } from '../../values/snapshot.js'
import { type AnyEvaluateOptions, checkDefinition, withoutNulls } from '../check-options.js'
import { rowKey, type SourceRow } from '../dataset.js'
import { fromExact, toExact } from '../exact.js'
import type { Experiment } from '../experiment.js'
import { createStopSwitch } from '../interrupt.js'
import { parseRow, readJournal, writeRow } from '../journal.js'
import { keepAliveDuring } from '../keep-alive.js'
import { openExperiment } from '../open-experiment.js'
import type { EvaluateOptions } from '../options.js'
import { createProgress, type ProgressState } from '../progress.js'
import type { ExperimentResult } from '../result.js'
import { findRowDamage } from '../result-data.js'
import { Stop } from '../stop.js'
import type { DatapointInput, EvaluatorSet, ExperimentRow, OutputUntilInferred, ScoresOf } from '../types.js'
import type { QueueMessage, RowQueue } from './row-queue.js'

/** What coordinator and workers of one run share: the options of `evaluate`, with the id of the run. */
export type SpreadOptions<Row extends DatapointInput, Output, E extends EvaluatorSet> = EvaluateOptions<Row, Output, E> & {
  readonly runId: string
}

/** Rows added with one request. */
const BATCH = 500
/** Results taken at the same time; each is written to the journal before it is done. */
const RESULTS_AT_ONCE = 50

/**
 * Puts the rows of an experiment into a queue and gathers what workers make of them: every row counts once, whatever is
 * delivered twice. With `journal` a coordinator that died can be started again: rows that are in the journal are taken from
 * there, the others are still in the queue.
 *
 * @throws as `evaluate` does; HoneyHiveConfigError when a row has no exact form that a queue could carry
 */
export async function coordinateRows<Row extends DatapointInput, const E extends EvaluatorSet, Output = OutputUntilInferred>(
  options: SpreadOptions<Row, Output, E>,
  queue: RowQueue,
): Promise<ExperimentResult<Row, Output, ScoresOf<E>>> {
  // Rows are opaque on their way through the queue.
  const result = await keepAliveDuring('coordinateRows()', () => coordinate(withoutNulls(options as unknown as AnyEvaluateOptions), queue))
  return result as unknown as ExperimentResult<Row, Output, ScoresOf<E>>
}

async function coordinate(options: AnyEvaluateOptions, queue: RowQueue): Promise<ExperimentResult> {
  checkDefinition(options)
  const stop = createStopSwitch(options.signal, options.handleSignals ?? true)
  try {
    const experiment = await openExperiment(options, stop.stop)
    await gather(experiment, options, queue, stop.stop)
    const result = await experiment.finish()
    if (options.printResults ?? true) result.printTable()
    return result
  } finally {
    await stop.release()
  }
}

async function gather(experiment: Experiment, options: AnyEvaluateOptions, queue: RowQueue, stop: Stop): Promise<void> {
  const known = options.journal === undefined ? undefined : await readJournal(options.journal, experiment.runId)
  const display = (options.progress ?? true) ? createProgress(experiment.name) : undefined
  const all = new AbortController()
  const release = stop.onStop(() => all.abort())
  let total: number | undefined
  const state = (): ProgressState => ({ ...experiment.counts, total, elapsedMs: experiment.elapsedMs })
  const check = (): void => {
    display?.update(state())
    if (total !== undefined && experiment.counts.done >= total) all.abort()
  }
  const consumed = queue.results.consume(
    async ({ body }) => {
      const row = parseRow(String(body))
      if (row !== undefined) await experiment.record(row)
      check()
    },
    { concurrency: RESULTS_AT_ONCE, signal: all.signal },
  )
  try {
    total = await sendRows(experiment, queue, known?.rows ?? new Map<string, ExperimentRow>(), stop)
    check()
  } catch (error) {
    all.abort()
    await consumed
    throw error
  }
  await consumed
  release()
  display?.finish(state())
}

async function sendRows(experiment: Experiment, queue: RowQueue, known: ReadonlyMap<string, ExperimentRow>, stop: Stop): Promise<number> {
  let total = 0
  let batch: QueueMessage[] = []
  for await (const row of experiment.rows()) {
    if (stop.isStopped) break
    total += 1
    const earlier = known.get(rowKey(row))
    if (earlier !== undefined && isWhole(earlier) && !experiment.isEdited(earlier, row)) {
      experiment.take({ ...earlier, index: row.index })
      continue
    }
    batch.push(toMessage(row))
    if (batch.length < BATCH) continue
    await queue.rows.send(batch)
    batch = []
  }
  if (batch.length > 0) await queue.rows.send(batch)
  return total
}

/** Whether a row of the journal can be taken over; one whose outputs it could not hold, or that another hand changed, runs again. */
function isWhole(row: ExperimentRow): boolean {
  return row.status !== 'cancelled' && findRowDamage(row) === undefined
}

function toMessage(row: SourceRow): QueueMessage {
  const raw = toExact(row.raw)
  if (raw === undefined) {
    const message = `Row ${row.index} holds something that cannot go through a queue, such as a function or an instance of a class.`
    throw new HoneyHiveConfigError([{ option: 'dataset', message }], 'coordinateRows')
  }
  return { key: rowKey(row), body: { ...row, raw } }
}

/** Settings of {@link runRowWorker}. */
export interface WorkerOptions {
  /** Rows at the same time. @defaultValue `maxConcurrency` of the options, or 10 */
  readonly concurrency?: number
  /** Stops taking rows; those under way are finished. */
  readonly signal: AbortSignal
}

/**
 * Runs rows from a queue until `signal` aborts. A row is done when its result is stored, and what it recorded is with the
 * server; a worker that dies before leaves it to another.
 *
 * @throws as `evaluate` does
 */
export function runRowWorker<Row extends DatapointInput, const E extends EvaluatorSet, Output = OutputUntilInferred>(
  options: SpreadOptions<Row, Output, E>,
  queue: RowQueue,
  worker: WorkerOptions,
): Promise<void> {
  return keepAliveDuring('runRowWorker()', () => work(options as unknown as AnyEvaluateOptions, queue, worker))
}

async function work(options: AnyEvaluateOptions, queue: RowQueue, { concurrency, signal }: WorkerOptions): Promise<void> {
  checkDefinition(options)
  // The rows come from the queue, and the coordinator writes the journal and compares.
  const { journal: _journal, baseline: _baseline, baselineRunId: _baselineRunId, failOnRegression: _fail, datasetId: _id, ...own } = options
  const experiment = await openExperiment({ ...own, dataset: own.dataset ?? [] }, new Stop(), queue.turns)
  await queue.rows.consume(
    async ({ key, body }) => {
      const row = toSendable(await experiment.run(readMessage(body)))
      if (experiment.isRecorded && !(await experiment.flush())) throw new Error('the row did not reach the server')
      await queue.results.send([{ key, body: writeRow(row) }])
    },
    { concurrency: concurrency ?? options.maxConcurrency ?? 10, signal },
  )
  await experiment.release()
}

// Outputs that have no exact form, such as instances of classes, arrive as a report would show them.
function toSendable(row: ExperimentRow): ExperimentRow {
  return toExact(row.outputs) === undefined ? { ...row, outputs: takeSnapshot(row.outputs, MAX_OUTPUT_BYTES).value } : row
}

/** As much of one value as a span may hold. */
const MAX_OUTPUT_BYTES = 10_485_760

function readMessage(body: unknown): SourceRow {
  // Written by `toMessage` of the same version.
  const row = body as SourceRow
  return { ...row, raw: fromExact(row.raw)?.value }
}

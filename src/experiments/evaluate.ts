import type { AnyEvaluateOptions } from './check-options.js'
import type { SourceRow } from './dataset.js'
import type { Experiment } from './experiment.js'
import { createStopSwitch } from './interrupt.js'
import { keepAliveDuring } from './keep-alive.js'
import { openExperiment } from './open-experiment.js'
import type { EvaluateOptions } from './options.js'
import { runPool } from './pool.js'
import { createProgress, type ProgressState } from './progress.js'
import type { ExperimentResult } from './result.js'
import { isThenable, type Stop } from './stop.js'
import type { DatapointInput, EvaluatorSet, OutputUntilInferred, ScoresOf } from './types.js'

/**
 * Runs a function over a dataset, scores each row and sums it up. Every row has a session of its own, so that whatever the
 * function records is found under that row and nowhere else.
 *
 * With an API key the run appears in HoneyHive; without one everything stays in this process and the summary is the same.
 * A failing row, evaluator or request is part of the result and never ends the experiment.
 *
 * @throws HoneyHiveConfigError for wrong options, before anything has run
 * @throws HoneyHiveError when the key is refused (`HTTP_STATUS`), or a hosted dataset cannot be opened
 */
export async function evaluate<Row extends DatapointInput, const E extends EvaluatorSet, Output = OutputUntilInferred>(
  options: EvaluateOptions<Row, Output, E>,
): Promise<ExperimentResult<Row, Output, ScoresOf<E>>> {
  // Inside, rows are opaque; the types that came in with the options go out with the result.
  const result = await run(options as unknown as AnyEvaluateOptions)
  return result as unknown as ExperimentResult<Row, Output, ScoresOf<E>>
}

async function run(options: AnyEvaluateOptions): Promise<ExperimentResult> {
  const stop = createStopSwitch(options?.signal, options?.handleSignals ?? true)
  try {
    const result = await keepAliveDuring('evaluate()', async () => runRows(await openExperiment(options, stop.stop), options, stop.stop))
    if (options.printResults ?? true) result.printTable()
    return result
  } finally {
    await stop.release()
  }
}

async function runRows(experiment: Experiment, options: AnyEvaluateOptions, stop: Stop): Promise<ExperimentResult> {
  const { total } = experiment
  const display = (options.progress ?? true) ? createProgress(experiment.name) : undefined
  const state = (): ProgressState => ({ ...experiment.counts, total, elapsedMs: experiment.elapsedMs })
  try {
    const runAndTell = async (source: SourceRow): Promise<void> => {
      const row = await experiment.run(source)
      display?.update(state())
      if (options.onProgress !== undefined) tellProgress(experiment, options, { ...state(), runId: experiment.runId, row })
    }
    const isSilent = display === undefined && options.onProgress === undefined
    const work = isSilent ? (source: SourceRow) => experiment.run(source) : runAndTell
    await runPool(experiment.rows(), work, { limit: options.maxConcurrency ?? 10, stop })
  } catch (error) {
    experiment.failDataset(error)
  }
  display?.finish(state())
  return experiment.finish()
}

function tellProgress(
  experiment: Experiment,
  { onProgress }: AnyEvaluateOptions,
  progress: Parameters<NonNullable<AnyEvaluateOptions['onProgress']>>[0],
): void {
  const warn = (error: unknown): void => experiment.warn(`onProgress threw: ${experiment.describe(error)}`)
  try {
    const told: unknown = onProgress?.(progress)
    // A rejection that nobody waits for ends the process.
    if (isThenable(told)) Promise.resolve(told).catch(warn)
  } catch (error) {
    warn(error)
  }
}

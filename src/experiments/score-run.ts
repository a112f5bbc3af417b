import { HoneyHiveError } from '../errors.js'
import type { AnyEvaluateOptions } from './check-options.js'
import { evaluate } from './evaluate.js'
import { toThrown } from './failures.js'
import type { EvaluateOptions } from './options.js'
import type { ExperimentData, ExperimentResult } from './result.js'
import type { DatapointInput, EvaluatorSet, Evaluators, GroundTruthOf, InputsOf, ScoresOf, Settled } from './types.js'

/** Settings of {@link scoreRun}: those of `evaluate` without what the finished run settles. */
export type ScoreRunOptions<Row extends DatapointInput, Output, E extends EvaluatorSet> = Omit<
  EvaluateOptions<Row, Output, E>,
  'dataset' | 'datasetId' | 'function' | 'parse' | 'evaluators' | 'trials' | 'cache' | 'rowLimits'
> & { readonly evaluators: E & Evaluators<Settled<Output>, InputsOf<Row>, GroundTruthOf<Row>> }

/**
 * Scores a finished run again, with other evaluators or better ones: the function does not run, each row has the outputs it
 * had, and one that failed fails again. The result is a run of its own.
 *
 * @throws as `evaluate` does; HoneyHiveError `EXPERIMENT` when rows of the run are not in its result
 */
export async function scoreRun<Row extends DatapointInput, Output, Scores, const E extends EvaluatorSet>(
  run: Pick<ExperimentData<Row, Output, Scores>, 'rows' | 'name' | 'functionName'> & { readonly omittedRows?: number },
  options: ScoreRunOptions<Row, Output, E>,
): Promise<ExperimentResult<Row, Output, ScoresOf<E>>> {
  const { omittedRows = 0 } = run
  if (omittedRows > 0) {
    throw new HoneyHiveError('EXPERIMENT', `${omittedRows} rows of the run are not in its result. Raise maxRows where it is made.`)
  }
  const dataset = run.rows.map(({ datapointId, trial, inputs, groundTruth, outputs, error }) => ({
    id: trial === undefined ? datapointId : `${datapointId}/${trial}`,
    inputs,
    groundTruth,
    finished: { outputs, error },
  }))
  const replay = ({ finished }: (typeof dataset)[number]): unknown => {
    if (finished.error !== undefined) throw toThrown(finished.error)
    return finished.outputs
  }
  // The rows are opaque on their way through; their types come back with the result.
  const replayed = {
    name: `${run.name}, scored again`,
    ...options,
    dataset,
    function: Object.defineProperty(replay, 'name', { value: run.functionName }),
  } as unknown as AnyEvaluateOptions
  const result = await evaluate(replayed as never)
  return result as unknown as ExperimentResult<Row, Output, ScoresOf<E>>
}

import { type AnyEvaluateOptions, checkDefinition } from './check-options.js'
import { evaluate } from './evaluate.js'
import type { Experiment } from './experiment.js'
import { openExperiment } from './open-experiment.js'
import type { EvaluateOptions, ExperimentSettings } from './options.js'
import type { ExperimentResult } from './result.js'
import { Stop } from './stop.js'
import type { DatapointInput, EvaluatorSet, OutputUntilInferred, ScoresOf } from './types.js'

/** An experiment that has not run yet; what an evaluation file exports. */
export interface ExperimentDefinition<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, never>>> {
  readonly isExperimentDefinition: true
  readonly name: string | undefined
  /** Runs it; `settings` win over those of the definition. */
  run(settings?: ExperimentSettings): Promise<ExperimentResult<Row, Output, Scores>>
  /** Its options, for runners that go row by row. */
  readonly options: AnyEvaluateOptions
}

/** Describes an experiment so that `runEvalFiles`, the command line or a test file can run it. Nothing runs yet. @throws HoneyHiveConfigError for wrong options */
export function defineExperiment<Row extends DatapointInput, const E extends EvaluatorSet, Output = OutputUntilInferred>(
  options: EvaluateOptions<Row, Output, E>,
): ExperimentDefinition<Row, Output, ScoresOf<E>> {
  checkDefinition(options as unknown as AnyEvaluateOptions)
  return {
    isExperimentDefinition: true,
    name: options.name,
    run: (settings = {}) => evaluate({ ...options, ...settings }),
    // Runners treat rows as opaque values.
    options: options as unknown as AnyEvaluateOptions,
  }
}

/** True for what {@link defineExperiment} returns, also from another copy of this package. */
export function isExperimentDefinition(value: unknown): value is ExperimentDefinition {
  return typeof value === 'object' && value !== null && 'isExperimentDefinition' in value && value.isExperimentDefinition === true
}

/**
 * Opens an experiment whose rows arrive one by one, e.g. from a queue: run each with `runDatapoint`, then `finish`.
 * The dataset only names the rows; nothing of it runs by itself.
 *
 * @throws as `evaluate` does
 */
export function createExperiment<Row extends DatapointInput, const E extends EvaluatorSet, Output = OutputUntilInferred>(
  options: EvaluateOptions<Row, Output, E>,
): Promise<Experiment> {
  return openExperiment(options as unknown as AnyEvaluateOptions, options.signal === undefined ? new Stop() : Stop.from(options.signal))
}

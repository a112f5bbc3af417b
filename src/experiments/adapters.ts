import type { Datapoint, DatapointInput, ExperimentFunction, GroundTruthOf, InputsOf, RowContext } from './types.js'

/**
 * Lets a function that takes `(inputs, groundTruth)` stand where `evaluate` calls `(datapoint, context)`.
 *
 * @example
 * ```ts
 * await evaluate({ function: fromInputs(answer), dataset })   // answer(inputs, groundTruth, context)
 * ```
 */
export function fromInputs<Row extends DatapointInput, Output>(
  fn: (inputs: InputsOf<Row>, groundTruth: GroundTruthOf<Row>, context: RowContext) => Output | PromiseLike<Output>,
): ExperimentFunction<Row, Output> {
  const adapted = (datapoint: Datapoint<Row>, context: RowContext): Output | PromiseLike<Output> =>
    fn(datapoint.inputs, datapoint.groundTruth, context)
  // The run and the chain span are named after the user's function.
  return Object.defineProperty(adapted, 'name', { value: fn.name })
}

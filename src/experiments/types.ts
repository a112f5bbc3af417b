import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { RowTrace } from './row-trace.js'

/** One row as a dataset gives it. Other fields are kept and reach the function. */
export interface DatapointInput {
  /** Own id of the row; sent as `EXT-<id>`. Without one it is derived from the contents. */
  readonly id?: string | number | undefined
  /** What the function works on. */
  readonly inputs?: unknown
  /** What the function should give; reaches the evaluators and the session's feedback. */
  readonly groundTruth?: unknown
  /** The same in the spelling of the API and of the Python SDK; `groundTruth` wins when both are given. */
  readonly ground_truth?: unknown
}

/** Type of the inputs of a row. */
export type InputsOf<Row> = 'inputs' extends keyof Row ? Row['inputs'] : Record<string, unknown>
/** Type of the ground truth of a row, whichever way it is spelt. */
export type GroundTruthOf<Row> = 'groundTruth' extends keyof Row
  ? Row['groundTruth']
  : 'ground_truth' extends keyof Row
    ? Row['ground_truth']
    : undefined

/** `T`, as which no argument is read: others have settled it. TypeScript's own `NoInfer` would need 5.4. */
export type Settled<T> = [T][T extends unknown ? 0 : never]

/** One row as the function under test receives it: everything the dataset gave, with the names settled. */
export type Datapoint<Row = DatapointInput> = Omit<Row, 'inputs' | 'groundTruth'> & {
  /** Id that the run uses for this row. */
  readonly datapointId: string
  readonly inputs: InputsOf<Row>
  readonly groundTruth: GroundTruthOf<Row>
}

/** What the function under test receives beside the datapoint. */
export interface RowContext {
  /** Records in this row's session; `@trace` functions without a tracer of their own use it too. */
  readonly tracer: HoneyHiveTracer
  /** Aborts at the row's time limit, at Ctrl-C and with the `signal` option. */
  readonly signal: AbortSignal
  /** Position of the row in the dataset, from 0. */
  readonly index: number
  /** The trial this is, from 1; above 1 only with `trials`. */
  readonly trial: number
  /** The attempt this is, from 1; above 1 only with `retries`. */
  readonly attempt: number
  /** Waits for a turn under `rateLimit`, for functions that make several calls. @defaultValue the key `'default'` */
  readonly takeTurn: (key?: string) => Promise<void>
}

/**
 * Function under test: a value, a promise, or a stream (generator, async iterable, web or Node stream), which is read to its
 * end and joined when it is text.
 */
export type ExperimentFunction<Row, Output> = (datapoint: Datapoint<Row>, context: RowContext) => Output | PromiseLike<Output>

/** What one score may be. Numbers and booleans are compared between runs, text counts as a category. */
export type ScoreValue = number | boolean | string

/** A score with its reason; other entries that are scalars become metrics of their own, named `<evaluator>_<entry>`. A number that is not finite is an error. */
export interface ScoreDetails<S = ScoreValue> {
  readonly score: S
  readonly explanation?: unknown
  readonly [extra: string]: unknown
}

/** What an evaluator may give back; `undefined` and `null` mean "no score for this row". */
export type ScoreResult = ScoreValue | bigint | ScoreDetails | readonly [ScoreValue] | null | undefined

/** What an evaluator receives beside outputs, inputs and ground truth. */
export interface EvaluatorContext {
  /** The spans the row has recorded so far, as a tree. */
  readonly trace: RowTrace
  readonly tracer: HoneyHiveTracer
  /** Aborts with the row, and at the evaluator's own time limit. */
  readonly signal: AbortSignal
  readonly index: number
  readonly datapointId: string
  readonly runId: string
  /** Waits for a turn under `rateLimit`. @defaultValue the key `'default'` */
  readonly takeTurn: (key?: string) => Promise<void>
}

/** An evaluator as a plain function; always called with all four arguments, labelled row or not. */
export type EvaluatorFunction<Outputs = unknown, Inputs = unknown, GroundTruth = unknown, Result = unknown> = (
  outputs: Outputs,
  inputs: Inputs,
  groundTruth: GroundTruth,
  context: EvaluatorContext,
) => Result

/** An evaluator as an object or an instance of a class; `name` defaults to the class's name. */
export interface EvaluatorObject<Outputs = unknown, Inputs = unknown, GroundTruth = unknown, Result = unknown> {
  readonly name?: string
  /** Share in the weighted average of the run. @defaultValue 1 */
  readonly weight?: number
  /** Less of it is better, wherever runs are compared and bounds are checked. @defaultValue false */
  readonly lowerIsBetter?: boolean
  /** Score of a row that failed. @defaultValue the worst, see `evaluator` */
  readonly failedScore?: number
  /** Lowest score that passes, with `lowerIsBetter` the highest one, or a function that decides. @defaultValue only booleans decide */
  readonly threshold?: number | ((score: ScoreValue, groundTruth: GroundTruth) => boolean)
  /** Further attempts after the evaluation failed. @defaultValue `retries` of the run */
  readonly retries?: number
  /** Longest time of one attempt, in milliseconds. @defaultValue `timeoutMs` of the run */
  readonly timeoutMs?: number
  /** Key of the run's `rateLimit` that each attempt takes a turn of. @defaultValue none */
  readonly rateLimit?: string
  /** Scores one row: a number, a boolean, text, or an object with `score`; may be async. */
  evaluate(outputs: Outputs, inputs: Inputs, groundTruth: GroundTruth, context: EvaluatorContext): Result
}

/** A named evaluator made by `evaluator()`; calling it gives the score itself. */
export interface Evaluator<Name extends string = string, Outputs = unknown, Inputs = unknown, GroundTruth = unknown, Result = unknown> {
  (outputs: Outputs, inputs: Inputs, groundTruth: GroundTruth, context?: EvaluatorContext): Promise<Result>
  readonly evaluatorName: Name
  /** Share in the weighted average of the run. */
  readonly weight: number
  /** Less of it is better. */
  readonly lowerIsBetter?: boolean | undefined
  /** What a row that failed counts as. */
  readonly failedScore?: number | undefined
  /** Further attempts after the evaluation failed. */
  readonly retries?: number | undefined
  /** Longest time of one attempt, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Key of the run's `rateLimit`. */
  readonly rateLimit?: string | undefined
  /** Runs before the first row; what it throws refuses the run. */
  readonly prepare?: (() => Promise<void>) | undefined
  /** Whether a score passes; absent when this evaluator does not decide. */
  readonly isPassing?: ((score: ScoreValue, groundTruth: unknown) => boolean) | undefined
}

/** Anything that scores a row; what `evaluator()` makes is such a function too. */
export type AnyEvaluator<Outputs, Inputs, GroundTruth> =
  | EvaluatorFunction<Outputs, Inputs, GroundTruth>
  | EvaluatorObject<Outputs, Inputs, GroundTruth>

/** A list of evaluators, or an object whose keys name them. */
export type Evaluators<Outputs, Inputs, GroundTruth> =
  | readonly AnyEvaluator<Outputs, Inputs, GroundTruth>[]
  | Readonly<Record<string, AnyEvaluator<Outputs, Inputs, GroundTruth>>>

/**
 * What the outputs count as until the type of the function is known: evaluators made elsewhere are held against it first,
 * and must fit for a moment whatever they take.
 */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` refuses them too early, `never` blames the function for every other mistake
export type OutputUntilInferred = any

/** What a set of evaluators is inferred as, before it is held against {@link Evaluators}. */
export type EvaluatorSet = readonly unknown[] | Readonly<Record<string, unknown>>

type NameOf<E> = E extends { readonly evaluatorName: infer Name extends string } ? Name : string
type Unwrapped<R> = R extends { readonly score: infer S } ? S : R extends readonly [infer S] ? S : R
type ScoreOf<E> = E extends (...args: never[]) => infer R
  ? Unwrapped<Awaited<R>>
  : E extends { evaluate(...args: never[]): infer R }
    ? Unwrapped<Awaited<R>>
    : ScoreValue

/** Score names and types of a set of evaluators; a plain function's name is not known to the type system. */
export type ScoresOf<E> = E extends readonly unknown[]
  ? { readonly [Item in E[number] as NameOf<Item>]: ScoreOf<Item> }
  : { readonly [Name in keyof E & string]: ScoreOf<E[Name]> }

/** What became of a row. `cancelled`: it was running when the experiment was stopped. */
export type RowStatus = 'success' | 'failed' | 'cancelled'

/** Why a row failed. */
export interface RowError {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** Tokens as the model spans of a row reported them. */
export interface TokenUsage {
  readonly prompt: number
  readonly completion: number
  readonly total: number
}

/** What the model spans of a row cost. */
export interface RowUsage {
  readonly tokens: TokenUsage
  readonly cost: number
}

/** One row of the result. */
export interface ExperimentRow<Row = DatapointInput, Output = unknown, Scores = Readonly<Record<string, ScoreValue>>> {
  readonly index: number
  readonly datapointId: string
  /** Which of the `trials` this is, from 1; absent when each row runs once. */
  readonly trial?: number
  readonly sessionId: string
  readonly inputs: InputsOf<Row>
  readonly groundTruth: GroundTruthOf<Row>
  /** `undefined` when the function failed. */
  readonly outputs: Output | undefined
  readonly status: RowStatus
  readonly error?: RowError
  /** Score of each evaluator that gave one. */
  readonly scores: { readonly [Name in keyof Scores]?: Scores[Name] }
  /** Everything written on the row's span: scores, `<name>_explanation` and extras. */
  readonly metrics: Readonly<Record<string, ScoreValue>>
  /** Whether each score passed, for the evaluators that decide. */
  readonly decisions: Readonly<Record<string, boolean>>
  /** Evaluators that failed on this row, with the reason. */
  readonly evaluatorErrors: Readonly<Record<string, string>>
  /** The function succeeded, no evaluator failed, and no deciding score is below its threshold. */
  readonly passed: boolean
  /** Time of the function in milliseconds, the last attempt only, evaluators excluded. */
  readonly durationMs: number
  readonly attempts: number
  /** US dollars, summed over the model spans of the function. */
  readonly cost: number
  readonly tokens: TokenUsage
  /** What the row's evaluators spent. */
  readonly judges: RowUsage
  /** Where the outputs come from. */
  readonly origin: 'run' | 'cache' | 'resumed'
}

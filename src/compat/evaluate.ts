import { NativePromise, toJsonText, unixMs } from '../builtins.js'
import { evaluate as runExperiment } from '../experiments/evaluate.js'
import { evaluator as createEvaluator } from '../experiments/evaluator.js'
import { processDiagnostics } from '../tracer/registry.js'

// biome-ignore lint/suspicious/noExplicitAny: the declarations of the old package, which programs were compiled against
type Dict = Record<string, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyFunction = (...args: any[]) => any

/** @deprecated Use `EvaluateOptions` of `honeyhive-tracer/experiments`. */
export interface EvaluationConfig {
  readonly apiKey?: string | undefined
  readonly project?: string | undefined
  readonly name?: string | undefined
  readonly suite?: string | undefined
  readonly function?: AnyFunction | undefined
  readonly evaluators?: readonly AnyFunction[] | undefined
  /** Rows of `inputs` and `ground_truths`. */
  readonly dataset?: readonly Dict[] | undefined
  readonly datasetId?: string | undefined
  readonly maxWorkers?: number | undefined
  readonly runConcurrently?: boolean | undefined
  readonly serverUrl?: string | undefined
  readonly verbose?: boolean | undefined
  readonly disableHttpTracing?: boolean | undefined
  readonly metadata?: Dict | undefined
  /** @deprecated Not taken: give instances in `instrumentations` of `evaluate` of `honeyhive-tracer/experiments`. */
  readonly instrumentModules?: Dict | undefined
}

/** @deprecated Use `ExperimentResult` of `honeyhive-tracer/experiments`. */
export interface EvaluationResult {
  readonly runId: string
  readonly datasetId: string | undefined
  readonly sessionIds: string[]
  readonly status: string
  readonly suite: string
  readonly stats: Dict
  /** Each value of each row as JSON, by `input`, `output`, `metrics`, `metadata` and `ground_truth`. */
  readonly data: Dict
}

/** @deprecated Use `EvaluatorOptions` of `honeyhive-tracer/experiments`. */
export interface CompatEvaluatorOptions {
  readonly name?: string
  /** How often it runs for each row; what comes of it is averaged. @defaultValue 1 */
  readonly repeat?: number
  readonly weight?: number
  readonly asserts?: boolean
  readonly target?: string
  readonly transform?: string
  readonly aggregate?: string
  readonly checker?: string
}

/**
 * Runs a function over a dataset and scores it. A row whose function throws is a failed row of the result; the process goes on.
 *
 * @deprecated Write `evaluate({ function: ({ inputs }) => …, dataset, evaluators })` of `honeyhive-tracer/experiments`, whose rows have
 * `groundTruth`.
 */
export async function evaluate(config: EvaluationConfig): Promise<EvaluationResult | undefined> {
  const { function: task, dataset, evaluators = [], maxWorkers = 10, runConcurrently = true, suite = 'default', metadata = {} } = config
  if (config.instrumentModules !== undefined)
    processDiagnostics.warn(
      'compat-evaluate',
      'evaluate: "instrumentModules" is not taken. Give instances in "instrumentations" of honeyhive-tracer/experiments.',
    )
  const startedMs = unixMs()
  const result = await runExperiment({
    function: (row) => task?.(row.inputs, row.groundTruth),
    ...(dataset === undefined ? { datasetId: config.datasetId ?? '' } : { dataset: dataset.map(toRow) }),
    evaluators: evaluators.map(toEvaluator),
    maxConcurrency: runConcurrently ? maxWorkers : 1,
    metadata,
    ...(config.name === undefined ? {} : { name: config.name }),
    ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
    ...(config.serverUrl === undefined ? {} : { serverUrl: config.serverUrl }),
    ...(config.project === undefined ? {} : { tracerOptions: { project: config.project } }),
  })
  const { rows } = result
  const list = (read: (row: (typeof rows)[number]) => unknown): string[] => rows.map((row) => toJsonText(read(row) ?? null))
  return {
    runId: result.runId,
    datasetId: result.datasetId,
    sessionIds: rows.map(({ sessionId }) => sessionId),
    status: result.status,
    suite,
    stats: { duration_s: (unixMs() - startedMs) / 1_000 },
    data: {
      input: list((row) => row.inputs),
      output: list((row) => row.outputs),
      metrics: list((row) => row.metrics),
      metadata: list(() => ({})),
      ground_truth: list((row) => row.groundTruth ?? {}),
    },
  }
}

/** A row of the old package says `ground_truths`; one without `inputs` is all inputs. */
function toRow(row: Dict): { inputs: Dict; groundTruth: unknown } {
  const { inputs, ground_truths: truths, ground_truth: truth, groundTruth } = row
  return { inputs: inputs ?? row, groundTruth: truths ?? truth ?? groundTruth ?? {} }
}

function toEvaluator(fn: AnyFunction, index: number): ReturnType<typeof createEvaluator> {
  const name = fn.name === '' ? `evaluator_${index + 1}` : fn.name
  return createEvaluator(name, async (outputs: unknown, inputs: unknown, truth: unknown) => toScore(await fn(outputs, inputs, truth)))
}

/** What `repeat` gave is a list. */
function toScore(value: unknown): never {
  const numbers = Array.isArray(value) ? value.map(Number) : []
  const isList = numbers.length > 0 && numbers.every(Number.isFinite)
  // Every kind of score is possible here, and is checked where it is recorded.
  return (isList ? numbers.reduce((sum, item) => sum + item, 0) / numbers.length : value) as never
}

/**
 * An evaluator that may run several times for each row.
 *
 * @returns what `fn` gives; with `repeat` above 1 a list.
 * @deprecated Write `evaluator(name, fn)` of `honeyhive-tracer/experiments`, and `trials` of `evaluate` for repetitions.
 */
export function evaluator<O, I, G, R>(
  fn: (outputs: O, inputs: I, groundTruth: G) => Promise<R> | R,
  { name = fn.name, repeat = 1 }: CompatEvaluatorOptions = {},
): (outputs?: O, inputs?: I, groundTruth?: G) => R | Promise<R> | R[] | Promise<R[]> {
  function run(outputs?: O, inputs?: I, groundTruth?: G): R | Promise<R> | R[] | Promise<R[]> {
    const once = (): Promise<R> | R => fn(outputs as O, inputs as I, groundTruth as G)
    const first = once()
    if (repeat <= 1) return first
    const all = [first, ...Array.from({ length: repeat - 1 }, once)]
    return all.some((item) => item instanceof Promise) ? NativePromise.all(all) : (all as R[])
  }
  return Object.defineProperty(run, 'name', { value: name, configurable: true })
}

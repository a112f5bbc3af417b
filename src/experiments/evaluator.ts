import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { readOptions, toProblem } from '../options/check.js'
import { toShown } from '../options/shown.js'
import { functionSpec, isBoolean, isFilledText, isFunction, isText, isWhole, type OptionSpec } from '../options/spec.js'
import { given } from './known-options.js'
import { createRowTrace } from './row-trace.js'
import { parseScore, type Score, toNumber } from './score.js'
import type {
  AnyEvaluator,
  Evaluator,
  EvaluatorContext,
  EvaluatorFunction,
  EvaluatorObject,
  Evaluators,
  ScoreDetails,
  ScoreValue,
} from './types.js'

/** Settings of one evaluator. */
export interface EvaluatorOptions<Outputs, Inputs, GroundTruth, Raw, Result = Raw> {
  /** Scores one row. */
  readonly evaluate: EvaluatorFunction<Outputs, Inputs, GroundTruth, Raw | PromiseLike<Raw>>
  /** Share in the weighted average of the run. @defaultValue 1 */
  readonly weight?: number
  /** Further attempts after the evaluation failed. @defaultValue `retries` of the run */
  readonly retries?: number
  /** Longest time of one attempt, in milliseconds. @defaultValue `timeoutMs` of the run */
  readonly timeoutMs?: number
  /** Key of the run's `rateLimit` that each attempt takes a turn of. @defaultValue none */
  readonly rateLimit?: string
  /** Times the row is scored, for a judge that does not always agree with itself; see `aggregate`. @defaultValue 1 */
  readonly repeat?: number
  /** Changes each single result before `aggregate`. @defaultValue nothing changes */
  readonly transform?: (result: Raw) => Result | PromiseLike<Result>
  /**
   * Makes one result of several.
   *
   * @defaultValue the mean of numbers, the most frequent text, what most booleans say, in doubt what does not pass, so that the row is
   * decided as without `repeat`; with a `threshold` the share of the booleans that are true, which is held against it
   */
  readonly aggregate?: (results: readonly Result[]) => Result | PromiseLike<Result>
  /** Less of it is better: for the comparison with other runs, for thresholds and for the colours of reports. @defaultValue false */
  readonly lowerIsBetter?: boolean
  /**
   * Score of a row whose function, or whose evaluation, failed.
   *
   * @defaultValue the worst: 0 or the lowest score seen; with `lowerIsBetter` 1 or the highest score seen
   */
  readonly failedScore?: number
  /**
   * Lowest score that passes, with `lowerIsBetter` the highest one, or a function that decides.
   *
   * @defaultValue a boolean score decides for itself, others do not
   */
  readonly threshold?: number | ((score: ScoreValue, groundTruth: GroundTruth) => boolean)
}

/**
 * Names a function so that it can score rows, and gives it a type that knows its name and its result.
 *
 * The result can be called directly and gives the score, exactly as the function returns it.
 *
 * @throws HoneyHiveConfigError when the name is blank or a setting is not what it should be; text is never run as code
 */
export function evaluator<const Name extends string, Outputs, Inputs, GroundTruth, Raw>(
  name: Name,
  evaluate: EvaluatorFunction<Outputs, Inputs, GroundTruth, Raw | PromiseLike<Raw>>,
): Evaluator<Name, Outputs, Inputs, GroundTruth, Raw>
export function evaluator<const Name extends string, Outputs, Inputs, GroundTruth, Raw, Result = Raw>(
  name: Name,
  options: EvaluatorOptions<Outputs, Inputs, GroundTruth, Raw, Result>,
): Evaluator<Name, Outputs, Inputs, GroundTruth, Result>
export function evaluator(
  name: string,
  settings: EvaluatorFunction<never, never, never> | EvaluatorOptions<never, never, never, unknown>,
): Evaluator<string, never, never, never> {
  const options: EvaluatorOptions<never, never, never, unknown> = typeof settings === 'object' ? settings : { evaluate: settings }
  checkOptions(name, options)
  const score = async (
    outputs: never,
    inputs: never,
    groundTruth: never,
    context: EvaluatorContext = detachedContext(),
  ): Promise<unknown> => {
    const results = await repeatEvaluation(options, () => options.evaluate(outputs, inputs, groundTruth, context))
    if (options.aggregate !== undefined) return options.aggregate(results)
    return results.length === 1 ? results[0] : aggregateResults(results, options)
  }
  Object.defineProperty(score, 'name', { value: name })
  const { weight = 1, lowerIsBetter = false, failedScore, threshold, retries, timeoutMs, rateLimit } = options
  const isPassing = toDecision(threshold, lowerIsBetter)
  return Object.assign(score, { evaluatorName: name, weight, lowerIsBetter, failedScore, isPassing, retries, timeoutMs, rateLimit })
}

async function repeatEvaluation(options: EvaluatorOptions<never, never, never, unknown>, run: () => unknown): Promise<readonly unknown[]> {
  const one = async (): Promise<unknown> => {
    const result = await run()
    return options.transform === undefined ? result : options.transform(result)
  }
  return Promise.all(Array.from({ length: options.repeat ?? 1 }, one))
}

/**
 * The default way to make one result of several. Booleans stay one, which decides the row, unless a threshold decides: a mean of them
 * would decide nothing.
 */
function aggregateResults(
  results: readonly unknown[],
  { threshold, lowerIsBetter = false }: Pick<EvaluatorOptions<never, never, never, unknown>, 'threshold' | 'lowerIsBetter'>,
): ScoreValue | ScoreDetails | undefined {
  const scores = results.flatMap((result) => {
    const parsed = parseScore(result)
    if (parsed.kind === 'invalid') throw new HoneyHiveError('EXPERIMENT', `One of the repeated evaluations ${parsed.reason}.`)
    return parsed.kind === 'score' ? [parsed.score] : []
  })
  const values = scores.map(({ value }) => value)
  const booleans = values.filter((value) => typeof value === 'boolean')
  if (values.length > 0 && booleans.length === values.length && threshold === undefined)
    return explain(vote(booleans, lowerIsBetter), scores)
  const numbers = values.map(toNumber).filter((value) => value !== undefined)
  if (numbers.length > 0 && numbers.length === values.length) return numbers.reduce((total, value) => total + value, 0) / numbers.length
  return mostFrequent(values)
}

/** What most of them say; in doubt what does not pass. */
function vote(values: readonly boolean[], lowerIsBetter: boolean): boolean {
  const passing = values.filter((value) => value !== lowerIsBetter).length
  return passing > values.length / 2 ? !lowerIsBetter : lowerIsBetter
}

/** A score with the explanation of the first result that said the same. */
function explain(value: boolean, scores: readonly Score[]): boolean | ScoreDetails {
  const explanation = scores.find((score) => score.value === value && score.explanation !== undefined)?.explanation
  return explanation === undefined ? value : { score: value, explanation }
}

function mostFrequent(values: readonly ScoreValue[]): ScoreValue | undefined {
  const counts = new Map<ScoreValue, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce<[ScoreValue | undefined, number]>((best, entry) => (entry[1] > best[1] ? entry : best), [undefined, 0])[0]
}

function toDecision(
  threshold: number | ((score: ScoreValue, groundTruth: never) => boolean) | undefined,
  lowerIsBetter: boolean,
): ((score: ScoreValue, groundTruth: unknown) => boolean) | undefined {
  // The ground truth is the row's; its type was checked where the evaluator met the dataset.
  if (typeof threshold === 'function') return threshold as (score: ScoreValue, groundTruth: unknown) => boolean
  if (threshold === undefined) return undefined
  return (score) => {
    const value = toNumber(score) ?? Number.NaN
    return lowerIsBetter ? value <= threshold : value >= threshold
  }
}

const EVALUATOR_OPTIONS: Readonly<Record<keyof EvaluatorOptions<never, never, never, unknown>, OptionSpec>> = {
  evaluate: { ...functionSpec('Give (outputs, inputs, groundTruth) => the score.'), isRequired: true },
  weight: { accepts: (value) => Number.isFinite(value) && Number(value) >= 0, expected: 'a number not below 0', remedy: 'Give e.g. 1.' },
  retries: { accepts: isWhole(0), expected: 'a whole number not below 0', remedy: 'Give e.g. 2.' },
  timeoutMs: {
    accepts: (value) => Number.isFinite(value) && Number(value) > 0,
    expected: 'a number above 0',
    remedy: 'Give milliseconds, e.g. 30_000.',
  },
  rateLimit: { accepts: isText, expected: 'a key of rateLimit', remedy: "Give one that evaluate's rateLimit has." },
  repeat: { accepts: isWhole(1), expected: 'a whole number above 0', remedy: 'Give e.g. 3.' },
  transform: functionSpec('Give (result) => the changed one; text is never run as code.'),
  aggregate: functionSpec('Give (results) => one of them or a new one; text is never run as code.'),
  lowerIsBetter: { accepts: isBoolean, expected: 'true or false', remedy: 'Give true where less is better.' },
  failedScore: { accepts: Number.isFinite, expected: 'a number', remedy: 'Give e.g. 0.' },
  threshold: {
    accepts: (value) => isFunction(value) || Number.isFinite(value),
    expected: 'a number or a function',
    remedy: 'Give the lowest score that passes, or (score, groundTruth) => boolean.',
  },
}

const NAME = { expected: 'a text that is not blank', remedy: 'Give a name, e.g. "accuracy".' }

function checkOptions(name: string, options: EvaluatorOptions<never, never, never, unknown>): void {
  const problems = isFilledText(name) ? [] : [toProblem('name', NAME, name)]
  readOptions(options, EVALUATOR_OPTIONS, { problems })
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, `evaluator ${toShown(name)}`)
}

/** Context of an evaluator that is called outside an experiment: no spans, nothing to abort. */
function detachedContext(): EvaluatorContext {
  const context: Omit<EvaluatorContext, 'tracer'> = {
    trace: createRowTrace([]),
    signal: new AbortController().signal,
    index: 0,
    datapointId: '',
    runId: '',
    takeTurn: () => Promise.resolve(),
  }
  // There is no tracer outside an experiment; a clear error beats `undefined` when an evaluator wants one.
  return Object.defineProperty(context, 'tracer', {
    enumerable: true,
    get() {
      throw new HoneyHiveError('EXPERIMENT', 'This evaluator needs context.tracer. Call it through evaluate(), or pass a context.')
    },
  }) as EvaluatorContext
}

/** An evaluator in the one form the runner works with. */
export interface NamedEvaluator {
  readonly name: string
  readonly weight: number
  readonly lowerIsBetter: boolean
  readonly failedScore: number | undefined
  readonly retries?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly rateLimit?: string | undefined
  readonly prepare?: (() => Promise<void>) | undefined
  readonly evaluate: EvaluatorFunction
  readonly isPassing: ((score: ScoreValue, groundTruth: unknown) => boolean) | undefined
}

/**
 * Brings a list or an object of evaluators into one form.
 *
 * @throws HoneyHiveError `EXPERIMENT` when an entry is no evaluator, or two have the same name
 */
export function toNamedEvaluators(evaluators: Evaluators<never, never, never> | undefined): readonly NamedEvaluator[] {
  const entries: [string | undefined, unknown][] = Array.isArray(evaluators)
    ? Array.from(evaluators, (entry: unknown) => [undefined, entry])
    : Object.entries(evaluators ?? {})
  const named = entries.map(([key, entry], position) => toNamed(key, entry as AnyEvaluator<never, never, never>, position))
  const names = named.map(({ name }) => name)
  if (names.includes('__proto__')) {
    throw new HoneyHiveError('EXPERIMENT', 'An evaluator is named "__proto__", which no field of a result can be. Give it another name.')
  }
  const repeated = names.find((name, position) => names.indexOf(name) !== position)
  if (repeated !== undefined) {
    throw new HoneyHiveError('EXPERIMENT', `Two evaluators are named "${repeated}". Give one another name with evaluator(name, fn).`)
  }
  return named
}

function toNamed(key: string | undefined, entry: AnyEvaluator<never, never, never>, position: number): NamedEvaluator {
  if (typeof entry === 'function') {
    const made = isMade(entry) ? entry : undefined
    return {
      name: key ?? made?.evaluatorName ?? (entry.name || `evaluator_${position + 1}`),
      weight: made?.weight ?? 1,
      lowerIsBetter: made?.lowerIsBetter ?? false,
      failedScore: made?.failedScore,
      retries: made?.retries,
      timeoutMs: made?.timeoutMs,
      rateLimit: made?.rateLimit,
      prepare: made?.prepare,
      evaluate: entry as EvaluatorFunction,
      isPassing: made?.isPassing,
    }
  }
  if (typeof entry === 'object' && entry !== null && typeof entry.evaluate === 'function') return fromObject(key, entry, position)
  throw new HoneyHiveError(
    'EXPERIMENT',
    `Evaluator ${key ?? position + 1} is ${entry === null ? 'null' : `a value of type ${typeof entry}`}. Give a function, evaluator(name, fn), or an object with evaluate().`,
  )
}

function isMade(entry: EvaluatorFunction<never, never, never>): entry is EvaluatorFunction<never, never, never> & Evaluator {
  return 'evaluatorName' in entry
}

function fromObject(key: string | undefined, entry: EvaluatorObject<never, never, never>, position: number): NamedEvaluator {
  const { name: own, ...settings } = entry
  const className = entry.constructor?.name
  const isPlain = className === undefined || className === 'Object' || className === ''
  const name = key ?? own ?? (isPlain ? `evaluator_${position + 1}` : className)
  // A plain object is a list of settings; an instance may have members of its own.
  if (isPlain) return { ...toNamed(key ?? name, evaluator(name, settings), position), name }
  const evaluate = (outputs: never, inputs: never, groundTruth: never, context: EvaluatorContext): unknown =>
    entry.evaluate(outputs, inputs, groundTruth, context)
  return { ...toNamed(key ?? name, evaluator(name, { ...readSettings(entry), evaluate }), position), name }
}

// Getters and what a superclass has count too; `evaluate` is the method.
function readSettings(entry: EvaluatorObject<never, never, never>): object {
  const names = ['weight', 'lowerIsBetter', 'failedScore', 'threshold', 'retries', 'timeoutMs', 'rateLimit'] as const
  return given(Object.fromEntries(names.map((name) => [name, entry[name]])))
}

/** Whether a score passes: the evaluator's own rule, else a boolean speaks for itself; `undefined` when nothing decides. */
export function decide(by: NamedEvaluator, score: ScoreValue, groundTruth: unknown): boolean | undefined {
  if (by.isPassing === undefined) return typeof score === 'boolean' ? score !== by.lowerIsBetter : undefined
  const isPassing: unknown = by.isPassing(score, groundTruth)
  // A promise, or nothing because of a missing `return`, would let every row through.
  if (typeof isPassing !== 'boolean') throw new TypeError(`threshold of "${by.name}" gave ${toShown(isPassing)}; give true or false`)
  return isPassing
}

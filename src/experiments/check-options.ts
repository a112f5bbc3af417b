import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { findUnknown, namesOf } from './known-options.js'
import type { CacheOptions, EvaluateOptions, RowLimits, Shard } from './options.js'
import { isSingle, type RateLimit } from './rate-limit.js'
import { AGGREGATES } from './statistics.js'
import type { DatapointInput } from './types.js'

/** Options whose row, output and score types no longer matter. */
export type AnyEvaluateOptions = Omit<
  EvaluateOptions<DatapointInput, unknown, never>,
  'function' | 'evaluators' | 'parse' | 'thresholds' | 'dataset' | 'summaryEvaluators'
> & {
  readonly dataset?: Iterable<unknown> | AsyncIterable<unknown>
  readonly function: (...args: never[]) => unknown
  readonly evaluators?: unknown
  readonly parse?: (row: unknown) => unknown
  readonly thresholds?: Readonly<Record<string, unknown>>
  readonly summaryEvaluators?: Readonly<Record<string, unknown>>
}

const OPTION_NAMES = namesOf<EvaluateOptions<DatapointInput, unknown, never>>({
  name: true,
  description: true,
  runId: true,
  maxConcurrency: true,
  aggregate: true,
  apiKey: true,
  serverUrl: true,
  source: true,
  instrumentations: true,
  tracerOptions: true,
  timeoutMs: true,
  retries: true,
  retryDelayMs: true,
  rateLimit: true,
  rowLimits: true,
  trials: true,
  first: true,
  filter: true,
  onlyFailedOf: true,
  signal: true,
  baselineRunId: true,
  baseline: true,
  failOnRegression: true,
  comparison: true,
  reportTimeoutMs: true,
  traceUrl: true,
  printResults: true,
  progress: true,
  onProgress: true,
  resume: true,
  journal: true,
  cache: true,
  shard: true,
  maxRows: true,
  seed: true,
  git: true,
  metadata: true,
  handleSignals: true,
  dataset: true,
  datasetId: true,
  parse: true,
  function: true,
  evaluators: true,
  summaryEvaluators: true,
  thresholds: true,
})

const RATE_NAMES = namesOf<RateLimit>({ requestsPerMinute: true, burst: true })
const CACHE_NAMES = namesOf<CacheOptions>({ directory: true, version: true })
const LIMIT_NAMES = namesOf<RowLimits>({ durationMs: true, tokens: true, cost: true })
const SHARD_NAMES = namesOf<Shard>({ index: true, count: true })
const COMPARISON_NAMES = ['lowerIsBetter', 'tolerance', 'alpha']

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** @throws HoneyHiveConfigError for options that do not exist */
export function checkNames(options: AnyEvaluateOptions): void {
  const problems = [...findUnknown(options, OPTION_NAMES, 'defineExperiment'), ...checkNested(options)]
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'defineExperiment')
}

/**
 * Checks everything that can be checked before the first request.
 *
 * @throws HoneyHiveConfigError with every problem
 */
export function checkOptions(options: AnyEvaluateOptions): void {
  const problems = [
    ...findUnknown(options, OPTION_NAMES, 'evaluate'),
    ...checkNested(options),
    ...checkSource(options),
    ...checkNumber('maxConcurrency', options.maxConcurrency, 1, true),
    ...checkNumber('timeoutMs', options.timeoutMs, 1, false),
    ...checkNumber('retries', options.retries, 0, true),
    ...checkNumber('retryDelayMs', options.retryDelayMs, 0, false),
    ...checkNumber('maxRows', options.maxRows, 0, true),
    ...checkNumber('first', options.first, 1, true),
    ...checkNumber('trials', options.trials, 1, true),
    ...checkNumber('reportTimeoutMs', options.reportTimeoutMs, 0, false),
    ...checkNumber('rowLimits.durationMs', options.rowLimits?.durationMs, 1, false),
    ...checkNumber('rowLimits.tokens', options.rowLimits?.tokens, 0, false),
    ...checkNumber('rowLimits.cost', options.rowLimits?.cost, 0, false),
    ...checkNumber('comparison.alpha', options.comparison?.alpha, 0, false),
    ...checkBaseline(options),
    ...checkSummaryEvaluators(options.summaryEvaluators),
    ...checkRates(options),
    ...checkRunId('runId', options.runId),
    ...checkRunId('resume', options.resume),
    ...checkAggregate(options.aggregate),
    ...checkShard(options),
    ...checkBounds(options.thresholds),
  ]
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'evaluate')
}

function checkNested({ cache, rowLimits, shard, comparison }: AnyEvaluateOptions): readonly ConfigProblem[] {
  const groups: readonly (readonly [string, unknown, readonly string[]])[] = [
    ['cache', typeof cache === 'string' ? undefined : cache, CACHE_NAMES],
    ['rowLimits', rowLimits, LIMIT_NAMES],
    ['shard', shard, SHARD_NAMES],
    ['comparison', comparison, COMPARISON_NAMES],
  ]
  return groups.flatMap(([name, given, known]) =>
    given === undefined
      ? []
      : typeof given === 'object' && given !== null
        ? findUnknown(given, known, 'evaluate', `${name}.`)
        : [problem(name, 'an object', given)],
  )
}

function checkBaseline({ baseline, baselineRunId, failOnRegression, onlyFailedOf }: AnyEvaluateOptions): readonly ConfigProblem[] {
  const hasRows = (run: unknown): boolean => typeof run === 'object' && run !== null && 'rows' in run && Array.isArray(run.rows)
  return [
    ...(baseline === undefined || hasRows(baseline) ? [] : [problem('baseline', 'a result or its JSON', baseline)]),
    ...(onlyFailedOf === undefined || hasRows(onlyFailedOf) ? [] : [problem('onlyFailedOf', 'a result or its JSON', onlyFailedOf)]),
    ...(failOnRegression === undefined || typeof failOnRegression === 'boolean'
      ? []
      : [problem('failOnRegression', 'true or false', failOnRegression)]),
    ...(baseline !== undefined && baselineRunId !== undefined
      ? [{ option: 'baseline', message: 'Give one of "baseline" and "baselineRunId", not both.' }]
      : []),
    ...(failOnRegression === true && baseline === undefined && baselineRunId === undefined
      ? [{ option: 'failOnRegression', message: '"failOnRegression" needs a run to compare with: give "baselineRunId" or "baseline".' }]
      : []),
  ]
}

function checkSummaryEvaluators(evaluators: unknown): readonly ConfigProblem[] {
  if (evaluators === undefined) return []
  if (typeof evaluators !== 'object' || evaluators === null || Array.isArray(evaluators)) {
    return [problem('summaryEvaluators', 'an object of functions', evaluators)]
  }
  return Object.entries(evaluators).flatMap(([name, evaluate]) =>
    typeof evaluate === 'function' ? [] : [problem(`summaryEvaluators.${name}`, 'a function', evaluate)],
  )
}

function checkRates({ rateLimit }: AnyEvaluateOptions): readonly ConfigProblem[] {
  if (rateLimit === undefined) return []
  if (typeof rateLimit !== 'object' || rateLimit === null) return [problem('rateLimit', 'an object', rateLimit)]
  const limits: readonly (readonly [string, unknown])[] =
    isSingle(rateLimit) || 'burst' in rateLimit
      ? [['rateLimit', rateLimit]]
      : Object.entries(rateLimit).map(([key, limit]) => [`rateLimit.${key}`, limit])
  return limits.flatMap(([path, limit]) => {
    if (typeof limit !== 'object' || limit === null) return [problem(path, '{ requestsPerMinute }', limit)]
    const { requestsPerMinute, burst } = limit as Partial<RateLimit>
    const isRate = typeof requestsPerMinute === 'number' && requestsPerMinute > 0
    return [
      ...findUnknown(limit, RATE_NAMES, 'evaluate', `${path}.`),
      ...(isRate ? [] : [problem(`${path}.requestsPerMinute`, 'a number above 0', requestsPerMinute)]),
      ...checkNumber(`${path}.burst`, burst, 1, true),
    ]
  })
}

function checkSource({ dataset, datasetId, function: fn }: AnyEvaluateOptions): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  if (typeof fn !== 'function') problems.push(problem('function', 'a function', fn))
  if ((dataset === undefined) === (datasetId === undefined)) {
    const given = dataset === undefined ? 'neither' : 'both'
    problems.push({ option: 'dataset', message: `Give exactly one of "dataset" and "datasetId"; ${given} was given.` })
  } else if (dataset !== undefined && !isIterable(dataset)) {
    problems.push(problem('dataset', 'a list or something that can be iterated', dataset))
  } else if (datasetId !== undefined && (typeof datasetId !== 'string' || datasetId.trim() === '')) {
    problems.push(problem('datasetId', 'a text that is not blank', datasetId))
  }
  return problems
}

function isIterable(dataset: unknown): boolean {
  return typeof dataset === 'object' && dataset !== null && (Symbol.iterator in dataset || Symbol.asyncIterator in dataset)
}

function checkNumber(option: string, value: unknown, least: number, isWhole: boolean): ConfigProblem[] {
  if (value === undefined) return []
  const isValid =
    typeof value === 'number' &&
    value >= least &&
    (isWhole ? Number.isInteger(value) || value === Number.POSITIVE_INFINITY : Number.isFinite(value))
  return isValid ? [] : [problem(option, `a ${isWhole ? 'whole ' : ''}number of at least ${least}`, value)]
}

function checkRunId(option: string, value: unknown): ConfigProblem[] {
  return value === undefined || (typeof value === 'string' && UUID.test(value)) ? [] : [problem(option, 'a UUID', value)]
}

function checkAggregate(value: unknown): ConfigProblem[] {
  return value === undefined || (AGGREGATES as readonly unknown[]).includes(value)
    ? []
    : [problem('aggregate', `one of ${AGGREGATES.join(', ')}`, value)]
}

function checkShard({ shard }: AnyEvaluateOptions): ConfigProblem[] {
  if (shard === undefined) return []
  const { index, count } = shard
  const isValid = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count
  return isValid
    ? []
    : [problem('shard', '{ index, count } with 0 <= index < count', `{ index: ${String(index)}, count: ${String(count)} }`)]
}

/** Finds bounds that cannot be read: they would compare as met, and the gate would let everything through. */
export function checkBounds(thresholds: Readonly<Record<string, unknown>> = {}): ConfigProblem[] {
  return Object.entries(thresholds).flatMap(([name, bound]) =>
    bound === undefined || isBound(bound) ? [] : [problem(`thresholds.${name}`, 'a number, or an object of min, max and aggregate', bound)],
  )
}

function isBound(bound: unknown): boolean {
  if (typeof bound !== 'object' || bound === null) return isFigure(bound)
  const { min, max, aggregate, ...unknown } = bound as Readonly<Record<string, unknown>>
  const isKnown = Object.keys(unknown).length === 0 && (aggregate === undefined || (AGGREGATES as readonly unknown[]).includes(aggregate))
  return isKnown && (min !== undefined || max !== undefined) && [min, max].every((value) => value === undefined || isFigure(value))
}

function isFigure(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value)
}

function problem(option: string, expected: string, actual: unknown): ConfigProblem {
  const shown = typeof actual === 'string' ? JSON.stringify(actual) : typeof actual === 'object' ? 'an object' : String(actual)
  return { option, message: `Invalid "${option}": expected ${expected}, got ${shown}.` }
}

import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import type { EvaluateOptions } from './options.js'
import { AGGREGATES } from './statistics.js'
import type { DatapointInput } from './types.js'

/** Options whose row, output and score types no longer matter. */
export type AnyEvaluateOptions = Omit<
  EvaluateOptions<DatapointInput, unknown, never>,
  'function' | 'evaluators' | 'parse' | 'thresholds' | 'dataset'
> & {
  readonly dataset?: Iterable<unknown> | AsyncIterable<unknown>
  readonly function: (...args: never[]) => unknown
  readonly evaluators?: unknown
  readonly parse?: (row: unknown) => unknown
  readonly thresholds?: Readonly<Record<string, unknown>>
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Checks everything that can be checked before the first request.
 *
 * @throws HoneyHiveConfigError with every problem
 */
export function checkOptions(options: AnyEvaluateOptions): void {
  const problems = [
    ...checkSource(options),
    ...checkNumber('maxConcurrency', options.maxConcurrency, 1, true),
    ...checkNumber('timeoutMs', options.timeoutMs, 1, false),
    ...checkNumber('retries', options.retries, 0, true),
    ...checkNumber('retryDelayMs', options.retryDelayMs, 0, false),
    ...checkNumber('maxRows', options.maxRows, 0, true),
    ...checkRunId('runId', options.runId),
    ...checkRunId('resume', options.resume),
    ...checkAggregate(options.aggregate),
    ...checkShard(options),
    ...checkBounds(options.thresholds),
  ]
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'evaluate')
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

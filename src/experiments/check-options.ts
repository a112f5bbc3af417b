import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { readOptions, toProblem } from '../options/check.js'
import { toShown } from '../options/shown.js'
import { ANYTHING, functionSpec, isBoolean, isFilledText, isMapLike, isText, type OptionSpec } from '../options/spec.js'
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

const ID: OptionSpec = { accepts: (value) => isText(value) && UUID.test(value), expected: 'a UUID', remedy: 'Give e.g. randomUUID().' }
const FLAG: OptionSpec = { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' }
const PATH: OptionSpec = { accepts: isFilledText, expected: 'the path of a directory', remedy: "Give e.g. './runs'." }

/** `Infinity` is a number of things as well, and no number of milliseconds. */
function countSpec(least: number): OptionSpec {
  const accepts = (value: unknown): boolean => (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && Number(value) >= least
  return { accepts, expected: `a whole number of at least ${least}`, remedy: 'Give e.g. 10.' }
}

function durationSpec(least: number): OptionSpec {
  const accepts = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= least
  return { accepts, expected: `a number of at least ${least}`, remedy: 'Give milliseconds, e.g. 1_000.' }
}

const EVALUATE_OPTIONS: Readonly<Record<keyof AnyEvaluateOptions, OptionSpec>> = {
  function: { ...functionSpec('Give the function under test.'), isRequired: true },
  dataset: { accepts: isIterable, expected: 'a list or something that can be iterated', remedy: 'Give e.g. [{ inputs }].' },
  datasetId: { accepts: isFilledText, expected: 'a text that is not blank', remedy: 'Give the id of the dataset.' },
  parse: functionSpec('Give (row) => the row, checked.'),
  // Each evaluator is named when it is wrong.
  evaluators: ANYTHING,
  thresholds: { accepts: isMapLike, expected: 'bounds by metric', remedy: 'Give e.g. { accuracy: 0.8 }.' },
  name: { accepts: isText, expected: 'a text', remedy: 'Give a name for the run.' },
  description: { accepts: isText, expected: 'a text', remedy: 'Say what the run is about.' },
  runId: ID,
  baselineRunId: { accepts: isFilledText, expected: 'a text that is not blank', remedy: 'Give the id of the run to compare with.' },
  resume: ID,
  aggregate: {
    accepts: isAggregate,
    expected: `one of ${AGGREGATES.join(', ')}`,
    remedy: 'Give the one that the summary shows.',
  },
  shard: {
    accepts: isShard,
    expected: '{ index, count } with 0 <= index < count',
    remedy: 'Give e.g. { index: 0, count: 4 }.',
    found: (value) => (isMapLike(value) ? `{ index: ${toShown(value['index'])}, count: ${toShown(value['count'])} }` : toShown(value)),
  },
  maxConcurrency: countSpec(1),
  timeoutMs: durationSpec(1),
  retries: countSpec(0),
  retryDelayMs: durationSpec(0),
  maxRows: countSpec(0),
  seed: { accepts: Number.isFinite, expected: 'a number', remedy: 'Give e.g. 1.' },
  journal: PATH,
  cache: {
    accepts: (value) => isFilledText(value) || isMapLike(value),
    expected: 'a directory or { directory, version }',
    remedy: PATH.remedy,
  },
  signal: { accepts: (value) => value instanceof AbortSignal, expected: 'an AbortSignal', remedy: 'Give controller.signal.' },
  onProgress: functionSpec('Give (progress) => what to do with it.'),
  printResults: FLAG,
  progress: FLAG,
  git: FLAG,
  handleSignals: FLAG,
  metadata: { accepts: isMapLike, expected: 'an object', remedy: 'Give fields by name.', secret: true },
  // These are checked with the options of the tracer.
  apiKey: ANYTHING,
  serverUrl: ANYTHING,
  source: ANYTHING,
  instrumentations: ANYTHING,
  tracerOptions: ANYTHING,
}

/**
 * Checks everything that can be checked before the first request.
 *
 * @throws HoneyHiveConfigError with every problem
 */
export function checkOptions(options: AnyEvaluateOptions): void {
  const problems: ConfigProblem[] = []
  readOptions(options, EVALUATE_OPTIONS, { problems })
  const { dataset, datasetId, thresholds } = options ?? {}
  if (!dataset === !datasetId) {
    const given = dataset ? 'both' : 'neither'
    problems.push({ option: 'dataset', message: `Give exactly one of "dataset" and "datasetId"; ${given} was given.` })
  }
  if (isMapLike(thresholds)) problems.push(...checkBounds(thresholds))
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'evaluate')
}

function isIterable(dataset: unknown): boolean {
  return typeof dataset === 'object' && dataset !== null && (Symbol.iterator in dataset || Symbol.asyncIterator in dataset)
}

function isAggregate(value: unknown): boolean {
  return (AGGREGATES as readonly unknown[]).includes(value)
}

function isShard(value: unknown): boolean {
  if (!isMapLike(value)) return false
  const { index, count } = value
  return Number.isInteger(index) && Number.isInteger(count) && Number(index) >= 0 && Number(index) < Number(count)
}

const BOUND = { expected: 'a number, or an object of min, max and aggregate', remedy: 'Give e.g. { min: 0.8 }.' }

/** Finds bounds that cannot be read: they would compare as met, and the gate would let everything through. */
export function checkBounds(thresholds: Readonly<Record<string, unknown>> = {}): ConfigProblem[] {
  return Object.entries(thresholds).flatMap(([name, bound]) =>
    bound === undefined || isBound(bound) ? [] : [toProblem(`thresholds.${name}`, BOUND, bound)],
  )
}

function isBound(bound: unknown): boolean {
  if (typeof bound !== 'object' || bound === null) return isFigure(bound)
  const { min, max, aggregate, ...unknown } = bound as Readonly<Record<string, unknown>>
  const isKnown = Object.keys(unknown).length === 0 && (aggregate === undefined || isAggregate(aggregate))
  return isKnown && (min !== undefined || max !== undefined) && [min, max].every((value) => value === undefined || isFigure(value))
}

function isFigure(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value)
}

import { types } from 'node:util'
import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { readOptions, toProblem } from '../options/check.js'
import { createAdviser } from '../options/nearest.js'
import { toShort, toShown } from '../options/shown.js'
import {
  ANYTHING,
  functionSpec,
  type GroupSpec,
  isBoolean,
  isFilledText,
  isFunction,
  isListOf,
  isMapLike,
  isText,
  type OptionSpec,
} from '../options/spec.js'
import type { CompareOptions } from './compare-rows.js'
import type { CacheOptions, EvaluateOptions, RowLimits } from './options.js'
import type { RateLimit } from './rate-limit.js'
import { findRunDamage } from './result-data.js'
import { isThenable } from './stop.js'
import { AGGREGATES } from '../values/statistics.js'
import { isPlainPrototype } from '../values/realm.js'
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

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const ID: OptionSpec = { accepts: (value) => isText(value) && UUID.test(value), expected: 'a UUID', remedy: 'Give e.g. randomUUID().' }
const FLAG: OptionSpec = { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' }
/** Where files are. */
export const PATH: OptionSpec = { accepts: isFilledText, expected: 'the path of a directory', remedy: "Give e.g. './runs'." }

/** `Infinity` is a number of things as well, and no number of milliseconds. */
function countSpec(least: number): OptionSpec {
  const accepts = (value: unknown): boolean => (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && Number(value) >= least
  return { accepts, expected: `a whole number of at least ${least}`, remedy: 'Give e.g. 10.' }
}

/** Tokens, dollars and the like. */
function figureSpec(least: number, remedy: string): OptionSpec {
  const accepts = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= least
  return { accepts, expected: `a number of at least ${least}`, remedy }
}

function durationSpec(least: number): OptionSpec {
  return figureSpec(least, 'Give milliseconds, e.g. 1_000.')
}

/** A function whose answer is used at once: a promise would stand for a row, or for true. */
function syncSpec(remedy: string): OptionSpec {
  return {
    accepts: (value) => isFunction(value) && !types.isAsyncFunction(value),
    expected: 'a function that is not async',
    remedy,
    found: (value) => (types.isAsyncFunction(value) ? 'an async function' : toShown(value)),
  }
}

/** A result of another run. */
export const RUN: OptionSpec = {
  accepts: (value) => isMapLike(value) && findRunDamage(value) === undefined,
  expected: 'a result or its JSON',
  remedy: 'Give what evaluate gave, or a JSON report.',
  found: (value) => (isMapLike(value) ? `an object ${findRunDamage(value) ?? ''}` : toShown(value)),
}

/** Each member is named when it is wrong. */
const BY_NAME = { accepts: isMapLike, expected: 'an object' }

/** Entries that nobody would see, such as the methods of a class or what a `Map` holds, would be none, and the run green without them. */
const OWN_NAMES = {
  found: (value: unknown): string => {
    const tag = Object.prototype.toString.call(value).slice(8, -1)
    if (typeof value !== 'object' || Array.isArray(value) || tag === 'Promise') return toShown(value)
    return tag === 'Object' ? 'an object of a class' : `an object of the class ${toShort(tag)}`
  },
}

/** Bounds by the name of their figure. */
export const BOUNDS: OptionSpec = {
  ...OWN_NAMES,
  accepts: isPlainMap,
  expected: 'bounds by metric',
  remedy: 'Give e.g. { accuracy: 0.8 }.',
}

const CACHE_OPTIONS: Readonly<Record<keyof CacheOptions, OptionSpec>> = {
  directory: { ...PATH, isRequired: true },
  version: { accepts: isText, expected: 'a text', remedy: 'Change it when what the function calls has changed.' },
}

const LIMIT_OPTIONS: Readonly<Record<keyof RowLimits, OptionSpec>> = {
  durationMs: durationSpec(1),
  tokens: figureSpec(0, 'Give e.g. 10_000.'),
  cost: figureSpec(0, 'Give US dollars, e.g. 0.5.'),
}

/** Of every comparison; the seed of an experiment's own comparison is that of the experiment. */
export const COMPARE_OPTIONS: Readonly<Record<keyof CompareOptions, OptionSpec>> = {
  lowerIsBetter: { accepts: isListOf(isText), expected: 'a list of metrics', remedy: "Give e.g. ['toxicity']." },
  tolerance: figureSpec(0, 'Give e.g. 0.01.'),
  alpha: {
    accepts: (value) => typeof value === 'number' && value > 0 && value < 1,
    expected: 'a number above 0 and below 1',
    remedy: 'Give e.g. 0.05.',
  },
  seed: { accepts: Number.isFinite, expected: 'a number', remedy: 'Give e.g. 1.' },
}

const { seed: SEED, ...OWN_COMPARISON_OPTIONS } = COMPARE_OPTIONS

const RATE_OPTIONS: Readonly<Record<keyof RateLimit, OptionSpec>> = {
  requestsPerMinute: {
    accepts: (value) => typeof value === 'number' && value > 0,
    expected: 'a number above 0',
    remedy: 'Give e.g. 60.',
    isRequired: true,
  },
  burst: countSpec(1),
}

const EVALUATE_OPTIONS: Readonly<Record<keyof AnyEvaluateOptions, OptionSpec | GroupSpec>> = {
  function: { ...functionSpec('Give the function under test.'), isRequired: true },
  dataset: {
    accepts: isIterable,
    expected: 'a list or something that can be iterated',
    remedy:
      'Give e.g. [{ inputs: { question } }] or fromCsv(file), or the id of one of HoneyHive as "datasetId"; await what reads it first.',
  },
  datasetId: { accepts: isFilledText, expected: 'a text that is not blank', remedy: 'Give the id of the dataset.' },
  parse: syncSpec('Give (row) => the row, checked; what has to be awaited belongs into the dataset: await Promise.all(rows.map(parse)).'),
  // Each evaluator is checked where it is named.
  evaluators: {
    ...OWN_NAMES,
    accepts: (value) => Array.isArray(value) || isPlainMap(value),
    expected: 'a list or an object of evaluators',
    remedy: 'Give e.g. [exact] or { exact }, also where it is one alone; await what makes them first.',
  },
  summaryEvaluators: {
    ...OWN_NAMES,
    accepts: isPlainMap,
    expected: 'an object',
    remedy: 'Give functions by the name of their score, as { name: (rows) => the score }.',
  },
  thresholds: BOUNDS,
  name: { accepts: isText, expected: 'a text', remedy: 'Give a name for the run.' },
  description: { accepts: isText, expected: 'a text', remedy: 'Say what the run is about.' },
  runId: ID,
  baselineRunId: { accepts: isFilledText, expected: 'a text that is not blank', remedy: 'Give the id of the run to compare with.' },
  baseline: RUN,
  failOnRegression: FLAG,
  comparison: { expected: 'an object', remedy: 'Give e.g. { tolerance: 0.01 }.', members: OWN_COMPARISON_OPTIONS },
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
  rateLimit: { ...BY_NAME, remedy: 'Give e.g. { requestsPerMinute: 60 }, or one such limit for each key.' },
  rowLimits: { expected: 'an object', remedy: 'Give e.g. { durationMs: 60_000 }.', members: LIMIT_OPTIONS },
  trials: countSpec(1),
  first: countSpec(1),
  filter: syncSpec('Give (row, index) => whether it runs, true or false.'),
  onlyFailedOf: RUN,
  reportTimeoutMs: durationSpec(0),
  traceUrl: { accepts: isText, expected: 'a text', remedy: 'Give an address with {sessionId} in it.' },
  maxRows: countSpec(0),
  seed: SEED,
  journal: PATH,
  cache: {
    expected: 'a directory or { directory, version }',
    remedy: PATH.remedy,
    members: CACHE_OPTIONS,
    other: isFilledText,
  },
  signal: { accepts: isAbortSignal, expected: 'an AbortSignal', remedy: 'Give controller.signal.' },
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

/** Options with options of their own. */
const GROUPS: ReadonlySet<string> = new Set(['cache', 'comparison', 'rateLimit', 'rowLimits'])

/** The same options without those that are `null`, which counts as not given: a default stands in for `undefined` only. */
export function withoutNulls<T extends object>(options: T): T {
  try {
    return hasNulls(options) ? (dropNulls(options) as T) : options
  } catch {
    // A proxy that refuses to be looked at; the check of the options says so.
    return options
  }
}

function hasNulls(options: object): boolean {
  for (const name in options) {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name]
    if (value === null || (GROUPS.has(name) && isMapLike(value) && hasNulls(value))) return true
  }
  return false
}

function dropNulls(options: object): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = {}
  // Inherited names count, as everywhere.
  for (const name in options) {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name]
    if (value !== null) given[name] = GROUPS.has(name) && isMapLike(value) ? dropNulls(value) : value
  }
  return given
}

/** Checks a definition, whose data may come with the run. @throws HoneyHiveConfigError with every problem */
export function checkDefinition(options: AnyEvaluateOptions): void {
  const problems = checkMembers(options)
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'defineExperiment')
}

/**
 * Checks everything that can be checked before the first request.
 *
 * @throws HoneyHiveConfigError with every problem
 */
export function checkOptions(options: AnyEvaluateOptions): void {
  const problems = checkMembers(options)
  const { dataset, datasetId } = options ?? {}
  if (!dataset === !datasetId) {
    const given = dataset ? 'both' : 'neither'
    problems.push({ option: 'dataset', message: `Give exactly one of "dataset" and "datasetId"; ${given} was given.` })
  }
  problems.push(...checkBaseline(options ?? {}), ...checkFailed(options ?? {}))
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'evaluate')
}

function checkMembers(options: AnyEvaluateOptions): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const { dataset, parse, thresholds, summaryEvaluators, rateLimit } = readOptions(options, EVALUATE_OPTIONS, { problems, adviseUnknown })
  if (Array.isArray(dataset)) problems.push(...checkAwaited(dataset), ...(parse === undefined ? checkRows(dataset) : []))
  if (isMapLike(thresholds)) problems.push(...checkBounds(thresholds))
  if (isMapLike(summaryEvaluators)) {
    readOptions(summaryEvaluators, toSpecs(summaryEvaluators, SUMMARY_EVALUATOR), { problems, prefix: 'summaryEvaluators.' })
  }
  if (isMapLike(rateLimit)) checkRates(rateLimit, problems)
  return problems
}

const ONE_OBJECT = 'evaluate() takes one object of options: evaluate({ function, dataset, evaluators }).'
const KEY_DECIDES = 'The API key selects the project; remove the option.'

/** What other tools call these options. */
const adviseUnknown = createAdviser({
  task: 'Use "function".',
  target: 'Use "function".',
  func: 'Use "function".',
  data: 'Use "dataset".',
  rows: 'Use "dataset".',
  scores: 'Use "evaluators".',
  scorers: 'Use "evaluators".',
  experimentName: 'Use "name".',
  evalName: 'Use "name".',
  experimentPrefix: 'Use "name".',
  maxWorkers: 'Use "maxConcurrency".',
  numRepetitions: 'Use "trials".',
  trialCount: 'Use "trials".',
  runConcurrently: 'Use "maxConcurrency", 1 for one after the other.',
  timeout: 'Use "timeoutMs", in milliseconds.',
  project: KEY_DECIDES,
  projectName: KEY_DECIDES,
  verbose: 'Use "tracerOptions": { verbose: true }.',
  tracer: 'Each row has a tracer of its own: leave it out of trace() and traceFn(), or take the one in the second argument of "function".',
  client: ONE_OBJECT,
})

/** Fields of a row that mean something; what only has others has most likely its inputs there. */
const ROW_FIELDS: readonly string[] = ['inputs', 'groundTruth', 'ground_truth', 'id', 'datapoint_id', 'datapointId', 'metadata']

/** A list can be looked at before anything runs: without inputs every row would run on nothing, and a gate could be green. */
function checkRows(rows: readonly unknown[]): ConfigProblem[] {
  const index = rows.findIndex(lacksInputs)
  const row = rows[index]
  return lacksInputs(row) ? [{ option: 'dataset', message: `Invalid "dataset": ${describeRow(row, index)}` }] : []
}

/** A list of promises, as `rows.map(async (row) => …)` gives, has no fields at all: every row would run on nothing. */
function checkAwaited(rows: readonly unknown[]): ConfigProblem[] {
  const index = rows.findIndex(isPromised)
  return index < 0 ? [] : [{ option: 'dataset', message: `Invalid "dataset": ${describePromise(index)}` }]
}

/** Whether a row is a promise of one. */
export function isPromised(row: unknown): row is PromiseLike<unknown> {
  try {
    return isThenable(row)
  } catch {
    // A row that refuses to be looked at fails as a row.
    return false
  }
}

/** What is wrong with a row that {@link isPromised}, and what to do. */
export function describePromise(index: number): string {
  return `row ${index} is a promise. Await the rows first: await Promise.all(rows).`
}

/** Whether a row has no `inputs`, and something else that looks as if it were. What is no row at all fails as a row. */
export function lacksInputs(row: unknown): row is object {
  if (typeof row !== 'object' || row === null) return false
  try {
    return !('inputs' in row) && Object.keys(row).some((name) => !ROW_FIELDS.includes(name))
  } catch {
    // A proxy that refuses to be looked at fails as a row too.
    return false
  }
}

/** What is wrong with a row that {@link lacksInputs}, and what to do. */
export function describeRow(row: object, index: number): string {
  const [name = ''] = Object.keys(row).filter((field) => !ROW_FIELDS.includes(field))
  const field = toShort(name)
  const found = Array.isArray(row) ? 'is a list' : `has no "inputs", but "${field}"`
  const advice = Array.isArray(row) ? 'Give { inputs: { … } }' : `Give { inputs: ${adviseField(name) ?? `{ ${field} }`} }`
  return `row ${index} ${found}. ${advice}, or give "parse", which makes rows of what the dataset holds.`
}

/** What other tools call the inputs as a whole. */
const adviseField = createAdviser({ input: 'row.input', inputVariables: 'row.inputVariables', variables: 'row.variables' })

const SUMMARY_EVALUATOR = functionSpec('Give (rows) => the score.')

function toSpecs<S>(given: object, spec: S): Readonly<Record<string, S>> {
  return Object.fromEntries(Object.keys(given).map((name) => [name, spec]))
}

function checkRates(rateLimit: Readonly<Record<string, unknown>>, problems: ConfigProblem[]): void {
  const isOne = Object.keys(RATE_OPTIONS).some((name) => name in rateLimit && !isMapLike(rateLimit[name]))
  const limits = isOne
    ? [['rateLimit', rateLimit] as const]
    : Object.entries(rateLimit).map(([key, limit]) => [`rateLimit.${key}`, limit] as const)
  for (const [path, limit] of limits) readOptions(limit, RATE_OPTIONS, { problems, prefix: `${path}.` })
}

function checkBaseline({ baseline, baselineRunId, failOnRegression }: Partial<AnyEvaluateOptions>): readonly ConfigProblem[] {
  if (baseline !== undefined && baselineRunId !== undefined) {
    return [{ option: 'baseline', message: 'Give one of "baseline" and "baselineRunId", not both.' }]
  }
  if (failOnRegression !== true || baseline !== undefined || baselineRunId !== undefined) return []
  return [{ option: 'failOnRegression', message: '"failOnRegression" needs a run to compare with: give "baselineRunId" or "baseline".' }]
}

// Rows that are not in it may have failed as well.
function checkFailed({ onlyFailedOf: run }: Partial<AnyEvaluateOptions>): readonly ConfigProblem[] {
  const omitted = run?.omittedRows ?? 0
  if (omitted === 0) return []
  return [{ option: 'onlyFailedOf', message: `${omitted} rows of the run are not in its result. Raise maxRows where it is made.` }]
}

/** An object with names of its own: a literal, one without a prototype, or a module. */
function isPlainMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isPlainPrototype(Object.getPrototypeOf(value))
}

function isIterable(dataset: unknown): boolean {
  return typeof dataset === 'object' && dataset !== null && (Symbol.iterator in dataset || Symbol.asyncIterator in dataset)
}

function isAggregate(value: unknown): boolean {
  return (AGGREGATES as readonly unknown[]).includes(value)
}

function isShard(value: unknown): boolean {
  if (!isMapLike(value)) return false
  const { index, count, ...unknown } = value
  if (Object.keys(unknown).length > 0) return false
  return Number.isInteger(index) && Number.isInteger(count) && Number(index) >= 0 && Number(index) < Number(count)
}

const BOUND = { expected: 'a number, or an object of min, max and aggregate', remedy: 'Give e.g. { min: 0.8 }.' }

/** Finds bounds that cannot be read: they would compare as met, and the gate would let everything through. */
export function checkBounds(thresholds: Readonly<Record<string, unknown>> = {}): ConfigProblem[] {
  return Object.entries(thresholds).flatMap(([name, bound]) =>
    bound === undefined || isBound(bound) ? checkShare(name, bound) : [toProblem(`thresholds.${name}`, BOUND, bound)],
  )
}

const SHARE = { expected: 'a share of the rows, at most 1', remedy: 'Give e.g. 0.05 for 5 %.' }

/** A bound above the whole, such as 5 for 5 %, would let every row fail. */
function checkShare(name: string, bound: unknown): readonly ConfigProblem[] {
  const most = isMapLike(bound) ? bound['max'] : bound
  return name === 'errorRate' && Number(most) > 1 ? [toProblem('thresholds.errorRate', SHARE, most)] : []
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

/** Signals of another realm or of a polyfill count too. */
function isAbortSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
}

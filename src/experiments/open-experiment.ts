import { randomUUID } from 'node:crypto'
import { type Sampler, SamplingDecision, type SpanExporter } from '@opentelemetry/sdk-trace'
import { resolveConfig } from '../config/resolve.js'
import { type ConfigProblem, HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { HoneyHiveTracer } from '../tracer/tracer.js'
import { type Backend, createBackend } from './backend.js'
import { type AnyEvaluateOptions, checkOptions, withoutNulls } from './check-options.js'
import { createLocalSource, type DatasetSource } from './dataset.js'
import { type NamedEvaluator, toNamedEvaluators } from './evaluator.js'
import { DEFAULT_KEY, isSingle, type RateLimits } from './rate-limit.js'
import { Experiment, REPORT_TIMEOUT_MS } from './experiment.js'
import { readGitContext } from './git.js'
import { openHostedSource } from './hosted-dataset.js'
import type { SharedTurns } from './queues/row-queue.js'
import { readFinishedRows } from './resume.js'
import { attempt, createRun, isKeyRefused, type RunPlan } from './runs.js'
import { describeError } from './score.js'
import { loadScoredRun } from './scored-run.js'
import type { ScoredRun } from './compare-rows.js'
import type { Stop } from './stop.js'
import { RUN_FIGURES } from './thresholds.js'
import type { Evaluators, ExperimentRow } from './types.js'
import { toWellFormedText } from '../values/text.js'
import { within } from './within.js'

/**
 * Checks the options, opens the dataset and registers the run; no row has started when it resolves. With `turns` its rate limit is
 * shared by several processes.
 *
 * @throws HoneyHiveConfigError for wrong options
 * @throws HoneyHiveError when the key is refused, or a hosted dataset cannot be opened
 */
export async function openExperiment(given: AnyEvaluateOptions, stop: Stop, turns?: SharedTurns): Promise<Experiment> {
  const options = withoutNulls(given)
  checkOptions(options)
  // The types tied evaluators and dataset together; from here on a row's values are opaque.
  const evaluators = toNamedEvaluators(options.evaluators as Evaluators<never, never, never> | undefined)
  checkNames(options, evaluators)
  await Promise.all(evaluators.map((evaluator) => evaluator.prepare?.()))
  const warnings: string[] = []
  const runId = (options.resume ?? options.runId)?.toLowerCase() ?? randomUUID()
  const name = options.name?.trim() || `experiment-${runId.slice(0, 8)}`
  const config = resolveConfig(toTracerOptions(options))
  const backend = createBackend(config)
  if (backend === undefined)
    warnings.push('No API key: the experiment ran offline and nothing was sent. Set apiKey or HH_API_KEY to record the run.')
  warnings.push(...describeUnknownKeys(options.rateLimit, evaluators))
  if (options.shard !== undefined && options.runId === undefined && options.resume === undefined)
    warnings.push('This shard has a run of its own and cannot be merged with others. Give the same runId to all of them.')
  try {
    const source = await openSource(options, backend, name)
    const planned = await createPlan({ options, evaluators, source, runId, name })
    const plan = backend === undefined ? planned : { ...planned, runId: await registerInTime(backend, planned, options, warnings) }
    const baseline = readBaseline(options, backend, warnings)
    const finished = await readEarlier(options, plan.runId, backend, evaluators, warnings)
    const tracer = openTracer(options, backend === undefined, name)
    try {
      return new Experiment({ options, config, tracer, backend, plan, source, evaluators, finished, baseline, warnings, stop, turns })
    } catch (error) {
      // A filter that threw: no row has started.
      await tracer.shutdown()
      throw error
    }
  } catch (error) {
    await backend?.close()
    throw error
  }
}

// A misspelt key would be no limit at all.
function describeUnknownKeys(limits: RateLimits | undefined, evaluators: readonly NamedEvaluator[]): readonly string[] {
  if (limits === undefined) return []
  const keys = isSingle(limits) ? [DEFAULT_KEY] : Object.keys(limits)
  return evaluators.flatMap(({ name, rateLimit }) => {
    if (rateLimit === undefined || keys.includes(rateLimit)) return []
    return [`Evaluator "${name}" is not limited: its rateLimit "${rateLimit}" is none of the keys of rateLimit (${keys.join(', ')}).`]
  })
}

// A bound names one figure, and must not find another one of the same name.
function checkNames(
  { thresholds = {}, summaryEvaluators = {}, comparison }: AnyEvaluateOptions,
  evaluators: readonly NamedEvaluator[],
): void {
  const names = evaluators.map(({ name }) => name)
  const summaryNames = Object.keys(summaryEvaluators)
  const figures: readonly string[] = RUN_FIGURES
  const problems: ConfigProblem[] = [
    ...summaryNames
      .filter((name) => names.includes(name))
      .map((name) => ({
        option: `summaryEvaluators.${name}`,
        message: `An evaluator is named "${name}" too. Give one of them another name.`,
      })),
    ...[...names, ...summaryNames]
      .filter((name) => figures.includes(name) && thresholds[name] !== undefined)
      .map((name) => ({
        option: `thresholds.${name}`,
        message: `"${name}" is a figure of every run and the name of an evaluator here. Give the evaluator another name.`,
      })),
    ...(comparison?.lowerIsBetter ?? [])
      .filter((name) => !names.includes(name))
      .map((name) => ({
        option: 'comparison.lowerIsBetter',
        message: `There is no evaluator "${name}". Known: ${names.join(', ') || 'none'}.`,
      })),
  ]
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, 'evaluate')
}

async function openSource(options: AnyEvaluateOptions, backend: Backend | undefined, name: string): Promise<DatasetSource> {
  const { dataset, datasetId } = options
  if (dataset !== undefined) return createLocalSource(dataset, name)
  if (backend === undefined) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `Dataset "${datasetId}" is kept in HoneyHive, which needs an API key. Set apiKey or HH_API_KEY, or give "dataset".`,
    )
  }
  return openHostedSource(backend, String(datasetId))
}

interface PlanParts {
  readonly options: AnyEvaluateOptions
  readonly evaluators: readonly NamedEvaluator[]
  readonly source: DatasetSource
  readonly runId: string
  readonly name: string
}

async function createPlan({ options, evaluators, source, runId, name }: PlanParts): Promise<RunPlan> {
  const git = options.git === false ? undefined : await readGitContext()
  return {
    runId,
    name,
    description: options.description,
    datasetId: source.datasetId,
    datapointIds: source.datapointIds ?? [],
    functionName: functionName(options),
    evaluatorNames: evaluators.map((evaluator) => evaluator.name),
    maxConcurrency: options.maxConcurrency ?? 10,
    aggregate: options.aggregate ?? 'average',
    metadata: { ...options.metadata, ...(git === undefined ? {} : { git }) },
  }
}

// An arrow function written in place takes the name of the option it is given as.
function functionName({ function: fn }: AnyEvaluateOptions): string {
  return fn.name === '' ? 'function' : fn.name
}

/** A run whose end nobody waits for is registered all the same. */
const LEAST_REGISTER_MS = 2_000

// A server that does not answer costs no more time before the rows than after them.
async function registerInTime(backend: Backend, plan: RunPlan, options: AnyEvaluateOptions, warnings: string[]): Promise<string> {
  const { reportTimeoutMs = REPORT_TIMEOUT_MS } = options
  const registered = register(backend, plan, options, warnings)
  // Refused after the time was over: the rows say so as well.
  registered.catch(() => undefined)
  const runId = await within(Math.max(reportTimeoutMs, LEAST_REGISTER_MS), registered, () =>
    warnings.push('The server did not register the run in time.'),
  )
  return runId ?? plan.runId
}

async function register(backend: Backend, plan: RunPlan, options: AnyEvaluateOptions, warnings: string[]): Promise<string> {
  // A run id given by the user may be shared by several processes; a second registration would empty the run.
  const isShared = options.resume !== undefined || options.runId !== undefined
  if (isShared && (await exists(backend, plan.runId))) return plan.runId
  try {
    return await createRun(backend, plan)
  } catch (error) {
    if (isKeyRefused(error)) throw error
    if (!isShared || !(await exists(backend, plan.runId)))
      warnings.push(`The run could not be registered at the server: ${describeError(error)}`)
    return plan.runId
  }
}

async function exists(backend: Backend, runId: string): Promise<boolean> {
  return backend.get(`/v1/runs/${encodeURIComponent(runId)}`).then(
    () => true,
    () => false,
  )
}

async function readEarlier(
  options: AnyEvaluateOptions,
  runId: string,
  backend: Backend | undefined,
  evaluators: readonly NamedEvaluator[],
  warnings: string[],
): Promise<ReadonlyMap<string, ExperimentRow>> {
  if (options.resume === undefined) return new Map()
  const { journal } = options
  const rows = await attempt(`Run ${runId} could not be read, so every row runs again`, warnings, () =>
    readFinishedRows({ runId, backend, journal, evaluators }),
  )
  if (rows?.size === 0) warnings.push(describeNothingFound(runId, journal, backend))
  return rows ?? new Map()
}

// A mistyped id, or a folder that is not kept between two jobs, would pass for a resumed run.
function describeNothingFound(runId: string, journal: string | undefined, backend: Backend | undefined): string {
  const places = [...(journal === undefined ? [] : [`the journal in ${journal}`]), ...(backend === undefined ? [] : ['the server'])]
  const where = places.length === 0 ? 'there is neither a journal nor an API key' : `no finished row of it is in ${places.join(' or ')}`
  return `Run ${runId} is not resumed, every row runs: ${where}.`
}

// Read while the rows run: at the end the server may be gone.
async function readBaseline(
  { baseline, baselineRunId, journal }: AnyEvaluateOptions,
  backend: Backend | undefined,
  warnings: string[],
): Promise<ScoredRun | undefined> {
  if (baselineRunId === undefined) return baseline
  return attempt(`Baseline ${baselineRunId} could not be read`, warnings, () => loadScoredRun(baselineRunId, { backend, journal }))
}

function toTracerOptions(options: AnyEvaluateOptions): Parameters<typeof HoneyHiveTracer.init>[0] {
  const { apiKey, serverUrl, source = 'evaluation', tracerOptions } = options
  return { ...tracerOptions, apiKey, serverUrl, source }
}

function openTracer(options: AnyEvaluateOptions, isOffline: boolean, name: string): HoneyHiveTracer {
  const { instrumentations } = options
  const common = {
    ...toTracerOptions(options),
    // The name of a run may be any text; that of a tracer's session is checked.
    sessionName: toWellFormedText(name),
    isEvaluation: true,
    ...(instrumentations === undefined ? {} : { instrumentations }),
  }
  if (!isOffline) return HoneyHiveTracer.init(common)
  // The rows are still recorded, for evaluators that read the spans; what is recorded goes nowhere.
  const { sampler, sampleRate, spanProcessors } = common
  const hasReaders = (sampler ?? sampleRate ?? spanProcessors?.[0]) !== undefined
  const local = hasReaders ? {} : { sampler: RECORD_ONLY }
  return HoneyHiveTracer.init({ ...common, ...local, apiKey: '', testMode: false, disabled: false, exporter: createNullExporter() })
}

/** Spans that are read here and sent nowhere need not be made ready for it. */
const RECORD_ONLY: Sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => 'RecordOnly' }

function createNullExporter(): SpanExporter {
  return {
    export: (_, done) => done({ code: 0 }),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
}

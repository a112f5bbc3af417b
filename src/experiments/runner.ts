import { writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { clearTimeout, setTimeout } from '../builtins.js'
import { type ExperimentDefinition, isExperimentDefinition } from './define.js'
import { findFiles } from './find-files.js'
import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { toProblem } from '../options/check.js'
import { writeText } from '../output.js'
import { given, namesOf, refuseUnknown } from './known-options.js'
import { loadModule } from './load-module.js'
import { loadRun, readReport, RUN_ID } from './report-file.js'
import type { ExperimentSettings } from './options.js'
import { openQueue } from './queues/open.js'
import { coordinateRows, runRowWorker } from './queues/spread.js'
import { isReporter, REPORT_FORMATS, type Reporter } from './report/forms.js'
import { fillName, render, writeReports } from './report/write.js'
import type { ExperimentResult } from './result.js'
import { describeError } from './score.js'

/** Settings of {@link runEvalFiles}. */
export interface EvalFileOptions {
  /** @defaultValue files ending in `.eval.ts`, `.eval.mts`, `.eval.js` or `.eval.mjs` anywhere below `directory` */
  readonly patterns?: readonly string[]
  /** Runs only experiments whose name, or file, contains this text or matches this expression. */
  readonly filter?: string | RegExp
  /** Runs again when a file below `directory` changes, until `signal` aborts. @defaultValue false */
  readonly watch?: boolean
  /** @defaultValue `['table']` */
  readonly reporters?: readonly Reporter[]
  /** @defaultValue the working directory */
  readonly directory?: string
  /** Wins over what the files say, e.g. `maxConcurrency` or `apiKey`. */
  readonly settings?: ExperimentSettings
  /**
   * Run to compare with: the id of a run, or a JSON report, in whose path `{name}` stands for the run's name. A significant
   * regression, or a baseline that cannot be judged, fails the run unless `settings.failOnRegression` is false.
   */
  readonly baseline?: string
  /** Runs only the rows that did not pass in the baseline. @defaultValue false */
  readonly onlyFailed?: boolean
  /**
   * Address of a queue (`redis:` or `postgres:`) over which workers run the rows, see {@link runEvalWorker}; needs `settings.runId`.
   *
   * @defaultValue none: the rows run here
   */
  readonly queue?: string
  /** Stops the experiments, and watching. */
  readonly signal?: AbortSignal
  /** Where reports without a file go. @defaultValue standard output */
  readonly write?: (text: string) => void
  /** Sees the outcome of each pass, which is how watching tells of itself. */
  readonly onSummary?: (summary: EvalSummary) => void
}

/** One experiment that ran. */
export interface EvalRun {
  readonly file: string
  readonly result: ExperimentResult
}

/** What kept a file or an experiment from running. */
export interface EvalFailure {
  readonly file: string
  readonly message: string
}

/** Outcome of one pass over the files. */
export interface EvalSummary {
  /** At least one experiment ran, nothing failed to run, and every result passed. The command line exits with 1 otherwise. */
  readonly passed: boolean
  readonly files: readonly string[]
  readonly runs: readonly EvalRun[]
  readonly failures: readonly EvalFailure[]
}

const OPTION_NAMES = namesOf<EvalFileOptions>({
  patterns: true,
  filter: true,
  watch: true,
  reporters: true,
  directory: true,
  settings: true,
  baseline: true,
  onlyFailed: true,
  queue: true,
  signal: true,
  write: true,
  onSummary: true,
})

const DEFAULT_PATTERNS = ['**/*.eval.{ts,mts,js,mjs}']
/** Editors write a file in several steps. */
const SETTLE_MS = 100

/**
 * Runs the experiments that evaluation files export: every export made by `defineExperiment`. Files and experiments run
 * one after another, so that their rates and times do not mix.
 *
 * @returns the outcome; with `watch` that of the last pass, once `signal` has aborted. Never rejects for what a file does.
 * @throws HoneyHiveConfigError for options that do not exist
 */
export async function runEvalFiles(options: EvalFileOptions = {}): Promise<EvalSummary> {
  refuseUnknown(options, OPTION_NAMES, 'runEvalFiles')
  checkReporters(options.reporters)
  return options.watch === true ? watchAndRun(options) : runOnce(options)
}

// A form that does not exist would be written as another one.
function checkReporters(reporters: unknown = []): void {
  if (Array.isArray(reporters) && reporters.every(isReporter)) return
  throw new HoneyHiveConfigError([toProblem('reporters', REPORTERS, reporters)], 'runEvalFiles')
}

const REPORTERS = {
  expected: `a list of ${REPORT_FORMATS.join(', ')} or { format, file }`,
  remedy: "Give e.g. ['table', { format: 'junit', file: 'report.xml' }].",
}

async function runOnce(options: EvalFileOptions): Promise<EvalSummary> {
  const { patterns = DEFAULT_PATTERNS, directory = process.cwd(), signal } = options
  const { files, problems } = await findFiles(patterns, directory)
  const runs: EvalRun[] = []
  const failures: EvalFailure[] = []
  for (const file of files) {
    if (signal?.aborted === true) failures.push({ file, message: 'The file was not run: the experiments were stopped.' })
    else await runFile(file, options, runs, failures)
  }
  for (const message of problems) failures.push({ file: directory, message })
  if (patterns.length === 0) failures.push({ file: directory, message: 'No file was named: "patterns" is an empty list.' })
  if (runs.length === 0 && failures.length === 0) {
    failures.push({ file: directory, message: `No experiment matches the filter ${String(options.filter)}.` })
  }
  const passed = failures.length === 0 && runs.length > 0 && runs.every(({ result }) => result.passed)
  const summary: EvalSummary = { passed, files, runs, failures }
  options.onSummary?.(summary)
  return summary
}

async function runFile(file: string, options: EvalFileOptions, runs: EvalRun[], failures: EvalFailure[]): Promise<void> {
  const { directory = process.cwd() } = options
  const attempt: Attempt = async (work) => {
    try {
      return await work()
    } catch (error) {
      failures.push({ file, message: describeError(error) })
      return undefined
    }
  }
  const definitions = await attempt(async () => definitionsOf(await loadModule(file, directory), file))
  if (definitions?.length === 0) failures.push({ file, message: 'The file exports no experiment. Export what defineExperiment gives.' })
  for (const [name, definition] of definitions ?? []) {
    if (!isSelected(`${file} ${name}`, options.filter)) continue
    const result = await attempt(() => runOne(name, definition, options))
    if (result === undefined) continue
    runs.push({ file, result })
    await attempt(() => writeReports(result, { reporters: options.reporters ?? ['table'], directory, ...given({ write: options.write }) }))
    if (result.unreported.length > 0) await attempt(() => keepUnreported(result, directory))
  }
}

/** Keeps what fails, which is one of the failures of the pass, from ending what comes after it. */
type Attempt = <T>(work: () => Promise<T>) => Promise<T | undefined>

async function runOne(name: string, definition: ExperimentDefinition, options: EvalFileOptions): Promise<ExperimentResult> {
  const { signal, queue } = options
  if (signal?.aborted === true) throw new HoneyHiveError('EXPERIMENT', `"${name}" was not run: the experiments were stopped.`)
  const settings = {
    printResults: false,
    ...(definition.name === undefined ? { name } : {}),
    ...(await readBaseline(name, options, definition)),
    ...options.settings,
    ...given({ signal }),
  }
  return queue === undefined ? definition.run(settings) : coordinate(queue, definition, settings)
}

async function coordinate(url: string, { options }: ExperimentDefinition, settings: ExperimentSettings): Promise<ExperimentResult> {
  const runId = settings.runId ?? options.runId
  if (runId === undefined)
    throw new HoneyHiveError('EXPERIMENT', 'Rows over a queue need the id of the run, which the workers are given too.')
  const queue = await openQueue(url, runId)
  try {
    // Rows are opaque here, as everywhere in this file.
    return (await coordinateRows({ ...options, ...settings, runId } as never, queue)) as unknown as ExperimentResult
  } finally {
    await queue.close()
  }
}

/** Settings of {@link runEvalWorker}. */
export interface EvalWorkerOptions {
  readonly file: string
  /** Address of the queue, `redis:` or `postgres:`. */
  readonly queue: string
  /** Id of the run the coordinator was given. */
  readonly runId: string
  /** Stops taking rows; those under way are finished. */
  readonly signal: AbortSignal
  /** Chooses one of several experiments of the file by its name. */
  readonly filter?: string
  /** Rows at the same time. @defaultValue that of the experiment */
  readonly concurrency?: number
}

/**
 * Runs rows of the one experiment of a file from a queue, until `signal` aborts.
 *
 * @throws HoneyHiveError `EXPERIMENT` when the file has none, or several, of that name
 */
export async function runEvalWorker({ file, queue: url, runId, signal, filter, concurrency }: EvalWorkerOptions): Promise<void> {
  const directory = process.cwd()
  const found = definitionsOf(await loadModule(resolve(directory, file), directory), file).filter(([name]) => isSelected(name, filter))
  const [first] = found
  if (first === undefined || found.length > 1) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `${file} has ${found.length} experiments of that name; a worker runs one. Choose it with --filter.`,
    )
  }
  const [name, definition] = first
  const queue = await openQueue(url, runId)
  try {
    await runRowWorker({ ...definition.options, name, runId } as never, queue, { signal, ...given({ concurrency }) })
  } finally {
    await queue.close()
  }
}

/** What the command line says of it wins over the file. */
const NO_BASELINE = { baseline: undefined, baselineRunId: undefined } as unknown as ExperimentSettings

async function readBaseline(
  name: string,
  { baseline, onlyFailed = false, directory = process.cwd(), settings }: EvalFileOptions,
  { options }: ExperimentDefinition,
): Promise<ExperimentSettings> {
  if (baseline === undefined) {
    if (onlyFailed) throw new HoneyHiveError('EXPERIMENT', 'Which rows failed is read from a baseline. Give one.')
    return {}
  }
  const run = RUN_ID.test(baseline) ? undefined : await readReport(resolve(directory, fillName(baseline, name)))
  if (!onlyFailed)
    return { ...NO_BASELINE, ...(run === undefined ? { baselineRunId: baseline } : { baseline: run }), failOnRegression: true }
  return { onlyFailedOf: run ?? (await loadRun(baseline, { ...options, ...settings })) }
}

/** The experiments a file exports, with the name each one is shown under. */
function definitionsOf(module: Readonly<Record<string, unknown>>, file: string): readonly (readonly [string, ExperimentDefinition])[] {
  const seen = new Set<unknown>()
  return Object.entries(module).flatMap(([key, value]) => {
    // A CommonJS file comes with its exports once more under `default`.
    const nested =
      key === 'default' && typeof value === 'object' && value !== null && !isExperimentDefinition(value)
        ? Object.entries(value)
        : [[key, value] as const]
    return nested.flatMap(([name, candidate]): (readonly [string, ExperimentDefinition])[] => {
      if (!isExperimentDefinition(candidate) || seen.has(candidate)) return []
      seen.add(candidate)
      return [[candidate.name ?? (name === 'default' ? baseName(file) : name), candidate]]
    })
  })
}

function baseName(file: string): string {
  return file.replace(/^.*[\\/]/, '').replace(/\.eval\.\w+$/, '')
}

function isSelected(text: string, filter: string | RegExp | undefined): boolean {
  if (filter === undefined) return true
  return typeof filter === 'string' ? text.includes(filter) : new RegExp(filter.source, filter.flags.replace(/[gy]/g, '')).test(text)
}

// The result is all there is of these rows; with the run it must not end with the process.
async function keepUnreported(result: ExperimentResult, directory: string): Promise<void> {
  const path = resolve(directory, fillName('{name}.unreported.json', `${result.name}-${result.runId.slice(0, 8)}`))
  await writeFile(path, `${render(result, 'json')}\n`, { mode: 0o600 })
  writeText('stderr', `${result.unreported.length} rows did not reach the server. Send them later: honeyhive-tracer eval report ${path}\n`)
}

// A report written below the watched directory must not start the next pass.
function isReport(changed: string, { reporters = [], directory = process.cwd() }: EvalFileOptions): boolean {
  const files = reporters.flatMap((reporter) =>
    typeof reporter === 'string' || reporter.file === undefined ? [] : [resolve(directory, reporter.file)],
  )
  return files.some((file) => {
    const [before = '', after] = file.split('{name}')
    const path = resolve(directory, changed)
    return after === undefined ? path === before : path.startsWith(before) && path.endsWith(after)
  })
}

/** What a pass writes itself: journals and cache entries are named by ids. */
const OWN_FILE = /\.unreported\.json$|(^|[\\/])([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl|[0-9a-f]{40}\.json(\..*\.tmp)?)$/
const SOURCE_FILE = /\.[mc]?[jt]sx?$|\.(jsonl?|csv|tsv|ya?ml|txt|md)$/
const IGNORED_FOLDER = /(^|[\\/])(node_modules|\.git|dist|coverage)([\\/]|$)/

// Watching starts before the first pass: a file that is saved while it runs is run again.
async function watchAndRun(options: EvalFileOptions): Promise<EvalSummary> {
  const { patterns = DEFAULT_PATTERNS, directory = process.cwd(), signal } = options
  // Loaded here: only watching needs it.
  const { watch } = await import('chokidar')
  // A file that was named may be where nothing else is watched.
  const { files } = await findFiles(patterns, directory)
  const watcher = watch([directory, ...files], {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => !files.includes(path) && IGNORED_FOLDER.test(relative(directory, path)),
  })
  await new Promise<void>((resolveReady) => watcher.once('ready', () => resolveReady()))
  let timer: NodeJS.Timeout | undefined
  let last = runOnce(options)
  watcher.on('all', (_, path) => {
    const name = relative(directory, path)
    if (!SOURCE_FILE.test(name) || OWN_FILE.test(name) || isReport(name, options)) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      last = last.then(() => runOnce(options))
    }, SETTLE_MS)
  })
  await new Promise<void>((stop) => {
    if (signal?.aborted === true) return stop()
    signal?.addEventListener('abort', () => stop(), { once: true })
  })
  await watcher.close()
  clearTimeout(timer)
  return last
}

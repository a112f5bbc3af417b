import { watch as watchDirectory } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type ExperimentDefinition, isExperimentDefinition } from './define.js'
import { findFiles } from './find-files.js'
import { loadModule } from './load-module.js'
import type { ExperimentSettings } from './options.js'
import type { Reporter, ReportFormat } from './report-forms.js'
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
  /** Stops the experiments, and watching. */
  readonly signal?: AbortSignal
  /** Where reports without a file go. @defaultValue `process.stdout.write` */
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

const DEFAULT_PATTERNS = ['**/*.eval.{ts,mts,js,mjs}']
/** Editors write a file in several steps. */
const SETTLE_MS = 100

/**
 * Runs the experiments that evaluation files export: every export made by `defineExperiment`. Files and experiments run
 * one after another, so that their rates and times do not mix.
 *
 * @returns the outcome; with `watch` that of the last pass, once `signal` has aborted. Never rejects for what a file does.
 */
export async function runEvalFiles(options: EvalFileOptions = {}): Promise<EvalSummary> {
  const first = await runOnce(options)
  if (options.watch !== true) return first
  return watchAndRun(options, first)
}

async function runOnce(options: EvalFileOptions): Promise<EvalSummary> {
  const { patterns = DEFAULT_PATTERNS, directory = process.cwd(), signal } = options
  const files = await findFiles(patterns, directory)
  const runs: EvalRun[] = []
  const failures: EvalFailure[] = []
  for (const file of files) {
    if (signal?.aborted === true) break
    await runFile(file, options, runs, failures)
  }
  if (files.length === 0) failures.push({ file: directory, message: `No file matches ${patterns.join(', ')}.` })
  const passed = failures.length === 0 && runs.length > 0 && runs.every(({ result }) => result.passed)
  const summary: EvalSummary = { passed, files, runs, failures }
  options.onSummary?.(summary)
  return summary
}

async function runFile(file: string, options: EvalFileOptions, runs: EvalRun[], failures: EvalFailure[]): Promise<void> {
  const { directory = process.cwd(), signal } = options
  try {
    for (const [name, definition] of definitionsOf(await loadModule(file, directory), file)) {
      if (!isSelected(`${file} ${name}`, options.filter)) continue
      const named = definition.name === undefined ? { name } : {}
      const result = await definition.run({
        printResults: false,
        ...named,
        ...options.settings,
        ...(signal === undefined ? {} : { signal }),
      })
      runs.push({ file, result })
      await report(result, options)
    }
  } catch (error) {
    failures.push({ file, message: describeError(error) })
  }
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

async function report(result: ExperimentResult, options: EvalFileOptions): Promise<void> {
  const { reporters = ['table'], write = (text: string) => void process.stdout.write(text), directory = process.cwd() } = options
  for (const reporter of reporters) {
    const { format, file } = typeof reporter === 'string' ? { format: reporter, file: undefined } : reporter
    const text = render(result, format)
    if (file === undefined) {
      write(`${text}\n`)
      continue
    }
    const path = resolve(directory, file.replaceAll('{name}', result.name.replace(/[^\p{L}\p{N}._-]+/gu, '-')))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${text}\n`)
  }
}

function render(result: ExperimentResult, format: ReportFormat): string {
  if (format === 'json') return JSON.stringify(result.toJSON(), bigintAsText, 2)
  if (format === 'markdown') return result.toMarkdown()
  if (format === 'junit') return result.toJUnit()
  return format === 'html' ? result.toHTML() : result.toTable()
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
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

function watchAndRun(options: EvalFileOptions, first: EvalSummary): Promise<EvalSummary> {
  const { directory = process.cwd(), signal } = options
  return new Promise((done) => {
    let last = first
    let timer: NodeJS.Timeout | undefined
    let running = Promise.resolve()
    const rerun = (): void => {
      running = running.then(async () => {
        last = await runOnce(options)
      })
    }
    const watcher = watchDirectory(directory, { recursive: true }, (_, name) => {
      if (name !== null && /(^|[\\/])(node_modules|\.git|dist)([\\/]|$)/.test(name)) return
      if (name !== null && (!/\.[mc]?[jt]sx?$|\.jsonl?$/.test(name) || isReport(name, options))) return
      clearTimeout(timer)
      timer = setTimeout(rerun, SETTLE_MS)
    })
    const stop = (): void => {
      watcher.close()
      clearTimeout(timer)
      void running.then(() => done(last))
    }
    if (signal?.aborted === true) return stop()
    signal?.addEventListener('abort', stop, { once: true })
  })
}

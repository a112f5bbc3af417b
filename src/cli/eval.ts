import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { ExperimentSettings } from '../experiments/options.js'
import { REPORT_FORMATS, type Reporter } from '../experiments/report/forms.js'
import type { MergeFault } from '../experiments/merge.js'
import type { ExperimentData } from '../experiments/result-data.js'
import { toOneLine } from '../terminal-text.js'
import { createStyle, type Style } from './style.js'

interface EvalFlags {
  readonly filter?: string
  readonly watch?: boolean
  readonly reporter: readonly Reporter[]
  readonly concurrency?: number
  readonly baseline?: string
  readonly failed?: boolean
  readonly first?: number
  readonly trials?: number
  readonly shard?: { readonly index: number; readonly count: number }
  readonly runId?: string
  readonly resume?: string
  readonly journal?: string
  readonly queue?: string
}

interface WorkerFlags {
  readonly queue?: string
  readonly runId?: string
  readonly filter?: string
  readonly concurrency?: number
}

interface MergeFlags {
  readonly reporter: readonly Reporter[]
  readonly baseline?: string
  readonly allow: readonly MergeFault[]
  readonly out?: string
}

/** `honeyhive-tracer eval [PATTERNS…]`, `eval merge PART…` and `eval report FILE`; each exits with 1 unless all is well. */
export function addEvalCommand(program: Command): void {
  const command = program
    .command('eval')
    .argument('[patterns...]', 'files to run', ['**/*.eval.{ts,mts,js,mjs}'])
    .description('run the experiments of evaluation files; exits with 1 unless all of them pass')
    .option('--filter <text>', 'run only experiments whose name or file contains this')
    .option('--watch', 'run again when a file changes')
    .option('--reporter <form[=file]>', `${REPORT_FORMATS.join(', ')}, to the terminal or a file; may be repeated`, addReporter, [])
    .option('--concurrency <number>', 'rows at the same time', toCount)
    .option('--baseline <run>', 'run id, or JSON report ({name} stands for the run); a significant regression fails')
    .option('--failed', 'run only the rows that did not pass in the baseline')
    .option('--first <number>', 'run only the first rows', toCount)
    .option('--trials <number>', 'run each row so many times', toCount)
    .option('--shard <i/n>', 'run one of n parts of the rows, from 1; give all the same --run-id', toShard)
    .option('--run-id <uuid>', 'id of the run')
    .option('--resume <uuid>', 'run to continue')
    .option('--journal <directory>', 'where rows are written as they end')
    .option('--queue <url>', 'redis: or postgres: queue over which workers run the rows; needs --run-id')
    .action(runEval)
  command
    .command('merge')
    .argument('<parts...>', 'JSON reports of the shards')
    .description('put the shards of one run together and judge the whole')
    .option('--reporter <form[=file]>', `${REPORT_FORMATS.join(', ')}, to the terminal or a file; may be repeated`, addReporter, [])
    .option('--baseline <run>', 'run id or JSON report; a significant regression fails')
    .option('--allow <fault>', 'holes, doubles or strangers that are merged all the same; may be repeated', addFault, [])
    .action(async (parts: string[], flags: MergeFlags) => runMerge(parts, withParent(flags, command)))
  command
    .command('worker')
    .argument('<file>', 'evaluation file')
    .description('run rows of an experiment from a queue (--queue, --run-id) until it is told to stop')
    .option('--queue <url>', 'redis: or postgres: queue')
    .option('--run-id <uuid>', 'id of the run')
    .option('--filter <text>', 'experiment, when the file has several')
    .option('--concurrency <number>', 'rows at the same time', toCount)
    .action(async (file: string, flags: WorkerFlags) => runWorker(file, { ...command.opts<WorkerFlags>(), ...flags }))
  command
    .command('report')
    .argument('<file>', 'JSON report of a run')
    .description('send the rows of a run that did not reach the server, or all of an offline run')
    .action(runReport)
}

// Options of the same name before the subcommand belong to `eval`; after it commander gives them to that one as well.
function withParent(flags: MergeFlags, parent: Command): MergeFlags {
  const given: EvalFlags = parent.opts()
  return {
    ...flags,
    ...(flags.reporter.length === 0 ? { reporter: given.reporter } : {}),
    ...((flags.baseline ?? given.baseline) ? { baseline: flags.baseline ?? given.baseline ?? '' } : {}),
  }
}

async function runEval(patterns: string[], flags: EvalFlags): Promise<void> {
  const { runEvalFiles } = await import('../experiments/runner.js')
  const { filter, watch, baseline, failed, reporter, queue } = flags
  const reporters = reporter.length === 0 ? (['table'] as const) : reporter
  const out = outFor(reporters)
  const style = createStyle(out)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const summary = await runEvalFiles({
    patterns,
    reporters,
    signal: stop.signal,
    ...(filter === undefined ? {} : { filter }),
    ...(watch === undefined ? {} : { watch }),
    ...(baseline === undefined ? {} : { baseline }),
    ...(failed === undefined ? {} : { onlyFailed: failed }),
    ...(queue === undefined ? {} : { queue }),
    settings: toSettings(flags),
    onSummary({ passed, runs, failures }) {
      for (const { file, message } of failures) process.stderr.write(`${style.red('failed')} ${toOneLine(`${file}: ${message}`)}\n`)
      for (const { result } of runs) {
        sayFailures(result.toJSON(), style)
      }
      const good = runs.filter(({ result }) => result.passed).length
      out.write(`${passed ? style.green('passed') : style.red('not passed')}: ${good} of ${runs.length} experiments\n`)
    },
  })
  if (!summary.passed) process.exitCode = 1
  // What interrupted rows left running would keep the process alive after its report.
  if (stop.signal.aborted) process.stdout.write('', () => process.exit())
}

function toSettings({ concurrency, first, trials, shard, runId, resume, journal }: EvalFlags): ExperimentSettings {
  return {
    ...(concurrency === undefined ? {} : { maxConcurrency: concurrency }),
    ...(first === undefined ? {} : { first }),
    ...(trials === undefined ? {} : { trials }),
    ...(shard === undefined ? {} : { shard }),
    ...(runId === undefined ? {} : { runId }),
    ...(resume === undefined ? {} : { resume }),
    ...(journal === undefined ? {} : { journal }),
  }
}

async function runMerge(parts: readonly string[], { reporter, baseline, allow }: MergeFlags): Promise<void> {
  const [{ mergeResults }, { readReport, readRun }, { writeReports }] = await Promise.all([
    import('../experiments/merge.js'),
    import('../experiments/report-file.js'),
    import('../experiments/report/write.js'),
  ])
  const reporters = reporter.length === 0 ? (['table'] as const) : reporter
  const style = createStyle(outFor(reporters))
  const results = await Promise.all(parts.map(readReport))
  const gate = baseline === undefined ? {} : { baseline: await readRun(baseline), failOnRegression: true }
  const result = mergeResults(results, { ...gate, allow })
  try {
    await writeReports(result, { reporters })
  } finally {
    // The verdict is told whatever becomes of the reports.
    sayFailures(result.toJSON(), style)
    if (!result.passed) process.exitCode = 1
  }
}

async function runWorker(file: string, { queue, runId, filter, concurrency }: WorkerFlags): Promise<void> {
  const { runEvalWorker } = await import('../experiments/runner.js')
  if (queue === undefined || runId === undefined) throw new InvalidArgumentError('A worker needs --queue and --run-id.')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const chosen = { ...(filter === undefined ? {} : { filter }), ...(concurrency === undefined ? {} : { concurrency }) }
  await runEvalWorker({ file, queue, runId, signal: stop.signal, ...chosen })
}

async function runReport(file: string): Promise<void> {
  const [{ reportResult }, { readReport }] = await Promise.all([
    import('../experiments/report-later.js'),
    import('../experiments/report-file.js'),
  ])
  const data = await readReport(file)
  const { reported, unreported, warnings } = await reportResult(data)
  for (const warning of warnings) process.stderr.write(`${toOneLine(warning)}\n`)
  process.stdout.write(`${reported} rows of run ${toOneLine(data.runId)} were reported, ${unreported.length} were not\n`)
  if (unreported.length > 0) process.exitCode = 1
  else if (data.unreported.length > 0) await writeFile(file, `${JSON.stringify({ ...data, unreported: [] }, null, 2)}\n`)
}

/** Why a run has not passed, masked as its reports are. */
function sayFailures({ name, failures }: ExperimentData, style: Style): void {
  for (const failure of failures) process.stderr.write(`${style.red('not passed')} ${toOneLine(`${name}: ${failure}`)}\n`)
}

// Programs read the other forms, so nothing else may stand between them.
function outFor(reporters: readonly Reporter[]): NodeJS.WriteStream {
  return reporters.every((form) => form === 'table' || typeof form === 'object') ? process.stdout : process.stderr
}

function addReporter(text: string, known: readonly Reporter[]): Reporter[] {
  const at = text.indexOf('=')
  const form = at === -1 ? text : text.slice(0, at)
  const format = REPORT_FORMATS.find((name) => name === form)
  if (format === undefined) throw new InvalidArgumentError(`Known forms: ${REPORT_FORMATS.join(', ')}.`)
  if (at === -1) return [...known, format]
  const file = text.slice(at + 1)
  if (file === '') throw new InvalidArgumentError(`Name a file after "${form}=", or leave out the "=" for the terminal.`)
  return [...known, { format, file }]
}

function addFault(text: string, known: readonly MergeFault[]): MergeFault[] {
  if (text !== 'holes' && text !== 'doubles' && text !== 'strangers') throw new InvalidArgumentError('Give holes, doubles or strangers.')
  return [...known, text]
}

function toCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number from 1.')
  return count
}

function toShard(text: string): { readonly index: number; readonly count: number } {
  const [part, count, ...others] = text.split('/').map(Number)
  if (
    others.length > 0 ||
    part === undefined ||
    count === undefined ||
    !Number.isInteger(part) ||
    !Number.isInteger(count) ||
    part < 1 ||
    part > count
  ) {
    throw new InvalidArgumentError('Give the number of the part and of all parts, e.g. 2/8.')
  }
  return { index: part - 1, count }
}

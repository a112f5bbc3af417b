import { type Command, InvalidArgumentError } from 'commander'
import { REPORT_FORMATS, type Reporter } from '../experiments/report-forms.js'
import { createStyle } from './style.js'

interface EvalFlags {
  readonly filter?: string
  readonly watch?: boolean
  readonly reporter: readonly Reporter[]
  readonly concurrency?: number
}

/** `honeyhive-tracer eval [PATTERNS…]`: runs experiments and exits with 1 when one of them does not pass. */
export function addEvalCommand(program: Command): void {
  program
    .command('eval')
    .argument('[patterns...]', 'files to run', ['**/*.eval.{ts,mts,js,mjs}'])
    .description('run the experiments of evaluation files; exits with 1 unless all of them pass their thresholds')
    .option('--filter <text>', 'run only experiments whose name or file contains this')
    .option('--watch', 'run again when a file changes')
    .option('--reporter <form[=file]>', `${REPORT_FORMATS.join(', ')}, to the terminal or a file; may be repeated`, addReporter, [])
    .option('--concurrency <number>', 'rows at the same time', toCount)
    .action(runEval)
}

async function runEval(patterns: string[], { filter, watch, reporter, concurrency }: EvalFlags): Promise<void> {
  const { runEvalFiles } = await import('../experiments/runner.js')
  const reporters = reporter.length === 0 ? (['table'] as const) : reporter
  // Programs read the other forms, so nothing else may stand between them.
  const out = reporters.every((form) => form === 'table' || typeof form === 'object') ? process.stdout : process.stderr
  const style = createStyle(out)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const summary = await runEvalFiles({
    patterns,
    reporters,
    signal: stop.signal,
    ...(filter === undefined ? {} : { filter }),
    ...(watch === undefined ? {} : { watch }),
    ...(concurrency === undefined ? {} : { settings: { maxConcurrency: concurrency } }),
    onSummary({ passed, runs, failures }) {
      for (const { file, message } of failures) process.stderr.write(`${style.red('failed')} ${file}: ${message}\n`)
      const good = runs.filter(({ result }) => result.passed).length
      out.write(`${passed ? style.green('passed') : style.red('not passed')}: ${good} of ${runs.length} experiments\n`)
    },
  })
  if (!summary.passed) process.exitCode = 1
  // What interrupted rows left running would keep the process alive after its report.
  if (stop.signal.aborted) process.stdout.write('', () => process.exit())
}

function addReporter(text: string, known: readonly Reporter[]): Reporter[] {
  const [form = '', file] = text.split('=', 2)
  const format = REPORT_FORMATS.find((name) => name === form)
  if (format === undefined) throw new InvalidArgumentError(`Known forms: ${REPORT_FORMATS.join(', ')}.`)
  return [...known, file === undefined || file === '' ? format : { format, file }]
}

function toCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number from 1.')
  return count
}

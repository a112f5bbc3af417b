import { HoneyHiveError } from '../errors.js'
import { createLocalSource, type SourceRow } from './dataset.js'
import type { ExperimentDefinition } from './define.js'
import type { Experiment } from './experiment.js'
import { formatScore, formatValue } from './report/format.js'
import { namesOf, refuseUnknown } from './known-options.js'
import { openExperiment } from './open-experiment.js'
import type { ExperimentData } from './result.js'
import { selectRows } from './selection.js'
import { Stop } from './stop.js'
import type { ExperimentRow } from './types.js'
import { findGateFailures } from './verdict.js'

/** The functions of a test framework that are used; vitest, jest and `node:test` all have them. */
export interface TestApi {
  /** Groups the tests of one experiment under its name. */
  readonly describe: (name: string, define: () => void) => unknown
  /** Declares the test of one row, or of the thresholds. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Runs before the first row. */
  readonly beforeAll: (run: () => Promise<void>) => unknown
  /** Runs after the last row. */
  readonly afterAll: (run: () => Promise<void>) => unknown
}

/** Settings of {@link defineExperimentTests}. */
export interface ExperimentTestOptions {
  /** Sees the result after the last row, before the thresholds are asserted. */
  readonly onResult?: (result: ExperimentData) => void | Promise<void>
}

const OPTION_NAMES = namesOf<ExperimentTestOptions>({ onResult: true })

/**
 * Makes a test of each row of an experiment, and one more for its thresholds, so that they run, filter and report like any
 * test; the run still appears as one experiment. `first`, `filter`, `onlyFailedOf`, `shard` and `trials` choose the rows as they do in
 * `evaluate`; how many run at once and how progress is shown is the framework's.
 *
 * @example
 * ```ts
 * import { afterAll, beforeAll, describe, test } from 'vitest'
 *
 * defineExperimentTests(experiment, { describe, test, beforeAll, afterAll })
 * ```
 * @throws HoneyHiveConfigError for options that do not exist
 * @throws HoneyHiveError `EXPERIMENT` when the dataset is no list: tests are declared before anything can be awaited
 */
export function defineExperimentTests(
  experiment: Pick<ExperimentDefinition, 'options' | 'name'>,
  api: TestApi,
  testOptions: ExperimentTestOptions = {},
): void {
  refuseUnknown(testOptions, OPTION_NAMES, 'defineExperimentTests')
  const { options } = experiment
  const { name = 'experiment' } = options
  const { rows, hasChosen } = listRows(options, name)
  let open: Experiment | undefined
  const opened = (): Experiment => {
    if (open === undefined) throw new HoneyHiveError('EXPERIMENT', 'The experiment could not be opened; see the failure of beforeAll.')
    return open
  }
  api.describe(name, () => {
    api.beforeAll(async () => {
      open = await openExperiment(
        { handleSignals: false, ...options },
        options.signal === undefined ? new Stop() : Stop.from(options.signal),
      )
    })
    for (const row of rows) {
      api.test(`row ${describeSource(row)}`, async () => assertRow(await opened().run(row)))
    }
    // Frameworks run no hook where there is no test, so that nothing would be judged.
    if (rows.length === 0) api.test(hasChosen ? 'no row falls to this shard' : 'has rows', async () => assertChosen(hasChosen))
    api.afterAll(async () => {
      if (open === undefined) return
      const result = await open.finish()
      await testOptions.onResult?.(result)
      assertThresholds(result)
    })
  })
}

interface ListedRows {
  /** Those of this process, each trial for itself. */
  readonly rows: readonly SourceRow[]
  /** Whether the experiment has rows, though they may be those of other shards. */
  readonly hasChosen: boolean
}

function listRows(options: ExperimentDefinition['options'], name: string): ListedRows {
  const { dataset } = options
  if (!Array.isArray(dataset))
    throw new HoneyHiveError(
      'EXPERIMENT',
      'defineExperimentTests needs a list as "dataset": the tests are declared before rows could be fetched.',
    )
  const selected = selectRows(createLocalSource(dataset, name), options)
  // A list gives its rows at once.
  return { rows: [...(selected.rows() as Iterable<SourceRow>)], hasChosen: (selected.selected() ?? 0) > 0 }
}

function describeSource({ index, trial, raw }: SourceRow): string {
  return `${index}${trial === undefined ? '' : `/${trial}`} ${formatValue(Object(raw).inputs, 60)}`
}

function assertChosen(hasChosen: boolean): void {
  if (hasChosen) return
  throw new HoneyHiveError('EXPERIMENT', 'No row was run: the dataset is empty, or "filter" or "onlyFailedOf" left none.')
}

function assertRow(row: ExperimentRow): void {
  if (row.passed) return
  if (row.error !== undefined) throw new HoneyHiveError('EXPERIMENT', `The function failed: ${row.error.name}: ${row.error.message}`)
  const problems = Object.entries(row.evaluatorErrors).map(([name, reason]) => `${name} failed: ${reason}`)
  const scores = Object.entries(row.metrics).map(([name, value]) => `${name} = ${formatScore(value)}`)
  throw new HoneyHiveError(
    'EXPERIMENT',
    [`Row ${row.index} did not pass. Outputs: ${formatValue(row.outputs, 400)}`, ...problems, ...scores].join('\n'),
  )
}

// Rows that failed are tests of their own.
function assertThresholds(result: ExperimentData): void {
  const missed = result.thresholds.filter((outcome) => !outcome.passed)
  const failures = findGateFailures({ ...result, comparison: result.comparison })
  if (missed.length === 0 && failures.length > 0) throw new HoneyHiveError('EXPERIMENT', `Not passed:\n${failures.join('\n')}`)
  if (missed.length === 0) return
  const lines = missed.map(
    ({ name, aggregate, actual, min, max }) => `${name}: ${aggregate} is ${actual ?? 'missing'}, expected ${min ?? '−∞'} to ${max ?? '∞'}`,
  )
  throw new HoneyHiveError('EXPERIMENT', `Thresholds not met:\n${lines.join('\n')}`)
}

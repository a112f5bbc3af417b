import { resolveConfig } from '../config/resolve.js'
import { HoneyHiveError } from '../errors.js'
import { checkOptions } from '../options/check.js'
import { ANYTHING, type OptionSpec } from '../options/spec.js'
import { type Backend, createBackend } from './backend.js'
import { COMPARE_OPTIONS, PATH } from './check-options.js'
import { type CompareOptions, compareScoredRuns, type RunComparison, type ScoredRun } from './compare-rows.js'
import { type ExperimentData, findRunDamage } from './result-data.js'
import { fetchRunResult, type RunResult } from './run-result.js'
import type { RunExtent } from './run-extent.js'
import { loadScoredRun } from './scored-run.js'
import type { Aggregate } from '../values/statistics.js'

/** How to reach the server. */
export interface ServerOptions {
  /** Environment `HH_API_KEY`. */
  readonly apiKey?: string
  /** Environment `HH_API_URL`. */
  readonly serverUrl?: string
}

/** Settings of {@link compareRuns}. */
export interface CompareRunsOptions extends ServerOptions, CompareOptions {
  /** Directory of journals in which runs given by id are looked up first. */
  readonly journal?: string
}

const OPTIONS: Readonly<Record<keyof CompareRunsOptions, OptionSpec>> = {
  // Checked with the options of a tracer.
  apiKey: ANYTHING,
  serverUrl: ANYTHING,
  journal: PATH,
  ...COMPARE_OPTIONS,
}

/** A result, its JSON, or the id of a run. */
export type RunReference =
  | string
  | (Pick<ExperimentData, 'runId' | 'name' | 'rows'> & Partial<Pick<ExperimentData, 'evaluators'>> & RunExtent)

/**
 * Compares two runs row by row: which rows and metrics improved, got worse or stayed, whether the difference may be chance,
 * and how small a change this comparison could have seen.
 *
 * @throws HoneyHiveError `EXPERIMENT` when a run given by id is not known or has no scores
 */
export async function compareRuns(newRun: RunReference, oldRun: RunReference, options: CompareRunsOptions = {}): Promise<RunComparison> {
  checkOptions(options, OPTIONS, 'compareRuns')
  return withBackend(options, async (backend) => {
    const load = (run: RunReference): Promise<ScoredRun> =>
      typeof run === 'string' ? loadScoredRun(run, { backend, journal: options.journal }) : Promise.resolve(run)
    const [newest, oldest] = await Promise.all([load(newRun), load(oldRun)])
    checkRun(newest, 'first')
    checkRun(oldest, 'second')
    return compareScoredRuns(newest, oldest, options)
  })
}

function checkRun(run: ScoredRun, which: string): void {
  const damage = findRunDamage(run)
  if (damage !== undefined) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `compareRuns: the ${which} run is an object ${damage}. Give a result, its JSON, or the id of a run.`,
    )
  }
}

/**
 * The result of a run as the server computed it.
 *
 * @throws HoneyHiveError `EXPERIMENT` without a key, otherwise as the request does
 */
export async function getRunResult(runId: string, options: ServerOptions & { readonly aggregate?: Aggregate } = {}): Promise<RunResult> {
  return withBackend(options, (backend) => {
    if (backend === undefined) throw new HoneyHiveError('EXPERIMENT', 'getRunResult needs an API key. Set apiKey or HH_API_KEY.')
    return fetchRunResult(backend, runId, options.aggregate ?? 'average')
  })
}

/** Gives `use` the requests of a server, when there is a key, and gives their sockets back. */
export async function withBackend<T>({ apiKey, serverUrl }: ServerOptions, use: (backend: Backend | undefined) => Promise<T>): Promise<T> {
  const backend = createBackend(resolveConfig({ apiKey, serverUrl }))
  try {
    return await use(backend)
  } finally {
    await backend?.close()
  }
}

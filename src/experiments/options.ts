import type { TracerOptions } from '../config/options.js'
import type { InstrumentationLike } from '../config/resolved.js'
import type { CompareOptions, ScoredRun } from './compare-rows.js'
import type { RateLimits } from './rate-limit.js'
import type { Aggregate } from '../values/statistics.js'
import type { SummaryEvaluators } from './summary-evaluators.js'
import type { ThresholdMap } from './thresholds.js'
import type {
  DatapointInput,
  EvaluatorSet,
  Evaluators,
  ExperimentFunction,
  ExperimentRow,
  GroundTruthOf,
  InputsOf,
  ScoresOf,
  Settled,
} from './types.js'

/** State of a running experiment, as `onProgress` sees it after each row. */
export interface ExperimentProgress {
  readonly runId: string
  readonly done: number
  readonly failed: number
  /** `undefined` while the dataset is a stream whose length is not known. */
  readonly total: number | undefined
  /** Milliseconds since the first row started. */
  readonly elapsedMs: number
  /** The row that has just ended. */
  readonly row: ExperimentRow
}

/** Keeps outputs of the function on disk, so that a second run only scores. */
export interface CacheOptions {
  /** Created when missing; one small JSON file for each row. */
  readonly directory: string
  /**
   * Part of the key beside the function's name, its text and all fields of the row. Change it when something the function
   * calls or closes over has changed (a model, a prompt), because that is not visible in its text. A row that holds
   * something whose inside cannot be seen, such as a function, is never cached.
   *
   * @defaultValue `''`
   */
  readonly version?: string
}

/** What one row may use; a row that uses more fails. What its evaluators use does not count, except for the time. */
export interface RowLimits {
  /** Milliseconds with all retries and the evaluators. */
  readonly durationMs?: number
  /** Tokens, as the model spans report them while they end. */
  readonly tokens?: number
  /** US dollars, as the model spans report them while they end. */
  readonly cost?: number
}

/** Part of the dataset this process runs: the rows whose index leaves the rest `index` when divided by `count`. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/** Settings of `evaluate` that do not depend on the types of the rows. */
export interface ExperimentSettings {
  /** Name of the run. @defaultValue `experiment-` and the first 8 digits of the run id */
  readonly name?: string
  /** Free text stored with the run. */
  readonly description?: string
  /** UUID of the run, for several processes that share one. @defaultValue a new UUIDv4 */
  readonly runId?: string
  /** Rows that run at the same time; the next starts as soon as one ends. @defaultValue 10 */
  readonly maxConcurrency?: number
  /** Function the summary shows for each metric. @defaultValue `'average'` */
  readonly aggregate?: Aggregate
  /** Environment `HH_API_KEY`. Without a key the experiment runs fully offline. */
  readonly apiKey?: string
  /** Environment `HH_API_URL`. @defaultValue the tracer's default */
  readonly serverUrl?: string
  /** Label of the sessions. @defaultValue `'evaluation'` */
  readonly source?: string
  /** OpenTelemetry instrumentations; their spans join the session of the row that caused them. They stay enabled for who uses them next. */
  readonly instrumentations?: readonly InstrumentationLike[]
  /** Further settings of the tracer that records the rows, e.g. `redact`, `batch`, `fetch`. */
  readonly tracerOptions?: Omit<TracerOptions, 'apiKey' | 'serverUrl' | 'source' | 'instrumentations' | 'exporter'>
  /** Longest time of one attempt of the function, and of one evaluator, in milliseconds. @defaultValue no limit */
  readonly timeoutMs?: number
  /** Further attempts after the function, or an evaluator, threw or ran out of time. @defaultValue 0 */
  readonly retries?: number
  /**
   * Milliseconds before the first further attempt; doubles with each one, up to 30 s, and half of it is random. A pause that
   * the error asks for with a `Retry-After` header is kept instead.
   *
   * @defaultValue 100
   */
  readonly retryDelayMs?: number
  /** Calls of the function, and of evaluators with a `rateLimit`, in a minute; one limit or one for each key. @defaultValue none */
  readonly rateLimit?: RateLimits
  /** What one row may use. @defaultValue no limits */
  readonly rowLimits?: RowLimits
  /** Times each row runs, each in a session of its own; intervals and comparisons go by the rows' means. @defaultValue 1 */
  readonly trials?: number
  /** Runs only the first rows. @defaultValue all */
  readonly first?: number
  /** Runs only the rows for which it gives true; `index` counts all rows of the dataset. @defaultValue all */
  readonly filter?: (row: unknown, index: number) => boolean
  /** Runs only the rows that failed or did not pass in this run. @defaultValue all */
  readonly onlyFailedOf?: Pick<ScoredRun, 'rows'> & { readonly omittedRows?: number }
  /** Stops the experiment: running rows are aborted, no further ones start, the result says `cancelled`. */
  readonly signal?: AbortSignal
  /** Run to compare with; the comparison is in the result and in every report. */
  readonly baselineRunId?: string
  /** The same, as a result or its JSON. */
  readonly baseline?: ScoredRun
  /** A significant regression of any score makes `passed` false, and so does a baseline that cannot be judged. @defaultValue false */
  readonly failOnRegression?: boolean
  /** How the comparison is made. */
  readonly comparison?: Omit<CompareOptions, 'seed'>
  /** Longest time `evaluate` waits for the server to register the run (2 s at least), and after the last row, in milliseconds. @defaultValue 20_000 */
  readonly reportTimeoutMs?: number
  /**
   * Address of a row's trace for the reports, with `{sessionId}` in the place of its session.
   *
   * @defaultValue the page of a local server; none for any other
   */
  readonly traceUrl?: string
  /** Prints the table to standard output. @defaultValue true */
  readonly printResults?: boolean
  /** A bar on a terminal and a few plain lines elsewhere, on standard error. @defaultValue true */
  readonly progress?: boolean
  /** Called after each row and not waited for; what it throws, or rejects with, is reported as a warning of the result. */
  readonly onProgress?: (progress: ExperimentProgress) => void
  /** Run to continue: rows that succeeded in it are taken over, the others run. */
  readonly resume?: string
  /**
   * Directory with one append-only file for each run, from which `resume` continues without a server.
   *
   * @defaultValue none: nothing is written
   */
  readonly journal?: string
  /** Directory, or more, of the output cache. @defaultValue none */
  readonly cache?: string | CacheOptions
  /** Runs only a part of the dataset; put the parts together with `mergeResults`. */
  readonly shard?: Shard
  /** Rows kept in the result; the statistics always cover all. @defaultValue all of an array, 10_000 of a stream */
  readonly maxRows?: number
  /** Seed of everything random in the statistics. @defaultValue 1 */
  readonly seed?: number
  /** Whether commit, branch and state of the working tree go with the run; never credentials or e-mail. @defaultValue true */
  readonly git?: boolean
  /** Stored with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** First Ctrl-C or SIGTERM stops the experiment and reports, the second ends the process. @defaultValue true */
  readonly handleSignals?: boolean
}

/** Options of `evaluate`. Exactly one of `dataset` and `datasetId` is given. */
export interface EvaluateOptions<Row extends DatapointInput, Output, E extends EvaluatorSet> extends ExperimentSettings {
  /** Rows here: a list, or anything that can be iterated, also asynchronously and without end in memory. */
  readonly dataset?: Iterable<Row> | AsyncIterable<Row>
  /** Id of a dataset in HoneyHive; fetched in pages while the rows run. */
  readonly datasetId?: string
  /** Checks and types a row of the dataset; what it throws fails that row. */
  readonly parse?: (row: unknown) => Row
  /** Function under test. */
  readonly function: ExperimentFunction<Row, Output>
  /** @defaultValue none */
  // The intersection lets the parameters of evaluators written in place be typed by what the function above returns.
  readonly evaluators?: E & Evaluators<Settled<Output>, InputsOf<Row>, GroundTruthOf<Row>>
  /** Scores of the data set as a whole, from all of its rows. @defaultValue none */
  readonly summaryEvaluators?: SummaryEvaluators<Row, Output>
  /** What makes `result.passed` false. */
  readonly thresholds?: ThresholdMap<keyof ScoresOf<E> & string>
}

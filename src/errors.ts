/** Stable machine-readable kinds of failure; compare these, not class identity. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_FILE'
  | 'UNKNOWN_TRACER'
  | 'TRACER_POOL'
  | 'HTTP_STATUS'
  | 'HTTP_TIMEOUT'
  | 'HTTP_NETWORK'
  | 'HTTP_ABORTED'
  | 'BAD_REPLY'
  | 'ISOLATION'
  | 'EXPERIMENT'
  | 'DEV_SERVER'

/** Base of every error this package throws on purpose. */
export class HoneyHiveError extends Error {
  /** Stable kind of this failure. */
  readonly code: ErrorCode
  /** Lets another copy of this package recognise the error; see {@link isHoneyHiveError}. */
  readonly isHoneyHiveError: true = true
  // A field, here and in every error: where a host froze `Error.prototype`, to assign a name throws.
  override name: string = 'HoneyHiveError'

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** One wrong setting: what was expected, what was found, and where it came from. */
export interface ConfigProblem {
  /** Option as written by the user, e.g. `batch.maxQueueSize`. */
  readonly option: string
  /** What is wrong and what to do, as one sentence; never contains a secret. */
  readonly message: string
}

/** Wrong settings given in code or in a file; lists every problem at once. */
export class HoneyHiveConfigError extends HoneyHiveError {
  /** Every problem found, in the order of the options. */
  readonly problems: readonly ConfigProblem[]
  override name: string = 'HoneyHiveConfigError'

  constructor(problems: readonly ConfigProblem[], where = 'HoneyHiveTracer.init') {
    const lines = problems.map((problem) => `  - ${problem.message}`)
    super('CONFIG_INVALID', `${where}: ${problems.length} invalid setting${problems.length === 1 ? '' : 's'}.\n${lines.join('\n')}`)
    this.problems = problems
  }
}

/** True for errors of this package, also when a second copy of it is loaded. */
export function isHoneyHiveError(value: unknown): value is HoneyHiveError {
  return typeof value === 'object' && value !== null && 'isHoneyHiveError' in value
}

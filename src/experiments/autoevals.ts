import { evaluator } from './evaluator.js'
import { given } from './known-options.js'
import { DEFAULT_KEY } from './rate-limit.js'
import { toText } from './evaluators/text.js'
import type { Evaluator, ScoreDetails } from './types.js'

/** A scorer of the package `autoevals`, or anything of its shape. */
export type AutoevalsScorer = (args: never) => AutoevalsScore | PromiseLike<AutoevalsScore>

/** What such a scorer gives. */
export interface AutoevalsScore {
  readonly name: string
  readonly score?: number | null
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly error?: unknown
}

/** Settings of {@link fromAutoevals}. */
export interface AutoevalsOptions<Name extends string, Outputs, Inputs, GroundTruth> {
  /** Name of the metric. @defaultValue the name of the scorer */
  readonly name?: Name
  /** What the scorer is called with. @defaultValue `{ input, output, expected }`, as text where they are no text */
  readonly args?: (row: {
    readonly outputs: Outputs
    readonly inputs: Inputs
    readonly groundTruth: GroundTruth
  }) => Readonly<Record<string, unknown>>
  /** Settings of every call, such as `model`, `client`, `context`. @defaultValue none */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Lowest score that passes. @defaultValue nothing is decided */
  readonly threshold?: number
  /** @defaultValue 1 */
  readonly weight?: number
  /** Further attempts after the scorer failed. @defaultValue `retries` of the run */
  readonly retries?: number
  /** Key of the run's `rateLimit` that each attempt takes a turn of. @defaultValue `'default'`, shared with the function */
  readonly rateLimit?: string
}

/**
 * Makes an evaluator of a scorer of `autoevals`: its rationale becomes the explanation, its choice an extra, its errors those of the
 * evaluator. The package is the caller's; nothing is loaded here.
 *
 * @example
 * ```ts
 * import { Factuality, Levenshtein } from 'autoevals'
 *
 * evaluators: [fromAutoevals(Factuality, { settings: { client } }), fromAutoevals(Levenshtein)]
 * ```
 */
export function fromAutoevals<const Name extends string = string, Outputs = unknown, Inputs = unknown, GroundTruth = unknown>(
  scorer: AutoevalsScorer,
  options: AutoevalsOptions<Name, Outputs, Inputs, GroundTruth> = {},
): Evaluator<Name, Outputs, Inputs, GroundTruth, ScoreDetails<number> | undefined> {
  const { name = nameOf(scorer), args = defaultArgs, settings = {}, threshold, weight, retries, rateLimit = DEFAULT_KEY } = options
  // `Name` is inferred from `options.name`; without it the name is the scorer's, which its type does not tell.
  return evaluator(name as Name, {
    evaluate: async (outputs: Outputs, inputs: Inputs, groundTruth: GroundTruth) => {
      // Each scorer has parameters of its own; what the caller gives is what it asks for.
      const { score, metadata = {}, error } = await scorer({ ...settings, ...args({ outputs, inputs, groundTruth }) } as never)
      if (error !== undefined && error !== null) throw error instanceof Error ? error : new Error(toText(error))
      if (score === undefined || score === null) return undefined
      const { rationale, choice } = metadata
      return { score, ...given({ explanation: rationale === undefined ? undefined : toText(rationale), choice }) }
    },
    rateLimit,
    ...given({ threshold, weight, retries }),
  })
}

function nameOf(scorer: AutoevalsScorer): string {
  return scorer.name === '' ? 'autoevals' : scorer.name
}

function defaultArgs({
  outputs,
  inputs,
  groundTruth,
}: {
  readonly outputs: unknown
  readonly inputs: unknown
  readonly groundTruth: unknown
}) {
  const expected = groundTruth === undefined || groundTruth === null ? undefined : toText(groundTruth)
  return { input: toText(inputs), output: toText(outputs), expected } as Readonly<Record<string, unknown>>
}

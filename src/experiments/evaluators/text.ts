import { evaluator } from '../evaluator.js'
import { isThenable } from '../stop.js'
import { given, namesOf, refuseUnknown } from '../known-options.js'
import type { Evaluator, ScoreDetails } from '../types.js'
import {
  type BleuOptions,
  bleuScore,
  bleuTokens,
  editSimilarity,
  normalizedTokens,
  type Overlap,
  rougeLScore,
  rougeNScore,
  rougeTokens,
  tokenOverlap,
} from './text-metrics.js'

/** What every built-in evaluator of text takes. */
export interface TextOptions<Name extends string = string> {
  /** Name of the metric. */
  readonly name?: Name
  /** Part of the outputs that is compared, or a promise of it. @defaultValue the outputs; what is not text is compared as JSON */
  readonly select?: (outputs: unknown) => unknown
  /** What it is compared with, or a promise of it. @defaultValue the ground truth */
  readonly expected?: (groundTruth: unknown, inputs: unknown) => unknown
  /** Lowest score that passes, with `lowerIsBetter` the highest. @defaultValue nothing is decided, except by boolean scores */
  readonly threshold?: number
  /** Less of it is better. @defaultValue false */
  readonly lowerIsBetter?: boolean
  /** Score of a row that failed. @defaultValue the worst, see `evaluator` */
  readonly failedScore?: number
  /** @defaultValue 1 */
  readonly weight?: number
}

const OPTION_NAMES = namesOf<TextOptions>({
  name: true,
  select: true,
  expected: true,
  threshold: true,
  lowerIsBetter: true,
  failedScore: true,
  weight: true,
})

/** True when the text is the expected one. Surrounding white space counts unless `trim` is left on. */
export function exactMatch<const Name extends string = 'exact_match'>(
  options: TextOptions<Name> & { readonly ignoreCase?: boolean; readonly trim?: boolean } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  const { ignoreCase = false, trim = true } = options
  const prepare = (text: string): string => {
    const trimmed = trim ? text.trim() : text
    return ignoreCase ? trimmed.toLowerCase() : trimmed
  }
  return compareTexts(options, 'exact_match', (text, expected) => prepare(text) === prepare(expected), ['ignoreCase', 'trim'])
}

/** True when the text contains the expected one, or every one of a list; where nothing is expected, it does not pass. */
export function includes<const Name extends string = 'includes'>(
  options: TextOptions<Name> & { readonly ignoreCase?: boolean } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  const fold = (text: string): string => (options.ignoreCase === true ? text.toLowerCase() : text)
  const score = (actual: unknown, expected: unknown): boolean => {
    const text = fold(toText(actual))
    const wanted = Array.isArray(expected) ? expected.map(toText) : [toText(expected)]
    // Every text holds the empty one.
    if (wanted.every((part) => part === '')) return options.lowerIsBetter === true
    return wanted.every((part) => text.includes(fold(part)))
  }
  return compare(options, 'includes', score, ['ignoreCase'])
}

/** True when the text matches `pattern`; without one the ground truth is the pattern, and where there is none it does not pass. */
export function regex<const Name extends string = 'regex'>(
  options: TextOptions<Name> & { readonly pattern?: RegExp } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  const score = (actual: unknown, expected: unknown): boolean => {
    const pattern = options.pattern ?? (expected instanceof RegExp ? expected : new RegExp(toText(expected)))
    // An empty pattern matches everything.
    if (options.pattern === undefined && pattern.source === EMPTY_SOURCE) return options.lowerIsBetter === true
    // A global expression keeps its position between calls; rows must not see one another.
    return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(toText(actual))
  }
  return compare(options, 'regex', score, ['pattern'])
}

/** What an empty pattern says of itself. */
const EMPTY_SOURCE = '(?:)'

/** Similarity by edit distance, 0 to 1: 1 − changed characters ÷ length of the longer text. */
export function levenshtein<const Name extends string = 'levenshtein'>(
  options: TextOptions<Name> = {},
): Evaluator<Name, unknown, unknown, unknown, number> {
  return compareTexts(options, 'levenshtein', editSimilarity)
}

/** F1 of the common words, normalised as for SQuAD; precision and recall are extras. */
export function tokenF1<const Name extends string = 'token_f1'>(
  options: TextOptions<Name> = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<number>> {
  return compareTexts(options, 'token_f1', (text, expected) => {
    return toDetails(tokenOverlap(normalizedTokens(text), normalizedTokens(expected)))
  })
}

/** Sentence BLEU, 0 to 1, as sacrebleu computes it; a list as ground truth gives several references. */
export function bleu<const Name extends string = 'bleu'>(
  options: TextOptions<Name> & BleuOptions = {},
): Evaluator<Name, unknown, unknown, unknown, number> {
  const score = (actual: unknown, expected: unknown): number => {
    const references = (Array.isArray(expected) ? expected : [expected]).map((reference) => bleuTokens(toText(reference)))
    return bleuScore(bleuTokens(toText(actual)), references, options)
  }
  return compare(options, 'bleu', score, ['maxOrder', 'smooth'])
}

/** Settings of the ROUGE evaluators. */
export interface RougeOptions {
  /** Splits a text into words. @defaultValue as rouge-score does: runs of `a` to `z` and digits, in lower case */
  readonly tokens?: (text: string) => readonly string[]
}

/** ROUGE-L F1 by the longest common subsequence of words, as rouge-score computes it; precision and recall are extras. */
export function rougeL<const Name extends string = 'rouge_l'>(
  options: TextOptions<Name> & RougeOptions = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<number>> {
  const { tokens = rougeTokens } = options
  return compareTexts(options, 'rouge_l', (text, expected) => toDetails(rougeLScore(tokens(text), tokens(expected))), ['tokens'])
}

/** ROUGE-N F1 of runs of `order` words, as rouge-score computes it; precision and recall are extras. */
export function rougeN<const Name extends string = 'rouge_n'>(
  options: TextOptions<Name> & RougeOptions & { readonly order?: number } = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<number>> {
  const { tokens = rougeTokens, order = 1 } = options
  const score = (text: string, expected: string): ScoreDetails<number> => toDetails(rougeNScore(tokens(text), tokens(expected), order))
  return compareTexts(options, 'rouge_n', score, ['tokens', 'order'])
}

function toDetails({ f1, precision, recall }: Overlap): ScoreDetails<number> {
  return { score: f1, precision, recall }
}

function compareTexts<Name extends string, Result>(
  options: TextOptions<Name>,
  defaultName: string,
  score: (text: string, expected: string) => Result,
  more: readonly string[] = [],
): Evaluator<Name, unknown, unknown, unknown, Result> {
  return compare(options, defaultName, (actual, expected) => score(toText(actual), toText(expected)), more)
}

/** Builds an evaluator that compares the selected outputs with what is expected; `more` are the names of its further options. */
export function compare<Name extends string, Result>(
  options: TextOptions<Name>,
  defaultName: string,
  score: (actual: unknown, expected: unknown) => Result | PromiseLike<Result>,
  more: readonly string[] = [],
): Evaluator<Name, unknown, unknown, unknown, Result> {
  refuseUnknown(options, [...OPTION_NAMES, ...more], defaultName)
  const { name = defaultName, select = (outputs) => outputs, expected = (groundTruth) => groundTruth, ...common } = options
  const { threshold, weight, lowerIsBetter, failedScore } = common
  // `Name` is inferred from `options.name`, or is the default name when that is missing.
  return evaluator(name as Name, {
    evaluate: (outputs: unknown, inputs: unknown, groundTruth: unknown) => {
      const [actual, wanted] = [select(outputs), expected(groundTruth, inputs)]
      // All promises are the same text.
      if (!isThenable(actual) && !isThenable(wanted)) return score(actual, wanted)
      return Promise.all([actual, wanted]).then(([one, other]) => score(one, other))
    },
    ...given({ threshold, weight, lowerIsBetter, failedScore }),
  })
}

/** Text of any value: itself, or JSON. */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (typeof value !== 'object') return String(value)
  return JSON.stringify(value) ?? ''
}

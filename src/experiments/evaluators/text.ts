import { evaluator } from '../evaluator.js'
import type { Evaluator, ScoreDetails } from '../types.js'
import { type BleuOptions, bleuScore, editSimilarity, normalizedTokens, rougeLScore, tokenOverlap, tokens } from './text-metrics.js'

/** What every built-in evaluator of text takes. */
export interface TextOptions<Name extends string = string> {
  /** Name of the metric. */
  readonly name?: Name
  /** Part of the outputs that is compared. @defaultValue the outputs; what is not text is compared as JSON */
  readonly select?: (outputs: unknown) => unknown
  /** What it is compared with. @defaultValue the ground truth */
  readonly expected?: (groundTruth: unknown, inputs: unknown) => unknown
  /** Lowest score that passes. @defaultValue nothing is decided, except by boolean scores */
  readonly threshold?: number
  /** @defaultValue 1 */
  readonly weight?: number
}

/** True when the text is the expected one. Surrounding white space counts unless `trim` is left on. */
export function exactMatch<const Name extends string = 'exact_match'>(
  options: TextOptions<Name> & { readonly ignoreCase?: boolean; readonly trim?: boolean } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  const { ignoreCase = false, trim = true } = options
  const prepare = (text: string): string => {
    const trimmed = trim ? text.trim() : text
    return ignoreCase ? trimmed.toLowerCase() : trimmed
  }
  return compareTexts(options, 'exact_match', (text, expected) => prepare(text) === prepare(expected))
}

/** True when the text contains the expected one, or every one of a list. */
export function includes<const Name extends string = 'includes'>(
  options: TextOptions<Name> & { readonly ignoreCase?: boolean } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  const fold = (text: string): string => (options.ignoreCase === true ? text.toLowerCase() : text)
  return compare(options, 'includes', (actual, expected) => {
    const text = fold(toText(actual))
    const wanted = Array.isArray(expected) ? expected : [expected]
    return wanted.every((part) => text.includes(fold(toText(part))))
  })
}

/** True when the text matches `pattern`; without one the ground truth is the pattern. */
export function regex<const Name extends string = 'regex'>(
  options: TextOptions<Name> & { readonly pattern?: RegExp } = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  return compare(options, 'regex', (actual, expected) => {
    const pattern = options.pattern ?? (expected instanceof RegExp ? expected : new RegExp(toText(expected)))
    // A global expression keeps its position between calls; rows must not see one another.
    return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(toText(actual))
  })
}

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
    const { f1, precision, recall } = tokenOverlap(normalizedTokens(text), normalizedTokens(expected))
    return { score: f1, precision, recall }
  })
}

/** Sentence BLEU, 0 to 1; a list as ground truth gives several references. */
export function bleu<const Name extends string = 'bleu'>(
  options: TextOptions<Name> & BleuOptions = {},
): Evaluator<Name, unknown, unknown, unknown, number> {
  return compare(options, 'bleu', (actual, expected) => {
    const references = (Array.isArray(expected) ? expected : [expected]).map((reference) => tokens(toText(reference)))
    return bleuScore(tokens(toText(actual)), references, options)
  })
}

/** ROUGE-L F1 by the longest common subsequence of words; precision and recall are extras. */
export function rougeL<const Name extends string = 'rouge_l'>(
  options: TextOptions<Name> = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<number>> {
  return compareTexts(options, 'rouge_l', (text, expected) => {
    const { f1, precision, recall } = rougeLScore(tokens(text.toLowerCase()), tokens(expected.toLowerCase()))
    return { score: f1, precision, recall }
  })
}

function compareTexts<Name extends string, Result>(
  options: TextOptions<Name>,
  defaultName: string,
  score: (text: string, expected: string) => Result,
): Evaluator<Name, unknown, unknown, unknown, Result> {
  return compare(options, defaultName, (actual, expected) => score(toText(actual), toText(expected)))
}

/** Builds an evaluator that compares the selected outputs with what is expected. */
export function compare<Name extends string, Result>(
  options: TextOptions<Name>,
  defaultName: string,
  score: (actual: unknown, expected: unknown) => Result | PromiseLike<Result>,
): Evaluator<Name, unknown, unknown, unknown, Result> {
  const { select = (outputs) => outputs, expected = (groundTruth) => groundTruth, threshold, weight } = options
  // `Name` is inferred from `options.name`, or is the default name when that is missing.
  return evaluator((options.name ?? defaultName) as Name, {
    evaluate: (outputs: unknown, inputs: unknown, groundTruth: unknown) => score(select(outputs), expected(groundTruth, inputs)),
    ...(threshold === undefined ? {} : { threshold }),
    ...(weight === undefined ? {} : { weight }),
  })
}

/** Text of any value: itself, or JSON. */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (typeof value !== 'object') return String(value)
  return JSON.stringify(value) ?? ''
}

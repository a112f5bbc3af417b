import { editDistance } from '../../options/nearest.js'

/** 1 − edit distance ÷ length of the longer text; 1 for two empty texts. */
export function editSimilarity(a: string, b: string): number {
  // Characters, not the halves of them that a string is made of.
  const [left, right] = [Array.from(a), Array.from(b)]
  const longest = Math.max(left.length, right.length)
  return longest === 0 ? 1 : 1 - editDistance(left, right) / longest
}

/**
 * Words as the SQuAD script counts them: lower case, without punctuation and English articles.
 *
 * @see Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", evaluation script
 */
export function normalizedTokens(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((token) => token !== '')
}

/** Words of a text as they stand: runs of letters and digits, or single punctuation marks. */
export function tokens(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []
}

/** How well two bags of words agree. */
export interface Overlap {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** Precision, recall and F1 of the words of `candidate` against those of `reference`, each counted as often as it stands. */
export function tokenOverlap(candidate: readonly string[], reference: readonly string[]): Overlap {
  if (candidate.length === 0 || reference.length === 0) return toOverlap(candidate.length === reference.length ? 1 : 0, 1, 1)
  const left = countOf(reference, 1)
  let common = 0
  for (const [token, count] of countOf(candidate, 1)) common += Math.min(count, left.get(token) ?? 0)
  return toOverlap(common, candidate.length, reference.length)
}

function toOverlap(common: number, candidate: number, reference: number): Overlap {
  const precision = common / candidate
  const recall = common / reference
  return { precision, recall, f1: common === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

/** Settings of `bleu`. */
export interface BleuOptions {
  /** Longest run of words that is compared. @defaultValue 4 */
  readonly maxOrder?: number
  /** Adds one to the counts of runs longer than one word, so that a short sentence is not 0. @defaultValue false */
  readonly smooth?: boolean
}

/**
 * BLEU of one sentence against one or more references, 0 to 1.
 *
 * @see Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation"; smoothing: Lin and Och 2004
 */
export function bleuScore(
  candidate: readonly string[],
  references: readonly (readonly string[])[],
  { maxOrder = 4, smooth = false }: BleuOptions = {},
): number {
  if (candidate.length === 0 || references.length === 0) return 0
  let logSum = 0
  for (let order = 1; order <= maxOrder; order += 1) {
    const added = smooth && order > 1 ? 1 : 0
    const { matched, total } = clippedMatches(candidate, references, order)
    if (matched + added === 0) return 0
    logSum += Math.log((matched + added) / (Math.max(total, 1 - added) + added))
  }
  return brevityPenalty(candidate.length, references) * Math.exp(logSum / maxOrder)
}

function clippedMatches(
  candidate: readonly string[],
  references: readonly (readonly string[])[],
  order: number,
): { matched: number; total: number } {
  const allowed = references.map((reference) => countOf(reference, order))
  let matched = 0
  for (const [gram, count] of countOf(candidate, order)) {
    matched += Math.min(count, Math.max(...allowed.map((counts) => counts.get(gram) ?? 0)))
  }
  return { matched, total: Math.max(candidate.length - order + 1, 0) }
}

function brevityPenalty(length: number, references: readonly (readonly string[])[]): number {
  const closest = references
    .map((reference) => reference.length)
    .reduce((best, next) => {
      const difference = Math.abs(next - length) - Math.abs(best - length)
      return difference < 0 || (difference === 0 && next < best) ? next : best
    })
  return length > closest ? 1 : Math.exp(1 - closest / length)
}

function countOf(words: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let start = 0; start + order <= words.length; start += 1) {
    // A space cannot stand inside a word, so joined runs stay apart.
    const gram = words.slice(start, start + order).join(' ')
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

/**
 * ROUGE-L: precision, recall and F1 from the longest common subsequence of words.
 *
 * @see Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3
 */
export function rougeLScore(candidate: readonly string[], reference: readonly string[]): Overlap {
  if (candidate.length === 0 || reference.length === 0) return toOverlap(candidate.length === reference.length ? 1 : 0, 1, 1)
  return toOverlap(commonSubsequence(candidate, reference), candidate.length, reference.length)
}

function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  let previous = new Array<number>(b.length + 1).fill(0)
  for (const word of a) {
    const current = [0]
    for (const [column, other] of b.entries()) {
      const extended = word === other ? (previous[column] ?? 0) + 1 : 0
      current.push(Math.max(extended, previous[column + 1] ?? 0, current[column] ?? 0))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** Cosine of the angle between two vectors; 0 when one has no length. */
export function cosineSimilarity(a: readonly number[], b: readonly number[]): number {
  let product = 0
  let left = 0
  let right = 0
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0
    product += value * other
    left += value * value
    right += other * other
  }
  return left === 0 || right === 0 ? 0 : product / Math.sqrt(left * right)
}

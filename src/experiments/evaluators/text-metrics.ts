import { distance } from 'fastest-levenshtein'

/** Fewest insertions, deletions and replacements of characters (code points) that make `a` into `b`. */
export function editDistance(a: string, b: string): number {
  return distance(...toUnits(a, b))
}

/** 1 − edit distance ÷ length of the longer text; 1 for two empty texts. */
export function editSimilarity(a: string, b: string): number {
  const longest = Math.max(Array.from(a).length, Array.from(b).length)
  return longest === 0 ? 1 : 1 - editDistance(a, b) / longest
}

// The library counts UTF-16 units; where a character takes two, each character is given a unit of its own.
function toUnits(a: string, b: string): [string, string] {
  if (!/[\ud800-\udfff]/.test(a) && !/[\ud800-\udfff]/.test(b)) return [a, b]
  const units = new Map<string, string>()
  const unitOf = (character: string): string => {
    const unit = units.get(character) ?? String.fromCharCode(units.size)
    units.set(character, unit)
    return unit
  }
  return [Array.from(a, unitOf).join(''), Array.from(b, unitOf).join('')]
}

// White space as Python's `str.split` sees it.
const SPACES = /[\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u

function splitWords(text: string): readonly string[] {
  return text.split(SPACES).filter((word) => word !== '')
}

/**
 * Words as the SQuAD script counts them: lower case, without punctuation and English articles.
 *
 * @see Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", evaluation script
 */
export function normalizedTokens(text: string): readonly string[] {
  const words = text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    // `\b` of the script knows letters of every language.
    .replace(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
  return splitWords(words)
}

/**
 * Words and marks as sacrebleu's default tokenizer gives them.
 *
 * @see mteval-v13a.pl of NIST, as in sacrebleu's tokenizer `13a`
 */
export function bleuTokens(text: string): readonly string[] {
  const plain = text
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
  return splitWords(
    ` ${plain} `
      .replace(/[{-~[-` -&(-+:-@/]/g, ' $& ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  )
}

/**
 * Words as rouge-score gives them without stemming: runs of `a` to `z` and digits. Other scripts have none; give `tokens`.
 *
 * @see google-research/rouge, tokenize.py
 */
export function rougeTokens(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
}

/** How well two bags of words agree. */
export interface Overlap {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** Precision, recall and F1 of the words of `candidate` against those of `reference`, each counted as often as it stands. */
export function tokenOverlap(candidate: readonly string[], reference: readonly string[]): Overlap {
  // Two empty texts agree, as in the script for SQuAD 2.0.
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
  /**
   * What a run length without any match counts as: half, a quarter, … of one match (`exp`), one more match of each longer run
   * (`add-one`), or nothing, so that the score is 0 (`none`).
   *
   * @defaultValue `'exp'`, as in sacrebleu
   */
  readonly smooth?: 'exp' | 'add-one' | 'none'
}

/**
 * BLEU of one sentence against one or more references, 0 to 1, by the effective order: run lengths longer than the text do not
 * count, so that a short right answer is 1.
 *
 * @see Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation"; Post 2018, "A Call for Clarity in
 * Reporting BLEU Scores" (sacrebleu); smoothing: Chen and Cherry 2014
 */
export function bleuScore(
  candidate: readonly string[],
  references: readonly (readonly string[])[],
  { maxOrder = 4, smooth = 'exp' }: BleuOptions = {},
): number {
  if (candidate.length === 0 || references.length === 0) return 0
  let logSum = 0
  let order = 0
  let halving = 1
  // One more match makes even a run length the text does not have count as found, as in sacrebleu.
  const longest = smooth === 'add-one' ? maxOrder : Math.min(maxOrder, candidate.length)
  for (let length = 1; length <= longest; length += 1) {
    const { matched, total } = clippedMatches(candidate, references, length)
    if (length === 1 && matched === 0) return 0
    const added = smooth === 'add-one' && length > 1 ? 1 : 0
    if (matched + added === 0) {
      if (smooth !== 'exp') return 0
      halving *= 2
    }
    logSum += Math.log(matched + added === 0 ? 1 / (halving * total) : (matched + added) / (total + added))
    order = length
  }
  return brevityPenalty(candidate.length, references) * Math.exp(logSum / order)
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
 * ROUGE-N: precision, recall and F1 of the runs of `order` words, each counted as often as it stands; 0 when one has none.
 *
 * @see Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 2
 */
export function rougeNScore(candidate: readonly string[], reference: readonly string[], order: number): Overlap {
  const [own, allowed] = [countOf(candidate, order), countOf(reference, order)]
  let common = 0
  for (const [gram, count] of own) common += Math.min(count, allowed.get(gram) ?? 0)
  const runs = (words: readonly string[]): number => Math.max(words.length - order + 1, 1)
  return toOverlap(common, runs(candidate), runs(reference))
}

/**
 * ROUGE-L: precision, recall and F1 from the longest common subsequence of words; 0 when one has none.
 *
 * @see Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3
 */
export function rougeLScore(candidate: readonly string[], reference: readonly string[]): Overlap {
  return toOverlap(commonSubsequence(candidate, reference), Math.max(candidate.length, 1), Math.max(reference.length, 1))
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
  // Squares of very large or small numbers leave what a double can hold.
  const [leftScale, rightScale] = [a, b].map((vector) => vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)) as [
    number,
    number,
  ]
  if (leftScale === 0 || rightScale === 0) return 0
  let product = 0
  let left = 0
  let right = 0
  for (const [at, unscaled] of a.entries()) {
    const value = unscaled / leftScale
    const other = (b[at] ?? 0) / rightScale
    product += value * other
    left += value * value
    right += other * other
  }
  return left === 0 || right === 0 ? 0 : product / Math.sqrt(left * right)
}

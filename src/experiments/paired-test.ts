import { bisect, logGamma, normalQuantile, tTestPower } from '../values/distributions.js'
import { createRandom } from './random.js'
import { standardDeviation, sum } from '../values/statistics.js'

/** Outcome of a paired test: the same rows in two runs. */
export interface PairedTest {
  /** Probability of a mean difference at least this far from zero if the two runs were exchangeable. */
  readonly pValue: number
  /** `exact` counts every sign pattern, `sampled` 10,000 seeded ones. */
  readonly method: 'exact' | 'sampled'
  /** Pairs that differ; equal pairs carry no evidence. */
  readonly pairs: number
}

const EXACT_MAX_PAIRS = 16
const SAMPLED_PATTERNS = 10_000

/**
 * Two-sided sign-flip permutation test on paired differences (new − old).
 *
 * It assumes nothing about the distribution of the scores, only that under "no change" each difference is as likely to
 * have either sign. With up to 16 differing pairs, or differences of one size, every pattern is counted; beyond that 10,000
 * seeded ones, with the observed pattern included so that p is never 0.
 *
 * @see Fisher 1935, "The Design of Experiments", section 21; Phipson and Smyth 2010 for the added one; for differences of one
 * size it is McNemar's exact test
 */
export function pairedTest(differences: readonly number[], seed = 1): PairedTest {
  const moved = differences.filter((difference) => difference !== 0)
  const pairs = moved.length
  if (pairs === 0) return { pValue: 1, method: 'exact', pairs }
  const size = Math.abs(moved[0] ?? 0)
  if (moved.every((difference) => Math.abs(difference) === size)) {
    return { pValue: signTest(moved.filter((difference) => difference > 0).length, pairs), method: 'exact', pairs }
  }
  // Sums of the same numbers in another order differ in the last digits.
  const limit = Math.abs(sum(moved)) - 1e-9 * moved.reduce((total, difference) => total + Math.abs(difference), 0)
  if (pairs <= EXACT_MAX_PAIRS) return { pValue: countExtremeExactly(moved, limit) / 2 ** pairs, method: 'exact', pairs }
  const random = createRandom(seed)
  let extreme = 1
  for (let i = 0; i < SAMPLED_PATTERNS; i += 1) {
    if (Math.abs(flippedSum(moved, () => random() < 0.5)) >= limit) extreme += 1
  }
  return { pValue: extreme / (SAMPLED_PATTERNS + 1), method: 'sampled', pairs }
}

/** The smallest p-value {@link pairedTest} can give for so many pairs. */
export function smallestPValue(pairs: number): number {
  return pairs <= EXACT_MAX_PAIRS ? Math.min(2 ** (1 - pairs), 1) : 1 / (SAMPLED_PATTERNS + 1)
}

function signTest(ups: number, pairs: number): number {
  const fewer = Math.min(ups, pairs - ups)
  // With as many up as down every pattern is at least as far from zero.
  if (2 * fewer === pairs || 2 * fewer === pairs - 1) return 1
  let tail = 0
  for (let k = 0; k <= fewer; k += 1) {
    tail += Math.exp(logGamma(pairs + 1) - logGamma(k + 1) - logGamma(pairs - k + 1) - pairs * Math.LN2)
  }
  return Math.min(2 * tail, 1)
}

function countExtremeExactly(differences: readonly number[], limit: number): number {
  let extreme = 0
  for (let pattern = 0; pattern < 2 ** differences.length; pattern += 1) {
    if (Math.abs(flippedSum(differences, (i) => (pattern & (1 << i)) !== 0)) >= limit) extreme += 1
  }
  return extreme
}

function flippedSum(differences: readonly number[], isFlipped: (index: number) => boolean): number {
  let total = 0
  for (let i = 0; i < differences.length; i += 1) total += isFlipped(i) ? -(differences[i] ?? 0) : (differences[i] ?? 0)
  return total
}

/**
 * p-values that may be read together: with these, the chance of even one false alarm among all metrics stays below alpha.
 *
 * @see Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
 */
export function holm(pValues: readonly number[]): readonly number[] {
  const order = pValues.map((p, at) => ({ p, at })).sort((one, other) => one.p - other.p)
  const adjusted = new Array<number>(pValues.length).fill(1)
  let largest = 0
  for (const [rank, { p, at }] of order.entries()) {
    largest = Math.max(largest, Math.min(p * (pValues.length - rank), 1))
    adjusted[at] = largest
  }
  return adjusted
}

/** Above this many pairs the t and the normal distribution agree to four digits. */
const NORMAL_FROM_PAIRS = 2_000

/**
 * Smallest true change of the mean that a paired comparison of this size finds with probability `power` at significance
 * `alpha`, by the power of the paired t test. `undefined` for fewer than two pairs, or pairs without any spread to go by.
 *
 * A difference smaller than this that is "not significant" says nothing: the run was too small to see it.
 */
export function minimumDetectableChange(
  differences: readonly number[],
  { alpha = 0.05, power = 0.8 }: { readonly alpha?: number; readonly power?: number } = {},
): number | undefined {
  const deviation = standardDeviation(differences)
  if (differences.length < 2 || deviation === 0) return undefined
  return deviation * detectableEffect(differences.length, alpha, power)
}

function detectableEffect(size: number, alpha: number, power: number): number {
  const normal = (normalQuantile(1 - alpha / 2) + normalQuantile(power)) / Math.sqrt(size)
  if (size > NORMAL_FROM_PAIRS) return normal
  let high = 2 * normal
  while (tTestPower(high, size, alpha) < power && high < 1e6) high *= 2
  return bisect((effect) => tTestPower(effect, size, alpha) - power, 0, high)
}

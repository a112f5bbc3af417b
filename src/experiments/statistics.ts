import { createRandom } from './random.js'

/** The functions a run can be summarised with; the names are the server's. */
export const AGGREGATES = ['average', 'min', 'max', 'median', 'p90', 'p95', 'p99', 'sum', 'count'] as const
/** How the scores of a run become one figure; the names are the server's. */
export type Aggregate = (typeof AGGREGATES)[number]

/** A range that holds the true mean with the given probability, assuming the rows are an independent sample. */
export interface Interval {
  readonly low: number
  readonly high: number
  /** Probability, e.g. 0.95. */
  readonly level: number
  /** `bootstrap`: percentiles of resampled means; `normal`: mean ± z · standard error, used for large samples. */
  readonly method: 'bootstrap' | 'normal'
}

/** Settings of {@link confidenceInterval}. */
export interface IntervalOptions {
  /** @defaultValue 0.95 */
  readonly level?: number
  /** Number of resampled means. @defaultValue 2_000 */
  readonly resamples?: number
  /** @defaultValue 1 */
  readonly seed?: number
}

/** Above this many values the two methods agree to three digits and resampling only costs time. */
const BOOTSTRAP_MAX_VALUES = 2_000

/** Arithmetic mean; `NaN` for no values. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length
}

/** Sum with compensation for rounding (Neumaier), so that a million small scores add up. */
export function sum(values: readonly number[]): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

/** Sample standard deviation (divisor n − 1); 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0
  const average = mean(values)
  return Math.sqrt(sum(values.map((value) => (value - average) ** 2)) / (values.length - 1))
}

/**
 * Quantile of already sorted values by linear interpolation between the two neighbours; `NaN` for no values.
 *
 * @see Hyndman and Fan, "Sample quantiles in statistical packages", definition 7 (NumPy's and R's default)
 */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** Confidence interval of the mean; `undefined` for fewer than two values. */
export function confidenceInterval(values: readonly number[], options: IntervalOptions = {}): Interval | undefined {
  const { level = 0.95, resamples = 2_000, seed = 1 } = options
  if (values.length < 2) return undefined
  if (values.length > BOOTSTRAP_MAX_VALUES) return normalInterval(values, level)
  const random = createRandom(seed)
  const means = Float64Array.from({ length: resamples }, () => resampledMean(values, random)).sort()
  const tail = (1 - level) / 2
  const sorted = Array.from(means)
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), level, method: 'bootstrap' }
}

function resampledMean(values: readonly number[], random: () => number): number {
  let total = 0
  for (let i = 0; i < values.length; i += 1) total += values[Math.floor(random() * values.length)] ?? 0
  return total / values.length
}

function normalInterval(values: readonly number[], level: number): Interval {
  const average = mean(values)
  const reach = normalQuantile(1 - (1 - level) / 2) * (standardDeviation(values) / Math.sqrt(values.length))
  return { low: average - reach, high: average + reach, level, method: 'normal' }
}

/** Outcome of a paired test: the same rows in two runs. */
export interface PairedTest {
  /** Probability of a mean difference at least this far from zero if the two runs were exchangeable. */
  readonly pValue: number
  /** `exact` looked at every sign pattern, `sampled` at 10,000 seeded ones. */
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
 * have either sign. With up to 16 differing pairs every pattern is counted; beyond that 10,000 seeded ones, with the
 * observed pattern included so that p is never 0.
 *
 * @see Fisher, "The Design of Experiments", section 21; Phipson and Smyth 2010 for the added one
 */
export function pairedTest(differences: readonly number[], seed = 1): PairedTest {
  const moved = differences.filter((difference) => difference !== 0)
  if (moved.length === 0) return { pValue: 1, method: 'exact', pairs: 0 }
  const observed = Math.abs(sum(moved))
  // Sums of the same numbers in another order differ in the last digits.
  const limit = observed - 1e-9 * moved.reduce((total, difference) => total + Math.abs(difference), 0)
  if (moved.length <= EXACT_MAX_PAIRS) {
    return { pValue: countExtremeExactly(moved, limit) / 2 ** moved.length, method: 'exact', pairs: moved.length }
  }
  const random = createRandom(seed)
  let extreme = 1
  for (let i = 0; i < SAMPLED_PATTERNS; i += 1) {
    if (Math.abs(flippedSum(moved, () => random() < 0.5)) >= limit) extreme += 1
  }
  return { pValue: extreme / (SAMPLED_PATTERNS + 1), method: 'sampled', pairs: moved.length }
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
 * Smallest true change of the mean that a paired comparison of this size finds with probability `power` at significance
 * `alpha`: (z(1 − alpha/2) + z(power)) · sd / √n. `undefined` for fewer than two pairs.
 *
 * A difference smaller than this that is "not significant" says nothing: the run was too small to see it.
 */
export function minimumDetectableChange(
  differences: readonly number[],
  { alpha = 0.05, power = 0.8 }: { readonly alpha?: number; readonly power?: number } = {},
): number | undefined {
  if (differences.length < 2) return undefined
  const reach = normalQuantile(1 - alpha / 2) + normalQuantile(power)
  return reach * (standardDeviation(differences) / Math.sqrt(differences.length))
}

/**
 * Inverse of the standard normal distribution, relative error below 1.2e-9.
 *
 * @see Peter Acklam, "An algorithm for computing the inverse normal cumulative distribution function"
 */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return Number.NEGATIVE_INFINITY
  if (probability >= 1) return Number.POSITIVE_INFINITY
  if (probability > 0.5) return -normalQuantile(1 - probability)
  if (probability < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(probability))
    return polynomial(TAIL_TOP, q) / polynomial([...TAIL_BOTTOM, 1], q)
  }
  const q = probability - 0.5
  return (polynomial(CENTRE_TOP, q * q) * q) / polynomial([...CENTRE_BOTTOM, 1], q * q)
}

const CENTRE_TOP = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239]
const CENTRE_BOTTOM = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572]
const TAIL_TOP = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783]
const TAIL_BOTTOM = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416]

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0)
}

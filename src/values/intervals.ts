import { normalQuantile, studentQuantile } from './distributions.js'
import { mean } from './statistics.js'

/**
 * How an interval was found.
 *
 * - `wilson`: a rate, i.e. all values are 0 or 1 (Wilson 1927, score interval)
 * - `hall`: the mean of five values or more (Hall 1992, cubic transformation that removes the skewness)
 * - `t`: the mean of fewer values, or of a change (Student 1908)
 * - `bonett-price`: change of a rate over the same rows (Bonett and Price 2012, adjusted Wald interval)
 */
export type IntervalMethod = 'wilson' | 'hall' | 't' | 'bonett-price'

/** A range that holds the true mean with the given probability, assuming the rows are an independent sample. */
export interface Interval {
  readonly low: number
  readonly high: number
  /** Probability, e.g. 0.95. */
  readonly level: number
  readonly method: IntervalMethod
}

const LEVEL = 0.95

/** What an interval of a mean needs to know of the values; two of these can be added up. */
export interface Moments {
  readonly count: number
  readonly mean: number
  /** Sum of the squared distances from the mean. */
  readonly squares: number
  /** Sum of the cubed distances from the mean. @defaultValue unknown: nothing is corrected for skewness */
  readonly cubes?: number | undefined
  /** All values are 0 or 1. */
  readonly isRate: boolean
}

/** Fewer values do not show how skewed they are: the correction would add more width than it adds truth. */
const HALL_FROM_COUNT = 5

/**
 * Confidence interval of the mean: Wilson's for a rate; for anything else Hall's, or Student's where the skewness is unknown or there are
 * fewer than five values. `undefined` for fewer than two values.
 */
export function intervalOf(moments: Moments, level: number = LEVEL): Interval | undefined {
  const { count, mean: average, squares, cubes, isRate } = moments
  if (count < 2) return undefined
  if (isRate) return wilsonInterval(average * count, count, level)
  const deviation = Math.sqrt(squares / (count - 1))
  const reach = studentQuantile(1 - (1 - level) / 2, count - 1) / Math.sqrt(count)
  if (cubes === undefined || count < HALL_FROM_COUNT) {
    return { low: average - reach * deviation, high: average + reach * deviation, level, method: 't' }
  }
  const skewness = squares === 0 ? 0 : cubes / count / (squares / count) ** 1.5
  const toDistance = (at: number): number => deviation * removeSkewness(at, skewness, count)
  return { low: average - toDistance(reach), high: average - toDistance(-reach), level, method: 'hall' }
}

/**
 * How far the mean lies from the true one, in standard deviations, when the transformed distance is `at`.
 *
 * @see Hall 1992, "On the removal of skewness by transformation", Journal of the Royal Statistical Society B 54; with Student's
 * quantiles in the place of the normal ones, as for small sets
 */
function removeSkewness(at: number, skewness: number, count: number): number {
  const bias = skewness / (6 * count)
  // The cube root loses its digits where there is nothing to remove.
  return Math.abs(skewness) < 1e-6 ? at - bias : (Math.cbrt(1 + skewness * (at - bias)) - 1) / (skewness / 3)
}

/** {@link intervalOf} of values in memory. */
export function confidenceInterval(values: readonly number[], level: number = LEVEL): Interval | undefined {
  const isRate = values.every((value) => value === 0 || value === 1)
  return intervalOf({ ...momentsOf(values, mean(values)), isRate }, level)
}

/** Count and sums of the powers of the distances from `average`, in the order of the values. */
export function momentsOf(values: ArrayLike<number>, average: number): Omit<Moments, 'isRate'> {
  let [squares, cubes] = [0, 0]
  for (let i = 0; i < values.length; i += 1) {
    const distance = (values[i] ?? average) - average
    squares += distance ** 2
    cubes += distance ** 3
  }
  return { count: values.length, mean: average, squares, cubes }
}

/**
 * Interval of a rate of `hits` in `count` that stays inside 0 and 1 and holds its level in small sets.
 *
 * @see Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22
 */
export function wilsonInterval(hits: number, count: number, level: number = LEVEL): Interval {
  const z = normalQuantile(1 - (1 - level) / 2)
  const rate = hits / count
  const centre = (rate + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const reach = (z / (1 + (z * z) / count)) * Math.sqrt((rate * (1 - rate)) / count + (z * z) / (4 * count * count))
  // At both ends the formula is exact on paper and off by a rounding error here.
  return {
    low: hits === 0 ? 0 : Math.max(centre - reach, 0),
    high: hits === count ? 1 : Math.min(centre + reach, 1),
    level,
    method: 'wilson',
  }
}

/** Interval of the mean change over pairs; `isRate` when every score is 0 or 1, so that every change is −1, 0 or 1. */
export function pairedInterval(differences: readonly number[], isRate: boolean, level: number = LEVEL): Interval | undefined {
  if (differences.length < 2) return undefined
  if (!isRate) return confidenceIntervalOfChange(differences, level)
  const count = differences.length + 2
  const up = (differences.filter((difference) => difference > 0).length + 1) / count
  const down = (differences.filter((difference) => difference < 0).length + 1) / count
  const reach = normalQuantile(1 - (1 - level) / 2) * Math.sqrt((up + down - (up - down) ** 2) / count)
  return { low: Math.max(up - down - reach, -1), high: Math.min(up - down + reach, 1), level, method: 'bonett-price' }
}

// Differences may all be 0 or 1 by chance; they are no rate. Most are 0 and the others few: their skewness is mostly chance.
function confidenceIntervalOfChange(differences: readonly number[], level: number): Interval | undefined {
  const { count, mean: average, squares } = momentsOf(differences, mean(differences))
  return intervalOf({ count, mean: average, squares, isRate: false }, level)
}

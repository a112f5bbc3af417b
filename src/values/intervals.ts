import { normalQuantile, studentQuantile } from './distributions.js'
import { mean, standardDeviation, sum } from './statistics.js'

/**
 * How an interval was found.
 *
 * - `wilson`: a rate, i.e. all values are 0 or 1 (Wilson 1927, score interval)
 * - `t`: any other mean (Student 1908)
 * - `bonett-price`: change of a rate over the same rows (Bonett and Price 2012, adjusted Wald interval)
 */
export type IntervalMethod = 'wilson' | 't' | 'bonett-price'

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
  /** All values are 0 or 1. */
  readonly isRate: boolean
}

/** Confidence interval of the mean: Wilson's for a rate, Student's for anything else; `undefined` for fewer than two values. */
export function intervalOf({ count, mean: average, squares, isRate }: Moments, level: number = LEVEL): Interval | undefined {
  if (count < 2) return undefined
  if (isRate) return wilsonInterval(average * count, count, level)
  const reach = studentQuantile(1 - (1 - level) / 2, count - 1) * Math.sqrt(squares / (count - 1) / count)
  return { low: average - reach, high: average + reach, level, method: 't' }
}

/** {@link intervalOf} of values in memory. */
export function confidenceInterval(values: readonly number[], level: number = LEVEL): Interval | undefined {
  const count = values.length
  const isRate = values.every((value) => value === 0 || value === 1)
  return intervalOf({ count, mean: mean(values), squares: standardDeviation(values) ** 2 * (count - 1), isRate }, level)
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

// Differences may all be 0 or 1 by chance; they are no rate.
function confidenceIntervalOfChange(differences: readonly number[], level: number): Interval | undefined {
  const count = differences.length
  const average = sum(differences) / count
  return intervalOf({ count, mean: average, squares: standardDeviation(differences) ** 2 * (count - 1), isRate: false }, level)
}

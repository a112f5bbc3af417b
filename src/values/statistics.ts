/** The functions a run can be summarised with; the names are the server's. */
export const AGGREGATES = ['average', 'min', 'max', 'median', 'p90', 'p95', 'p99', 'sum', 'count'] as const
/** How the scores of a run become one figure; the names are the server's. */
export type Aggregate = (typeof AGGREGATES)[number]

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

/** Sample standard deviation (divisor n − 1); 0 for fewer than two values, and for values that are all the same. */
export function standardDeviation(values: readonly number[]): number {
  const [first] = values
  // Their mean may differ from them in the last digit.
  if (values.every((value) => value === first)) return 0
  const average = mean(values)
  return Math.sqrt(sum(values.map((value) => (value - average) ** 2)) / (values.length - 1))
}

/**
 * Quantile of already sorted values by linear interpolation between the two neighbours; `NaN` for no values.
 *
 * @see Hyndman and Fan, "Sample quantiles in statistical packages", definition 7 (NumPy's and R's default)
 */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

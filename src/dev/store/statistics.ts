import { type Aggregate, quantile } from '../../values/statistics.js'

const QUANTILES: Readonly<Record<string, number>> = { min: 0, median: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, max: 1 }

/** One number for many; `null` when there are none, except for `count` and `sum`. */
export function aggregate(values: readonly number[], how: Aggregate): number | null {
  if (how === 'count') return values.length
  const sum = values.reduce((total, value) => total + value, 0)
  if (how === 'sum') return sum
  if (values.length === 0) return null
  const fraction = QUANTILES[how]
  return fraction === undefined
    ? sum / values.length
    : quantile(
        [...values].sort((a, b) => a - b),
        fraction,
      )
}

/** Numbers as they are, booleans as 0 and 1; anything else takes no part in sums. */
export function toScore(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

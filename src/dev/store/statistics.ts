/** The functions a run can be summarised with. */
export const AGGREGATES = ['average', 'min', 'max', 'median', 'p90', 'p95', 'p99', 'sum', 'count'] as const
/** One of {@link AGGREGATES}. */
export type Aggregate = (typeof AGGREGATES)[number]

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

/** Quantile of sorted values by linear interpolation between neighbours; 0 for none. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}

/** Numbers as they are, booleans as 0 and 1; anything else takes no part in sums. */
export function toScore(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

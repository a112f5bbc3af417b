import type { MetricSummary } from '../aggregate.js'
import type { Interval } from '../../values/intervals.js'
import { takeSnapshot } from '../../values/snapshot.js'
import { headOf } from '../../values/text.js'
import type { ScoreValue } from '../types.js'

/** A number with at most four decimals; whole numbers without any. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (Number.isInteger(value)) return String(value)
  const rounded = Math.abs(value) >= 1_000 ? value.toFixed(1) : value.toFixed(4)
  return /^-?0\.0+$/.test(rounded) ? value.toExponential(2) : rounded
}

/** A difference with its sign. */
export function formatDifference(value: number): string {
  return `${value > 0 ? '+' : ''}${formatNumber(value)}`
}

/** Milliseconds as `ms`, or as seconds from one second on. */
export function formatDuration(durationMs: number | null): string {
  if (durationMs === null) return '–'
  return durationMs < 1_000 ? `${durationMs.toFixed(durationMs < 10 ? 1 : 0)} ms` : `${(durationMs / 1_000).toFixed(2)} s`
}

/** US dollars; small amounts keep their first digits. */
export function formatCost(cost: number): string {
  return `$${cost === 0 || cost >= 0.01 ? cost.toFixed(2) : cost.toPrecision(2)}`
}

/** The two ends of an interval. */
export function formatInterval(interval: Interval | null): string {
  return interval === null ? '–' : `${formatNumber(interval.low)} … ${formatNumber(interval.high)}`
}

/** The figure of a metric that is shown first: its aggregate, or its most frequent texts. */
export function formatAggregate(metric: MetricSummary): string {
  if (metric.type !== 'category') return formatNumber(metric.aggregate)
  const top = Object.entries(metric.categories)
    .sort((one, other) => other[1] - one[1])
    .slice(0, 3)
  return top.map(([category, count]) => `${category}: ${count}`).join(', ')
}

/** A score as it stands in a cell. */
export function formatScore(value: ScoreValue | null | undefined): string {
  if (value === undefined) return '–'
  if (value === null) return 'failed'
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

/** Any value as one line of at most `maxChars` characters. What JSON cannot write, such as cycles, stands there as a span would show it. */
export function formatValue(value: unknown, maxChars = 80): string {
  const text = (typeof value === 'string' ? value : toText(value)).replace(/\s+/g, ' ').trim()
  return text.length > maxChars ? `${headOf(text, maxChars - 1)}…` : text
}

/** More than any cell or line shows. */
const MAX_BYTES = 65_536

function toText(value: unknown): string {
  if (value === undefined) return ''
  try {
    return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item)) ?? String(value)
  } catch {
    return JSON.stringify(takeSnapshot(value, MAX_BYTES).value)
  }
}

import type { MetricComparison } from '../compare-rows.js'
import { formatDifference, formatNumber } from './format.js'
import { escapeXml } from './xml.js'

const WIDTH = 320
const HEIGHT = 120
const BINS = 20

/** How often values of each size occur, as an SVG picture. */
export function histogram(values: readonly number[]): string {
  const [low, high] = [least(values), -least(values.map((value) => -value))]
  const step = high === low ? 1 : (high - low) / BINS
  const counts = new Array<number>(high === low ? 1 : BINS).fill(0)
  for (const value of values) {
    const bin = Math.min(Math.floor((value - low) / step), counts.length - 1)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const tallest = -least(counts.map((count) => -count))
  const width = WIDTH / counts.length
  const bars = counts.map((count, bin) => {
    const height = (count / tallest) * (HEIGHT - 40)
    return `<rect x="${round(bin * width)}" y="${round(HEIGHT - 20 - height)}" width="${round(Math.max(width - 1, 1))}" height="${round(height)}"><title>${count} from ${formatNumber(low + bin * step)}</title></rect>`
  })
  const labels = `<text x="0" y="${HEIGHT - 5}">${formatNumber(low)}</text><text x="${WIDTH}" y="${HEIGHT - 5}" text-anchor="end">${formatNumber(high)}</text>`
  return svg(HEIGHT, `${values.length} values from ${formatNumber(low)} to ${formatNumber(high)}`, bars.join('') + labels)
}

/** Change of each metric with its interval, around a line at zero. */
export function differencePlot(metrics: readonly MetricComparison[]): string {
  const reach = Math.max(
    1e-9,
    ...metrics.flatMap(({ difference, confidence }) => [difference, confidence?.low ?? 0, confidence?.high ?? 0].map(Math.abs)),
  )
  const at = (value: number): number => WIDTH + (value / reach) * (WIDTH / 2 - 10)
  const lines = metrics.map(({ name, difference, confidence, verdict }, i) => {
    const y = 18 + i * 24
    const side = verdict === 'improved' ? ' class="up"' : verdict === 'worse' ? ' class="down"' : ''
    const from = Math.min(at(0), at(difference))
    const bar = `<rect${side} x="${round(from)}" y="${y - 8}" width="${round(Math.max(Math.abs(at(difference) - at(0)), 1))}" height="12"/>`
    const interval =
      confidence === null
        ? ''
        : `<line x1="${round(at(confidence.low))}" x2="${round(at(confidence.high))}" y1="${y - 2}" y2="${y - 2}" stroke="currentColor"/>`
    return `<text x="0" y="${y + 2}">${escapeXml(name)} ${formatDifference(difference)}</text>${bar}${interval}`
  })
  const height = 18 + metrics.length * 24
  const zero = `<line x1="${at(0)}" x2="${at(0)}" y1="0" y2="${height}" stroke="currentColor" stroke-opacity=".4"/>`
  return svg(height, 'change of each metric', lines.join('') + zero, WIDTH * 1.5)
}

function svg(height: number, label: string, inside: string, width = WIDTH): string {
  return `<svg role="img" aria-label="${escapeXml(label)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${inside}</svg>`
}

// `Math.min(...values)` overflows the stack from about 100,000 values on.
function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY)
}

function round(value: number): string {
  return value.toFixed(1)
}

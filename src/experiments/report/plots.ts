import type { MetricComparison } from '../compare-rows.js'
import { formatDifference, formatNumber } from './format.js'
import { cutTo } from './width.js'
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
  const at = (value: number): number => WIDTH / 2 + (value / reach) * (WIDTH / 2 - 2)
  const lines = metrics.map(({ name, difference, confidence, verdict }, i) => {
    const y = i * LINE_HEIGHT
    const side = verdict === 'improved' ? ' class="up"' : verdict === 'worse' ? ' class="down"' : ''
    const from = Math.min(at(0), at(difference))
    const bar = `<rect${side} x="${round(from)}" y="${y + 20}" width="${round(Math.max(Math.abs(at(difference) - at(0)), 1))}" height="12"/>`
    const interval =
      confidence === null
        ? ''
        : `<line x1="${round(at(confidence.low))}" x2="${round(at(confidence.high))}" y1="${y + 26}" y2="${y + 26}" stroke="currentColor"/>`
    const zero = `<line x1="${at(0)}" x2="${at(0)}" y1="${y + 17}" y2="${y + 35}" stroke="currentColor" stroke-opacity=".4"/>`
    const label = `<text x="0" y="${y + 13}">${escapeXml(cutTo(name, NAME_COLUMNS))}<title>${escapeXml(name)}</title></text>`
    return `${label}<text x="${WIDTH}" y="${y + 13}" text-anchor="end">${formatDifference(difference)}</text>${bar}${interval}${zero}`
  })
  return svg(metrics.length * LINE_HEIGHT, 'change of each metric', lines.join(''))
}

/** Of one metric: its name above, its bar below. On a phone there is no room for them side by side. */
const LINE_HEIGHT = 40
/** Of a name beside its difference, in the small letters of a plot. */
const NAME_COLUMNS = 40

function svg(height: number, label: string, inside: string): string {
  return `<svg role="img" aria-label="${escapeXml(label)}" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">${inside}</svg>`
}

// `Math.min(...values)` overflows the stack from about 100,000 values on.
function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY)
}

function round(value: number): string {
  return value.toFixed(1)
}

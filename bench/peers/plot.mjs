// Draws what a run measured: node plot.mjs results/NAME.json [results/OTHER.json ...]. Sections `size`, and `fanout` with `memory`, become
// docs/images/cost-by-size.svg and cost-by-tracers.svg; of a section that several files hold, the last one counts.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { good, medianOf } from './lib/reading.mjs'

const WIDTH = 880
const HEIGHT = 400
const PANEL = { width: 350, height: 250, top: 96 }
const LEFTS = [72, 506]
const SERIES = {
  ours: { label: 'this package', mark: 'circle' },
  'raw-otel': { label: 'raw OpenTelemetry', mark: 'square' },
  honeyhive: { label: 'honeyhive', mark: 'triangle' },
  openinference: { label: 'openinference', mark: 'diamond' },
  langfuse: { label: 'langfuse', mark: 'cross' },
}

const STYLE = `
    .ground { fill: #ffffff; stroke: #d0d7de }
    .ink { fill: #1f2328 }
    .soft { fill: #59636e; font-size: 12px }
    .grid { stroke: #d8dee4; stroke-width: 1 }
    .line { fill: none; stroke-width: 2 }
    .ours { stroke: #0969da; fill: #0969da }
    .raw-otel { stroke: #57606a; fill: #57606a }
    .honeyhive { stroke: #bf8700; fill: #bf8700 }
    .openinference { stroke: #1a7f37; fill: #1a7f37 }
    .langfuse { stroke: #cf222e; fill: #cf222e }
    path.line { fill: none }
    path.ours { stroke-width: 3 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #3d444d }
      .ink { fill: #f0f6fc }
      .soft { fill: #9198a1 }
      .grid { stroke: #2a313c }
      .ours { stroke: #4493f8; fill: #4493f8 }
      .raw-otel { stroke: #b1bac4; fill: #b1bac4 }
      .honeyhive { stroke: #e3b341; fill: #e3b341 }
      .openinference { stroke: #3fb950; fill: #3fb950 }
      .langfuse { stroke: #ff7b72; fill: #ff7b72 }
      path.line { fill: none }
    }
  `

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign])
const short = (x) => (x >= 1e6 ? `${x / 1e6}M` : x >= 1000 ? `${x / 1000}k` : `${x}`)
const bytesShort = (x) => (x >= 1e6 ? `${x / 1e6} MB` : x >= 1000 ? `${x / 1000} KB` : `${x} B`)
const exact = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2))

function mark(kind, x, y, series) {
  const at = (dx, dy) => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`
  if (kind === 'circle') return `<circle class="${series}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4"/>`
  if (kind === 'square') return `<rect class="${series}" x="${(x - 3.5).toFixed(1)}" y="${(y - 3.5).toFixed(1)}" width="7" height="7"/>`
  if (kind === 'triangle') return `<polygon class="${series}" points="${at(0, -5)} ${at(4.5, 4)} ${at(-4.5, 4)}"/>`
  if (kind === 'diamond') return `<polygon class="${series}" points="${at(0, -5)} ${at(5, 0)} ${at(0, 5)} ${at(-5, 0)}"/>`
  return `<path class="line ${series}" d="M${at(-4, -4)} L${at(4, 4)} M${at(-4, 4)} L${at(4, -4)}"/>`
}

/** Powers of ten around the values. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)))
  const to = Math.ceil(Math.log10(Math.max(...values)))
  return Array.from({ length: Math.max(1, to - from) + 1 }, (_, i) => 10 ** (from + i))
}

function panel({ title, xTitle, xLabel, lines }, left) {
  const xs = [...new Set(Object.values(lines).flatMap((points) => points.map(([x]) => x)))].sort((a, b) => a - b)
  const ys = decades(Object.values(lines).flatMap((points) => points.map(([, y]) => y)))
  const bottom = PANEL.top + PANEL.height
  const scale = (value, first, last, start, length) =>
    start + ((Math.log10(value) - Math.log10(first)) / (Math.log10(last) - Math.log10(first))) * length
  const toX = (x) => scale(x, xs[0], xs.at(-1), left, PANEL.width)
  const toY = (y) => scale(y, ys[0], ys.at(-1), bottom, -PANEL.height)
  const parts = [`<text class="ink" x="${left - 44}" y="${PANEL.top - 18}">${escaped(title)}</text>`]
  for (const y of ys) {
    parts.push(`<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${toY(y).toFixed(1)}" y2="${toY(y).toFixed(1)}"/>`)
    parts.push(`<text class="soft" x="${left - 8}" y="${(toY(y) + 4).toFixed(1)}" text-anchor="end">${short(y)}</text>`)
  }
  for (const x of xs) parts.push(`<text class="soft" x="${toX(x).toFixed(1)}" y="${bottom + 20}" text-anchor="middle">${xLabel(x)}</text>`)
  parts.push(`<text class="soft" x="${left + PANEL.width / 2}" y="${bottom + 40}" text-anchor="middle">${escaped(xTitle)}</text>`)
  for (const [series, points] of Object.entries(lines).reverse()) {
    const path = points.map(([x, y], i) => `${i ? 'L' : 'M'}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`).join(' ')
    parts.push(`<path class="line ${series}" d="${path}"/>`, ...points.map(([x, y]) => mark(SERIES[series].mark, toX(x), toY(y), series)))
  }
  return parts.join('\n  ')
}

function legend(shown) {
  let x = 28
  return shown
    .map((series) => {
      const { label, mark: kind } = SERIES[series]
      const part = `${mark(kind, x + 6, 46, series)}<text class="ink" x="${x + 18}" y="51">${escaped(label)}</text>`
      x += 34 + label.length * 8
      return part
    })
    .join('\n  ')
}

/** The same figures in words, for those who cannot see them. */
const inWords = ({ title, xLabel, lines }) =>
  `${title}: ${Object.entries(lines)
    .map(([series, points]) => `${SERIES[series].label} ${points.map(([x, y]) => `${exact(y)} at ${xLabel(x)}`).join(', ')}`)
    .join('; ')}.`

function draw(name, heading, panels) {
  const shown = Object.keys(SERIES).filter((series) => panels.some(({ lines }) => lines[series]))
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title text" font-family="ui-sans-serif, system-ui, sans-serif" font-size="14">
  <title id="title">${escaped(heading)}</title>
  <desc id="text">${escaped(panels.map(inWords).join(' '))}</desc>
  <style>${STYLE}</style>
  <rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="10"/>
  <text class="ink" x="28" y="28" font-weight="600">${escaped(heading)}</text>
  ${legend(shown)}
  ${panels.map((each, i) => panel(each, LEFTS[i])).join('\n  ')}
</svg>
`
  writeFileSync(fileURLToPath(new URL(`../../docs/images/${name}.svg`, import.meta.url)), svg)
  console.log(`docs/images/${name}.svg: ${panels.map(inWords).join('\n  ')}`)
}

/** For each peer its points with a value above nothing. */
function linesOf(pointsOf) {
  const entries = Object.keys(SERIES).map((series) => [series, pointsOf(series).filter(([, y]) => y > 0)])
  return Object.fromEntries(entries.filter(([, points]) => points.length > 1))
}

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('No results to draw. Give the JSON of a run: node run.mjs --only size,fanout,memory, then node plot.mjs results/NAME.json')
  process.exit(2)
}
const results = Object.assign({}, ...files.map((file) => JSON.parse(readFileSync(file, 'utf8'))))

if (results.size) {
  const of = (key, perUnit) => (series) => {
    const runs = good(results.size[series])
    const sizes = Object.keys(runs[0]?.sizes ?? {}).map(Number)
    return sizes.map((bytes) => [bytes, medianOf(runs, (run) => run.sizes[bytes][key]) / perUnit])
  }
  const xAxis = { xTitle: 'arguments of a call, bytes of JSON (log)', xLabel: bytesShort }
  draw('cost-by-size', 'What a call costs as its arguments grow', [
    { title: 'in the call: CPU, µs (log)', lines: linesOf(of('callCpuNs', 1000)), ...xAxis },
    { title: 'with its export: CPU, µs a call (log)', lines: linesOf(of('cpuUs', 1)), ...xAxis },
  ])
}
if (results.fanout && results.memory) {
  const counts = Object.keys(results.fanout).map(Number)
  const cpuOf = (series) => counts.map((n) => [n, medianOf(good(results.fanout[n][series]), (run) => run.cpuUs)])
  // One tracer alone is lost in what the process itself grows and shrinks by.
  const many = Object.keys(results.memory).filter((n) => n >= 10)
  const memoryOf = (series) => many.map((n) => [Number(n), medianOf(good(results.memory[n][series]), (run) => run.usedKB)])
  const xAxis = { xTitle: 'tracers, each with a key of its own (log)', xLabel: short }
  draw('cost-by-tracers', 'What a tracer more costs', [
    { title: '2,000 spans/s over all of them: CPU, µs a span (log)', lines: linesOf(cpuOf), ...xAxis },
    { title: 'heap of a tracer after a span, KB (log)', lines: linesOf(memoryOf), ...xAxis },
  ])
}

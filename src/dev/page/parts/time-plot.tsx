import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { toClock, toDay } from '../model/format.js'
import { readColour, useThemeVersion } from '../model/settings.js'

/** One line or set of bars. */
export interface Series {
  readonly label: string
  /** Custom property with its colour. */
  readonly colour: string
  readonly values: readonly (number | null)[]
  readonly isBars?: boolean
}
interface TimePlotProps {
  readonly title: string
  readonly timesMs: readonly number[]
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  /** Called with the stretch that was dragged over. */
  readonly onRange?: (fromMs: number, toMs: number) => void
}

const HEIGHT = 210
const CURSOR = { sync: { key: 'hive' }, points: { size: 6 }, drag: { x: true, y: false, setScale: false } } as const

/** Values over time; the cursors of all plots move together, dragging chooses a stretch of time. */
export function TimePlot({ title, timesMs, series, format, onRange }: TimePlotProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const pick = useRef(onRange)
  pick.current = onRange
  const version = useThemeVersion()
  const data = [timesMs.map((ms) => ms / 1000), ...series.map((one) => one.values)] as uPlot.AlignedData
  const latest = useRef(data)
  latest.current = data
  const shape = series.map((one) => one.label).join()
  useEffect(() => {
    const box = host.current
    if (!box) return
    plot.current = new uPlot(toOptions(box.clientWidth, series, format, pick), latest.current, box)
    const watcher = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }))
    watcher.observe(box)
    return () => {
      watcher.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [version, shape, title])
  useEffect(() => plot.current?.setData(latest.current), [timesMs, series])
  return (
    <figure class="time-plot">
      <figcaption>{title}</figcaption>
      <div ref={host} />
    </figure>
  )
}

type Pick = { readonly current: TimePlotProps['onRange'] }

function toOptions(width: number, series: readonly Series[], format: (value: number) => string, pick: Pick): uPlot.Options {
  const text = readColour('--dim')
  const line = readColour('--line')
  const colours = series.map((one) => readColour(one.colour))
  const font = '11px ui-monospace, Menlo, Consolas, "Liberation Mono", monospace'
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
  return {
    width,
    height: HEIGHT,
    cursor: CURSOR,
    padding: [10, 8, 0, 0],
    legend: { live: true, markers: { fill: (_plot, at) => colours[at - 1] ?? 'transparent', stroke: () => 'transparent', width: 0 } },
    scales: {
      x: { range: (plot, min, max) => padEnds(plot.data[0], min, max) },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 26,
        values: (_plot, splits, _axis, _space, step) => splits.map((seconds) => toAxisTime(seconds * 1000, step)),
      },
      { ...axis, size: 62, values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : format(value))) },
    ],
    series: [
      { label: 'at', value: (_plot, seconds) => (seconds === null || seconds === undefined ? '–' : toClock(seconds * 1000)) },
      ...series.map((one) => toSeries(one, format)),
    ],
    hooks: { setSelect: [(plot) => pickRange(plot, pick)] },
  }
}

const DAY_SECONDS = 86_400

/** Half a step of room at both ends, so that the first and last bar are whole. */
function padEnds(times: ArrayLike<number>, min: number, max: number): [number, number] {
  const pad = (Math.max(max - min, 1) / Math.max(20, times.length)) * 0.6
  return [min - pad, max + pad]
}

function toAxisTime(ms: number, stepSeconds: number): string {
  if (stepSeconds >= DAY_SECONDS) return toDay(ms)
  const time = toClock(ms, ms)
  return stepSeconds < 60 ? time : time.slice(0, 5)
}

function toSeries(one: Series, format: (value: number) => string): uPlot.Series {
  const colour = readColour(one.colour)
  const bars = uPlot.paths.bars?.({ size: [0.7, 28], radius: 0.15 })
  return {
    label: one.label,
    stroke: colour,
    width: one.isBars ? 0 : 1.5,
    points: { show: !one.isBars, size: 4, fill: colour, width: 0 },
    spanGaps: !one.isBars,
    value: (_plot, value) => (value === null || value === undefined ? '–' : format(value)),
    ...(one.isBars ? { fill: colour, ...(bars ? { paths: bars } : {}) } : {}),
  }
}

function pickRange(plot: uPlot, pick: Pick): void {
  const { left, width } = plot.select
  if (width < 4) return
  const from = plot.posToVal(left, 'x') * 1000
  const to = plot.posToVal(left + width, 'x') * 1000
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
  pick.current?.(Math.floor(from), Math.ceil(to))
}

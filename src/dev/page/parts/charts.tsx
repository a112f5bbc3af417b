import type { JSX } from 'preact'
import { toVerdict } from '../model/comparison.js'
import { toScore } from '../model/format.js'

const BINS = 16

/** How often each score occurs, as bars between the lowest and the highest. */
export function Histogram({
  name,
  values,
  average,
}: {
  readonly name: string
  readonly values: readonly number[]
  readonly average: number | null
}): JSX.Element {
  const min = toLeast(values, 0)
  const max = toMost(values, min + (values.every((value) => value <= 1) ? 1 : 1e-9))
  const counts = toBins(values, min, max)
  const top = Math.max(...counts, 1)
  const at = average === null ? null : ((average - min) / (max - min)) * 160
  return (
    <figure class="histogram">
      <figcaption>
        <span class="mono">{name}</span>
        <b class="mono">{toScore(average)}</b>
      </figcaption>
      <svg
        viewBox="0 0 160 56"
        role="img"
        aria-label={`${name}: ${values.length} scores from ${toScore(toLeast(values, Number.POSITIVE_INFINITY))} to ${toScore(toMost(values, Number.NEGATIVE_INFINITY))}, average ${toScore(average)}`}
      >
        {counts.map((count, index) => (
          <rect key={index} x={index * 10 + 0.75} width={8.5} y={54 - (count / top) * 50} height={(count / top) * 50} rx={1}>
            <title>{`${count} between ${toScore(min + (index * (max - min)) / BINS)} and ${toScore(min + ((index + 1) * (max - min)) / BINS)}`}</title>
          </rect>
        ))}
        <line class="axis" x1={0} x2={160} y1={54.5} y2={54.5} />
        {at !== null && <line class="average" x1={at} x2={at} y1={0} y2={56} />}
      </svg>
      <div class="histogram-ends mono dim">
        <span>{toScore(min)}</span>
        <span>{toScore(max)}</span>
      </div>
    </figure>
  )
}

function toBins(values: readonly number[], min: number, max: number): readonly number[] {
  const counts = new Array<number>(BINS).fill(0)
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((value - min) / (max - min)) * BINS)))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return counts
}

/** One datapoint in both runs. */
export interface ScatterPoint {
  readonly id: string
  readonly oldScore: number
  readonly newScore: number
}
interface ScatterProps {
  readonly points: readonly ScatterPoint[]
  readonly oldName: string
  readonly newName: string
  /** -1 where less is better. */
  readonly sign: 1 | -1
  readonly selected: string | null
  readonly onSelect: (id: string) => void
}

const SIDE = 320
const MARGIN = 34

/** Old score against new score: one side of the diagonal is better, the other worse. Points that coincide are set apart a little. */
export function Scatter({ points, oldName, newName, sign, selected, onSelect }: ScatterProps): JSX.Element {
  const scores = points.flatMap((point) => [point.oldScore, point.newScore])
  const min = toLeast(scores, 0)
  const max = toMost(scores, min + (scores.every((score) => score <= 1) ? 1 : 1e-9))
  const pad = (max - min) * 0.06
  const place = (score: number): number => ((score - min + pad) / (max - min + pad * 2)) * (SIDE - MARGIN * 2) + MARGIN
  const spread = toSpread(points)
  return (
    <svg
      class="scatter"
      viewBox={`0 0 ${SIDE} ${SIDE}`}
      role="img"
      aria-label={`${points.length} datapoints, score in ${oldName} across and in ${newName} upwards`}
    >
      <path
        class="better"
        d={
          sign === 1 ? `M${MARGIN} ${SIDE - MARGIN}V${MARGIN}H${SIDE - MARGIN}Z` : `M${MARGIN} ${SIDE - MARGIN}H${SIDE - MARGIN}V${MARGIN}Z`
        }
      />
      <path class="frame" d={`M${MARGIN} ${MARGIN}V${SIDE - MARGIN}H${SIDE - MARGIN}`} />
      <line class="diagonal" x1={MARGIN} y1={SIDE - MARGIN} x2={SIDE - MARGIN} y2={MARGIN} />
      {[min, (min + max) / 2, max].map((score) => (
        <g key={score} class="tick">
          <text x={place(score)} y={SIDE - MARGIN + 14} text-anchor="middle">
            {toScore(score)}
          </text>
          <text x={MARGIN - 6} y={SIDE - place(score) + 3} text-anchor="end">
            {toScore(score)}
          </text>
        </g>
      ))}
      <text class="axis-name" x={SIDE - MARGIN} y={SIDE - 4} text-anchor="end">
        {`${oldName} →`}
      </text>
      <text class="axis-name" x={4} y={MARGIN - 12}>
        {`↑ ${newName}`}
      </text>
      {points.map((point, index) => {
        const [dx, dy] = spread[index] ?? [0, 0]
        return (
          // biome-ignore lint/a11y/noStaticElementInteractions: the table beside it has the same rows as buttons
          <circle
            key={point.id}
            class={`${toVerdict(point.newScore - point.oldScore, sign)}${selected === point.id ? ' is-selected' : ''}`}
            cx={place(point.oldScore) + dx}
            cy={SIDE - place(point.newScore) + dy}
            r={selected === point.id ? 6 : 4}
            onClick={() => onSelect(point.id)}
          >
            <title>{`${point.id}: ${toScore(point.oldScore)} to ${toScore(point.newScore)}`}</title>
          </circle>
        )
      })}
    </svg>
  )
}

function toSpread(points: readonly ScatterPoint[]): readonly (readonly [number, number])[] {
  const seen = new Map<string, number>()
  return points.map((point) => {
    const key = `${point.oldScore.toFixed(3)}/${point.newScore.toFixed(3)}`
    const nth = seen.get(key) ?? 0
    seen.set(key, nth + 1)
    const radius = Math.min(13, 3.6 * Math.sqrt(nth))
    return [radius * Math.cos(nth * 2.4), radius * Math.sin(nth * 2.4)] as const
  })
}

/** A call with an argument for each of 100,000 scores would be too much for the stack. */
function toLeast(values: readonly number[], start: number): number {
  return values.reduce((least, value) => Math.min(least, value), start)
}

function toMost(values: readonly number[], start: number): number {
  return values.reduce((most, value) => Math.max(most, value), start)
}

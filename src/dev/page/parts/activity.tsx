import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Stats } from '../../page-api/contract.js'
import { toClock, toCount } from '../model/format.js'

const HEIGHT = 34

interface ActivityProps {
  readonly stats: Stats
  readonly fromMs: number
  readonly toMs: number
  readonly onRange: (fromMs: number, toMs: number) => void
}

/** Events over time as a strip of bars, errors in red at their foot; dragging over it chooses a stretch of time. */
export function Activity({ stats, fromMs, toMs, onRange }: ActivityProps): JSX.Element {
  const [drag, setDrag] = useState<{ readonly start: number; readonly end: number } | null>(null)
  const span = Math.max(1, toMs - fromMs)
  const top = Math.max(1, ...stats.points.map((point) => point.events))
  const width = Math.max(0.25, (stats.bucketMs / span) * 100)
  const place = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
  }
  const finish = (): void => {
    if (!drag) return
    const [a, b] = [Math.min(drag.start, drag.end), Math.max(drag.start, drag.end)]
    setDrag(null)
    if (b - a > 0.005) onRange(Math.floor(fromMs + a * span), Math.ceil(fromMs + b * span))
  }
  const total = stats.points.reduce((sum, point) => sum + point.events, 0)
  const errors = stats.points.reduce((sum, point) => sum + point.errors, 0)
  return (
    <div class="activity">
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${toCount(total)} events, ${errors} errors from ${toClock(fromMs)} to ${toClock(toMs)}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setDrag({ start: place(event), end: place(event) })
        }}
        onPointerMove={(event) => drag && setDrag({ start: drag.start, end: place(event) })}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
      >
        {stats.points.map((point) => {
          const x = ((point.timeMs - fromMs) / span) * 100
          const height = point.events === 0 ? 0 : Math.max(1.5, (point.events / top) * (HEIGHT - 2))
          const errorHeight = point.errors === 0 ? 0 : Math.max(1.5, (point.errors / top) * (HEIGHT - 2))
          return (
            <g key={point.timeMs}>
              <rect class="bar" x={x} width={width * 0.82} y={HEIGHT - height} height={height}>
                <title>{`${toClock(point.timeMs)}: ${point.events} events, ${point.errors} errors`}</title>
              </rect>
              <rect class="bar-error" x={x} width={width * 0.82} y={HEIGHT - errorHeight} height={errorHeight} />
            </g>
          )
        })}
        {drag && (
          <rect
            class="brush"
            x={Math.min(drag.start, drag.end) * 100}
            width={Math.abs(drag.end - drag.start) * 100}
            y={0}
            height={HEIGHT}
          />
        )}
      </svg>
      <div class="activity-ends mono">
        <span>{toClock(fromMs)}</span>
        <span>drag to choose a time</span>
        <span>{toClock(toMs)}</span>
      </div>
    </div>
  )
}

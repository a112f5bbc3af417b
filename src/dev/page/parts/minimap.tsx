import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { EventRow } from '../../page-api/contract.js'
import { readColour, useThemeVersion } from '../model/settings.js'
import { toKnownType } from './glyph.js'
import type { Extent } from './waterfall.js'

const HEIGHT = 44
const MIN_SHARE = 0.004

interface MinimapProps {
  /** In the order they are drawn from top to bottom. */
  readonly rows: readonly EventRow[]
  readonly extent: Extent
  readonly zoom: Extent | null
  readonly onZoom: (zoom: Extent | null) => void
  /** Custom property with the colour of an event; by its type unless given. */
  readonly colourOf?: (row: EventRow) => string
}

/** All events in a strip; dragging over it zooms, a double click shows everything again. */
export function Minimap({ rows, extent, zoom, onZoom, colourOf = toTypeColour }: MinimapProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [drag, setDrag] = useState<{ readonly start: number; readonly end: number } | null>(null)
  const version = useThemeVersion()
  const span = extent.to - extent.from
  useEffect(() => {
    const element = canvas.current
    if (!element) return
    const redraw = (): void => draw(element, rows, extent, colourOf)
    redraw()
    const watcher = new ResizeObserver(redraw)
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [rows, extent, version, colourOf])
  const place = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
  }
  const finish = (): void => {
    if (!drag) return
    const [a, b] = [Math.min(drag.start, drag.end), Math.max(drag.start, drag.end)]
    setDrag(null)
    if (b - a > MIN_SHARE) onZoom({ from: extent.from + a * span, to: extent.from + b * span })
  }
  const shade = drag
    ? toShade(drag.start, drag.end)
    : zoom
      ? toShade((zoom.from - extent.from) / span, (zoom.to - extent.from) / span)
      : null
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the views zoom as well
    <div
      class="minimap"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        setDrag({ start: place(event), end: place(event) })
      }}
      onPointerMove={(event) => drag && setDrag({ start: drag.start, end: place(event) })}
      onPointerUp={finish}
      onPointerCancel={() => setDrag(null)}
      onDblClick={() => onZoom(null)}
      title="Drag to zoom, double click for all"
    >
      <canvas ref={canvas} role="img" aria-label={`All ${rows.length} events in time`} />
      {shade && <span class="minimap-shade" style={{ left: 0, width: `${shade.from}%` }} />}
      {shade && <span class="minimap-shade" style={{ right: 0, width: `${100 - shade.to}%` }} />}
      {shade && <span class="minimap-range" style={{ left: `${shade.from}%`, width: `${shade.to - shade.from}%` }} />}
    </div>
  )
}

function toShade(start: number, end: number): { readonly from: number; readonly to: number } {
  return { from: Math.min(start, end) * 100, to: Math.max(start, end) * 100 }
}

function toTypeColour(row: EventRow): string {
  return `--type-${toKnownType(row.type)}`
}

function draw(canvas: HTMLCanvasElement, rows: readonly EventRow[], extent: Extent, colourOf: (row: EventRow) => string): void {
  const ratio = devicePixelRatio
  const width = canvas.clientWidth * ratio
  canvas.width = width
  canvas.height = HEIGHT * ratio
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const colours = new Map<string, string>()
  const toColour = (name: string): string => {
    const known = colours.get(name) ?? readColour(name)
    colours.set(name, known)
    return known
  }
  const bad = readColour('--bad')
  const span = extent.to - extent.from
  const height = HEIGHT * ratio
  const step = Math.min(3 * ratio, (height - 4) / Math.max(1, rows.length))
  const thick = Math.max(1.5 * ratio, step * 0.8)
  rows.forEach((row, at) => {
    const x = ((row.startMs - extent.from) / span) * width
    context.fillStyle = row.error === null ? toColour(colourOf(row)) : bad
    context.globalAlpha = row.type === 'session' ? 0.35 : 0.9
    context.fillRect(x, 2 + at * step, Math.max(ratio, (row.durationMs / span) * width), row.error === null ? thick : thick * 1.5)
  })
}

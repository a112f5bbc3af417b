import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { EventRow, ProcessDetail } from '../../page-api/contract.js'
import { toDuration, toTicks } from '../model/format.js'
import { useProjects } from '../model/projects.js'
import { navigate, toHash } from '../model/route.js'
import { readColour, useThemeVersion } from '../model/settings.js'
import { toLanes } from '../model/tree.js'
import { TenantCell } from './glyph.js'
import type { Extent } from './waterfall.js'

const LANE_PAD = 12
const MAX_LANE_HEIGHT = 420
const MIN_DRAG = 6
const LABEL_FROM = 44
const FONT = '11px ui-monospace, Menlo, Consolas, "Liberation Mono", monospace'

interface Lane {
  readonly id: string
  readonly name: string
  readonly colour: string
  readonly events: readonly EventRow[]
  readonly rows: ReadonlyMap<string, number>
  readonly top: number
  readonly height: number
  readonly rowHeight: number
}
interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
interface ChartProps {
  readonly detail: ProcessDetail
  readonly range: Extent
  readonly selected: string | null
  readonly onSelect: (id: string | null) => void
  readonly onZoom: (range: Extent) => void
}

/** One lane for each tracer on a common time axis; curves are the links between them. Drawn on a canvas, operated by keys as well. */
export function LaneChart({ detail, range, selected, onSelect, onZoom }: ChartProps): JSX.Element {
  const { nameOf, colourOf } = useProjects()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [hover, setHover] = useState<{ readonly event: EventRow; readonly x: number; readonly y: number } | null>(null)
  const [drag, setDrag] = useState<{ readonly start: number; readonly end: number } | null>(null)
  const version = useThemeVersion()
  const lanes = useMemo(
    () => toLayout(detail, nameOf, colourOf),
    [detail, version, detail.lanes.map(({ project }) => colourOf(project.id)).join()],
  )
  const height = lanes.reduce((bottom, lane) => Math.max(bottom, lane.top + lane.height), 0)
  const place = (event: EventRow, lane: Lane): Box => toBox(event, lane, range, width)

  useEffect(() => {
    const element = canvas.current
    if (!element) return
    const watcher = new ResizeObserver(() => setWidth(element.clientWidth))
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current && width > 0) paint(canvas.current, { lanes, links: detail.links, range, width, height, selected, place })
  }, [lanes, range, width, height, selected, version])

  const find = (x: number, y: number): EventRow | null => toHit(lanes, place, x, y)
  const move = (event: PointerEvent): void => {
    const x = event.offsetX
    if (drag) return setDrag({ start: drag.start, end: x })
    const found = find(x, event.offsetY)
    setHover(found ? { event: found, x, y: event.offsetY } : null)
  }
  const release = (event: PointerEvent): void => {
    const start = drag?.start ?? event.offsetX
    setDrag(null)
    if (Math.abs(event.offsetX - start) < MIN_DRAG) return onSelect(find(event.offsetX, event.offsetY)?.id ?? null)
    const at = (x: number): number => range.from + (x / width) * (range.to - range.from)
    onZoom({ from: at(Math.min(start, event.offsetX)), to: at(Math.max(start, event.offsetX)) })
  }
  const press = (event: KeyboardEvent): void => {
    const next = toNextByKey(event.key, lanes, detail.links, selected)
    if (next === undefined) return
    event.preventDefault()
    if (event.key === 'Enter') navigate(toHash(['p', next.projectId, 'sessions', next.sessionId], { e: next.id }))
    else {
      onSelect(next.id)
      if (next.startMs > range.to || next.startMs + next.durationMs < range.from) onZoom(toCentred(next, range))
    }
  }
  return (
    <div class="lanes">
      <div class="lane-axis" aria-hidden="true">
        {toTicks(0, (range.to - range.from) * 0.95, 7).map((tick) => (
          <span key={tick} class="mono" style={{ left: `${(tick / (range.to - range.from)) * 100}%` }}>
            +{toDuration(tick)}
          </span>
        ))}
      </div>
      <div class="lanes-scroll">
        <ul class="lane-names">
          {lanes.map((lane) => (
            <li key={lane.id} style={{ height: `${lane.height}px`, '--tenant': `var(${lane.colour})` }}>
              <a href={toHash(['p', lane.id, 'sessions'])}>
                <TenantCell colour={lane.colour} />
                {lane.name}
              </a>
              <span class="mono dim">{lane.events.length} events</span>
            </li>
          ))}
        </ul>
        <div class="lane-plot">
          {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the drawing takes arrow keys; what they choose is announced below it */}
          <canvas
            ref={canvas}
            tabIndex={0}
            role="application"
            aria-label={`${detail.lanes.length} lanes of events, ${detail.links.length} links between them. Arrow keys choose an event, enter opens it.`}
            style={{ height: `${height}px` }}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId)
              setDrag({ start: event.offsetX, end: event.offsetX })
            }}
            onPointerMove={move}
            onPointerUp={release}
            onPointerLeave={() => setHover(null)}
            onKeyDown={press}
          />
          {drag && Math.abs(drag.end - drag.start) >= MIN_DRAG && (
            <span
              class="minimap-range"
              style={{ left: `${Math.min(drag.start, drag.end)}px`, width: `${Math.abs(drag.end - drag.start)}px` }}
            />
          )}
          {hover && !drag && (
            <div class="tip" style={{ left: `${Math.min(hover.x + 12, Math.max(0, width - 260))}px`, top: `${hover.y + 16}px` }}>
              <b>{hover.event.name}</b>
              <span class="mono">
                {hover.event.type}, {toDuration(hover.event.durationMs)}
              </span>
              {hover.event.error !== null && <span class="is-bad">{hover.event.error.slice(0, 160)}</span>}
            </div>
          )}
        </div>
      </div>
    </div>
  )
}

function toLayout(detail: ProcessDetail, nameOf: (id: string) => string, colourOf: (id: string) => string): readonly Lane[] {
  let top = 0
  return detail.lanes.map(({ project, events }) => {
    const { rows, count } = toLanes(events)
    const rowHeight = count <= 10 ? 20 : Math.max(3, Math.min(20, (MAX_LANE_HEIGHT - LANE_PAD * 2) / count))
    const height = Math.max(64, count * rowHeight + LANE_PAD * 2)
    const lane: Lane = { id: project.id, name: nameOf(project.id), colour: colourOf(project.id), events, rows, top, height, rowHeight }
    top += height
    return lane
  })
}

function toBox(event: EventRow, lane: Lane, range: Extent, width: number): Box {
  const scale = width / (range.to - range.from)
  const row = lane.rows.get(event.id) ?? 0
  const gap = lane.rowHeight > 8 ? 3 : lane.rowHeight > 5 ? 1 : 0
  return {
    x: (event.startMs - range.from) * scale,
    y: lane.top + LANE_PAD + row * lane.rowHeight,
    width: Math.max(2, event.durationMs * scale),
    height: lane.rowHeight - gap,
  }
}

function toHit(lanes: readonly Lane[], place: (event: EventRow, lane: Lane) => Box, x: number, y: number): EventRow | null {
  const lane = lanes.find((one) => y >= one.top && y < one.top + one.height)
  if (!lane) return null
  const hits = lane.events.filter((event) => {
    const box = place(event, lane)
    return x >= box.x - 2 && x <= box.x + box.width + 2 && y >= box.y - 1 && y <= box.y + box.height + 1
  })
  return hits.at(-1) ?? null
}

function toNextByKey(key: string, lanes: readonly Lane[], links: ProcessDetail['links'], selected: string | null): EventRow | undefined {
  const at = lanes.findIndex((lane) => lane.rows.has(selected ?? ''))
  const lane = lanes[at]
  const events = lane?.events ?? []
  const here = events.findIndex((event) => event.id === selected)
  const current = events[here]
  if (!current) return key.startsWith('Arrow') ? lanes.find((one) => one.events.length > 0)?.events[0] : undefined
  if (key === 'ArrowRight') return events[here + 1]
  if (key === 'ArrowLeft') return events[here - 1]
  if (key === 'ArrowDown') return toNearest(lanes[at + 1]?.events ?? [], current.startMs)
  if (key === 'ArrowUp') return toNearest(lanes[at - 1]?.events ?? [], current.startMs)
  if (key === 'l') return toOtherEnd(lanes, links, current.id)
  return key === 'Enter' ? current : undefined
}

function toNearest(events: readonly EventRow[], ms: number): EventRow | undefined {
  return events.reduce<EventRow | undefined>(
    (best, event) => (best === undefined || Math.abs(event.startMs - ms) < Math.abs(best.startMs - ms) ? event : best),
    undefined,
  )
}

function toOtherEnd(lanes: readonly Lane[], links: ProcessDetail['links'], id: string): EventRow | undefined {
  const link = links.find((one) => one.fromEventId === id || one.toEventId === id)
  const other = link?.fromEventId === id ? link.toEventId : link?.fromEventId
  return lanes.flatMap((lane) => lane.events).find((event) => event.id === other)
}

function toCentred(event: EventRow, range: Extent): Extent {
  const half = (range.to - range.from) / 2
  const middle = event.startMs + Math.min(event.durationMs, half) / 2
  return { from: middle - half, to: middle + half }
}

interface Picture {
  readonly lanes: readonly Lane[]
  readonly links: ProcessDetail['links']
  readonly range: Extent
  readonly width: number
  readonly height: number
  readonly selected: string | null
  readonly place: (event: EventRow, lane: Lane) => Box
}

function paint(canvas: HTMLCanvasElement, picture: Picture): void {
  const ratio = devicePixelRatio
  canvas.width = picture.width * ratio
  canvas.height = picture.height * ratio
  const context = canvas.getContext('2d')
  if (!context) return
  context.scale(ratio, ratio)
  paintGrid(context, picture)
  for (const lane of picture.lanes) paintLane(context, picture, lane)
  paintLinks(context, picture)
}

function paintGrid(context: CanvasRenderingContext2D, { lanes, range, width, height }: Picture): void {
  context.fillStyle = readColour('--line')
  for (const tick of toTicks(0, range.to - range.from, 7)) context.fillRect((tick / (range.to - range.from)) * width, 0, 1, height)
  for (const lane of lanes) context.fillRect(0, lane.top + lane.height - 1, width, 1)
}

function paintLane(context: CanvasRenderingContext2D, { range, width, selected, place }: Picture, lane: Lane): void {
  const tenant = readColour(lane.colour)
  const bad = readColour('--bad')
  const ink = readColour('--ink')
  const onBar = readColour('--on-bar')
  context.font = FONT
  context.textBaseline = 'middle'
  for (const event of lane.events) {
    if (event.startMs > range.to || event.startMs + event.durationMs < range.from) continue
    const box = place(event, lane)
    const x = Math.max(-2, box.x)
    const right = Math.min(width + 2, box.x + box.width)
    context.globalAlpha = event.type === 'session' ? 0.22 : event.type === 'chain' ? 0.55 : event.type === 'model' ? 1 : 0.78
    context.fillStyle = tenant
    context.beginPath()
    context.roundRect(x, box.y, Math.max(2, right - x), box.height, Math.min(2, box.height / 3))
    context.fill()
    context.globalAlpha = 1
    if (event.error !== null) {
      context.fillStyle = bad
      context.fillRect(x, box.y + box.height - Math.max(2, box.height * 0.2), Math.max(2, right - x), Math.max(2, box.height * 0.2))
    }
    if (event.id === selected) {
      context.strokeStyle = ink
      context.lineWidth = 2
      context.strokeRect(x - 1.5, box.y - 1.5, Math.max(2, right - x) + 3, box.height + 3)
    }
    if (right - x > LABEL_FROM && box.height > 11)
      paintLabel(context, event, x, box, right, event.type === 'session' || event.type === 'chain' ? ink : onBar)
  }
}

function paintLabel(context: CanvasRenderingContext2D, event: EventRow, x: number, box: Box, right: number, colour: string): void {
  context.save()
  context.beginPath()
  context.rect(x, box.y, right - x - 4, box.height)
  context.clip()
  context.fillStyle = colour
  context.fillText(event.name, Math.max(x, 0) + 5, box.y + box.height / 2 + 0.5)
  context.restore()
}

function paintLinks(context: CanvasRenderingContext2D, { lanes, links, place, selected, width }: Picture): void {
  const ends = new Map<string, Box>()
  const wanted = new Set(links.flatMap((link) => [link.fromEventId, link.toEventId]))
  for (const lane of lanes) for (const event of lane.events) if (wanted.has(event.id)) ends.set(event.id, place(event, lane))
  const plain = readColour('--link-line')
  const strong = readColour('--honey')
  for (const link of links) {
    const from = ends.get(link.fromEventId)
    const to = ends.get(link.toEventId)
    if (!from || !to || Math.max(from.x, to.x) < 0 || Math.min(from.x, to.x) > width) continue
    const isChosen = link.fromEventId === selected || link.toEventId === selected
    context.strokeStyle = isChosen ? strong : plain
    context.lineWidth = isChosen ? 2.5 : 1.25
    paintCurve(context, from, to)
  }
}

/** From the left end of the linked root to the same moment on the bar it was opened inside. */
function paintCurve(context: CanvasRenderingContext2D, from: Box, to: Box): void {
  const startX = from.x + 1
  const endX = Math.min(Math.max(startX, to.x), to.x + to.width)
  const isDown = from.y > to.y
  const startY = isDown ? from.y : from.y + from.height
  const endY = isDown ? to.y + to.height : to.y
  const bend = (startY - endY) / 2
  context.beginPath()
  context.moveTo(startX, startY)
  context.bezierCurveTo(startX - 14, startY - bend, endX - 14, endY + bend, endX, endY)
  context.stroke()
  context.beginPath()
  context.arc(endX, endY, 3, 0, Math.PI * 2)
  context.fillStyle = context.strokeStyle
  context.fill()
}

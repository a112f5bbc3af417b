import type { JSX } from 'preact'
import { useCallback, useMemo, useState } from 'preact/hooks'
import type { EventRow, ProcessDetail } from '../../page-api/contract.js'
import { useApi } from '../model/api.js'
import { toClock, toDuration } from '../model/format.js'
import { useKeys } from '../model/keys.js'
import { useLive } from '../model/live.js'
import { useProjects } from '../model/projects.js'
import { navigate, type Route, toHash, updateQuery } from '../model/route.js'
import { toExtent } from '../model/tree.js'
import { Icon, TenantCell, TypeGlyph } from '../parts/glyph.js'
import { LaneChart } from '../parts/lane-chart.js'
import { Minimap } from '../parts/minimap.js'
import { ConnectSteps, Empty, Failure, Loading } from '../parts/notice.js'
import type { Extent } from '../parts/waterfall.js'

const PAUSE_MS = 20_000
const SHORT_SHARE = 0.5
const ZOOM = 0.6

/** All tracers of one process on one clock, with the links between them. */
export function ProcessView({ id, route }: { readonly id: string; readonly route: Route }): JSX.Element {
  const detail = useApi<ProcessDetail>(`/api/processes/${encodeURIComponent(id)}`)
  useLive((message) => detail.data?.lanes.some((lane) => lane.project.id === message.projectId) ?? true, detail.reload, 2500)
  if (detail.error && !detail.data) return <Failure error={detail.error} onRetry={detail.reload} />
  if (!detail.data) return <Loading what="the process" />
  return <ProcessBody detail={detail.data} selected={route.query.get('e')} />
}

function ProcessBody({ detail, selected }: { readonly detail: ProcessDetail; readonly selected: string | null }): JSX.Element {
  const events = useMemo(() => detail.lanes.flatMap((lane) => lane.events), [detail])
  const extent = useMemo(() => toExtent(events), [events])
  const latest = useMemo(() => toLatestBurst(events, extent), [events, extent])
  const [zoom, setZoom] = useState<Extent | null>(latest)
  const byId = useMemo(() => new Map(events.map((event) => [event.id, event])), [events])
  const { colourOf } = useProjects()
  const colours = detail.lanes.map((lane) => colourOf(lane.project.id)).join()
  const toColour = useCallback((event: EventRow) => colourOf(event.projectId), [colours])
  const range = zoom ?? extent
  const scale = (factor: number): void => setZoom(toScaled(range, factor, extent, byId.get(selected ?? '')))
  useKeys({
    '+': () => scale(ZOOM),
    '=': () => scale(ZOOM),
    '-': () => scale(1 / ZOOM),
    0: () => setZoom(null),
    Escape: () => (selected ? updateQuery({ e: null }) : navigate(toHash(['processes']))),
  })
  const { process } = detail
  if (events.length === 0) {
    return (
      <Empty title="This process has sent no events">
        <ConnectSteps />
      </Empty>
    )
  }
  return (
    <div class="process">
      <header class="session-head">
        <a class="back" href={toHash(['processes'])} aria-label="Back to the processes">
          <Icon name="chevron" />
        </a>
        <h2>{process.service ?? 'unnamed service'}</h2>
        <dl class="facts">
          {process.pid !== null && <Fact name="pid" value={String(process.pid)} />}
          {process.host !== null && <Fact name="host" value={process.host} />}
          <Fact name="tracers" value={String(detail.lanes.length)} />
          <Fact name="events" value={String(events.length)} />
          <Fact name="links" value={String(detail.links.length)} />
          <Fact name="shown" value={`${toClock(range.from)}, ${toDuration(range.to - range.from)}`} />
        </dl>
        <fieldset class="zoom" aria-label="Zoom">
          <button type="button" class="toggle" aria-label="Zoom in" title="Zoom in (+)" onClick={() => scale(ZOOM)}>
            +
          </button>
          <button type="button" class="toggle" aria-label="Zoom out" title="Zoom out (-)" onClick={() => scale(1 / ZOOM)}>
            −
          </button>
          <button type="button" class="toggle" aria-pressed={zoom === null} title="All (0)" onClick={() => setZoom(null)}>
            All
          </button>
          {latest && (
            <button type="button" class="toggle" aria-pressed={zoom === latest} onClick={() => setZoom(latest)}>
              Latest
            </button>
          )}
        </fieldset>
      </header>
      <Minimap rows={events} extent={extent} zoom={zoom} onZoom={setZoom} colourOf={toColour} />
      <LaneChart detail={detail} range={range} selected={selected} onSelect={(id) => updateQuery({ e: id })} onZoom={setZoom} />
      <Chosen event={byId.get(selected ?? '') ?? null} />
      <LinkList detail={detail} byId={byId} />
    </div>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="mono">{value}</dd>
    </div>
  )
}

/** The last stretch without a pause, when the process has been quiet for most of its life; null when that is everything. */
function toLatestBurst(events: readonly EventRow[], extent: Extent): Extent | null {
  const ordered = [...events].sort((a, b) => b.startMs - a.startMs)
  let from = ordered[0]?.startMs ?? extent.from
  for (const event of ordered) {
    if (from - (event.startMs + event.durationMs) > PAUSE_MS) break
    from = Math.min(from, event.startMs)
  }
  const burst = extent.to - from
  if (burst > (extent.to - extent.from) * SHORT_SHARE) return null
  return { from: from - burst * 0.03, to: extent.to + burst * 0.03 }
}

function toScaled(range: Extent, factor: number, extent: Extent, around: EventRow | undefined): Extent | null {
  const middle = around ? around.startMs + around.durationMs / 2 : (range.from + range.to) / 2
  const half = ((range.to - range.from) * factor) / 2
  if (half * 2 >= extent.to - extent.from) return null
  return { from: middle - half, to: middle + half }
}

function Chosen({ event }: { readonly event: EventRow | null }): JSX.Element {
  const { nameOf, colourOf } = useProjects()
  return (
    <div class="chosen" aria-live="polite">
      {event === null ? (
        <p class="dim">Choose an event with the mouse or the arrow keys. Drag to zoom.</p>
      ) : (
        <a
          class="link-card"
          style={{ '--tenant': `var(${colourOf(event.projectId)})` }}
          href={toHash(['p', event.projectId, 'sessions', event.sessionId], { e: event.id })}
        >
          <TypeGlyph type={event.type} isError={event.error !== null} />
          <span>
            <small>
              {nameOf(event.projectId)}, {event.type}
            </small>
            <b>{event.name}</b>
          </span>
          {event.error !== null && <span class="verdict is-bad">{event.error.slice(0, 120)}</span>}
          <span class="mono dim">{toDuration(event.durationMs)}</span>
          <span>
            open (enter) <Icon name="out" />
          </span>
        </a>
      )}
    </div>
  )
}

function LinkList({ detail, byId }: { readonly detail: ProcessDetail; readonly byId: ReadonlyMap<string, EventRow> }): JSX.Element | null {
  if (detail.links.length === 0) return null
  const shown = detail.links.slice(-100).reverse()
  return (
    <section class="link-list">
      <h3>Links between tracers</h3>
      <ul>
        {shown.map((link) => {
          const from = byId.get(link.fromEventId)
          const to = byId.get(link.toEventId)
          if (!from || !to) return null
          return (
            <li key={`${link.fromEventId} ${link.toEventId}`}>
              <End event={from} />
              <span class="dim">opened inside</span>
              <End event={to} />
              <span class="mono dim">{toClock(from.startMs)}</span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function End({ event }: { readonly event: EventRow }): JSX.Element {
  const { nameOf, colourOf } = useProjects()
  return (
    <a href={toHash(['p', event.projectId, 'sessions', event.sessionId], { e: event.id })}>
      <TenantCell colour={colourOf(event.projectId)} />
      <span class="dim">{nameOf(event.projectId)}</span> {event.name}
    </a>
  )
}

import type { ComponentChildren, JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { EventRow, SessionDetail, SessionSummary } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toClock, toCount, toDuration, toFullTime } from '../model/format.js'
import { useKeys } from '../model/keys.js'
import { useFind } from '../model/find.js'
import { useLive } from '../model/live.js'
import { type Route, toHash, updateQuery } from '../model/route.js'
import { toExtent, toTree } from '../model/tree.js'
import { ConversationView } from '../parts/conversation.js'
import { CostOf } from '../parts/cost.js'
import { DeleteButton } from '../parts/delete-button.js'
import { Icon } from '../parts/glyph.js'
import { ExportMenu } from '../parts/menu.js'
import { Failure, Loading } from '../parts/notice.js'
import { readWidth, Splitter } from '../parts/splitter.js'
import { Waterfall } from '../parts/waterfall.js'
import { EventPane } from './event-pane.js'

const DETAIL_WIDTH = 480
const LIVE_EVERY_MS = 800
const SLOW_ABOVE_EVENTS = 3000
const SLOW_EVERY_MS = 4000

/** One session: its events as a tree beside their times, and the chosen event in full. */
export function SessionView({ project, id, route }: { readonly project: string; readonly id: string; readonly route: Route }): JSX.Element {
  const detail = useApi<SessionDetail>(toPath(`/api/sessions/${encodeURIComponent(id)}`, { project }))
  const count = detail.data?.events.length ?? 0
  useLive((message) => isAbout(message, id), detail.reload, count > SLOW_ABOVE_EVENTS ? SLOW_EVERY_MS : LIVE_EVERY_MS)
  // A session that was deleted meanwhile is gone here too.
  if (detail.error && (!detail.data || detail.error.status === 404)) return <Failure error={detail.error} onRetry={detail.reload} />
  if (!detail.data) return <Loading what="the session" />
  return <SessionBody project={project} detail={detail.data} route={route} />
}

function isAbout(message: { readonly kind: string; readonly sessionId?: string; readonly session?: SessionSummary }, id: string): boolean {
  return message.sessionId === id || message.session?.id === id
}

interface BodyProps {
  readonly project: string
  readonly detail: SessionDetail
  readonly route: Route
}

function SessionBody({ project, detail, route }: BodyProps): JSX.Element {
  const selected = route.query.get('e')
  const isTalk = selected === null && route.query.get('view') === 'conversation'
  const [width, setWidth] = useState(() => readWidth('detail', DETAIL_WIDTH))
  const events = useMemo(() => withSessionEvent(detail), [detail])
  const nodes = useMemo(() => toTree(events), [events])
  const extent = useMemo(() => toExtent(events), [events])
  const current = selected ?? nodes[0]?.row.id ?? null
  const find = useFind(project, detail.session.id, detail)
  const hasRecord = detail.event !== null || detail.events.some((event) => event.id === detail.session.id)
  return (
    <div class="session">
      <SessionHead project={project} session={detail.session} shown={events.length} isTalk={isTalk} />
      {isTalk ? (
        <ConversationView project={project} id={detail.session.id} version={detail} />
      ) : (
        <div class={`session-panes${selected === null ? '' : ' has-choice'}`} style={{ '--detail-width': `${width}px` }}>
          <Waterfall
            nodes={nodes}
            extent={extent}
            selected={current}
            find={find}
            onSelect={(id) => updateQuery({ e: id })}
            onClose={() => (location.hash = toHash(['p', project, 'sessions']))}
          />
          <Splitter
            name="detail"
            label="Width of the event's details"
            width={width}
            min={300}
            max={900}
            direction={-1}
            onWidth={setWidth}
          />
          <EventPane
            id={current === detail.session.id && !hasRecord ? null : current}
            project={project}
            session={detail.session}
            version={detail}
            found={(current === null ? undefined : find.inside.get(current)) ?? null}
          />
        </div>
      )}
    </div>
  )
}

/** The session's own event stands above the others, also where it is only known from the summary. */
function withSessionEvent(detail: SessionDetail): readonly EventRow[] {
  const { session, event, events } = detail
  if (events.some((row) => row.id === session.id)) return events.map((row) => (row.id === session.id ? fitTo(row, session) : row))
  const root: EventRow = event
    ? fitTo(event, session)
    : {
        id: session.id,
        parentId: null,
        sessionId: session.id,
        projectId: session.projectId,
        type: 'session',
        name: session.name,
        startMs: session.startMs,
        durationMs: session.durationMs,
        error: null,
        totalTokens: 0,
        cost: 0,
        costSource: null,
        model: null,
        links: 0,
      }
  const ids = new Set(events.map((row) => row.id))
  return [root, ...events.map((row) => (row.parentId === null || !ids.has(row.parentId) ? { ...row, parentId: session.id } : row))]
}

function fitTo(row: EventRow, session: SessionSummary): EventRow {
  return {
    ...row,
    parentId: null,
    startMs: Math.min(row.startMs, session.startMs),
    durationMs: Math.max(row.durationMs, session.durationMs),
  }
}

function SessionHead({
  project,
  session,
  shown,
  isTalk,
}: {
  readonly project: string
  readonly session: SessionSummary
  readonly shown: number
  readonly isTalk: boolean
}): JSX.Element {
  return (
    <header class="session-head">
      <a class="back" href={toHash(['p', project, 'sessions'])} aria-label="Back to the sessions">
        <Icon name="chevron" />
      </a>
      <h2>{session.name}</h2>
      <dl class="facts">
        <Fact name="started" title={toFullTime(session.startMs)} value={toClock(session.startMs)} />
        <Fact name="took" value={toDuration(session.durationMs)} />
        <Fact name="events" value={toCount(shown)} />
        {session.modelEvents > 0 && <Fact name="model calls" value={toCount(session.modelEvents)} />}
        {session.totalTokens > 0 && <Fact name="tokens" value={toCount(session.totalTokens)} />}
        {session.cost + session.unpriced > 0 && <Fact name="cost" value={<CostOf cost={session.cost} unpriced={session.unpriced} />} />}
        {session.user !== null && <Fact name="user" value={session.user} />}
        {session.errors > 0 && <Fact name={session.errors === 1 ? 'error' : 'errors'} value={toCount(session.errors)} isBad />}
        {session.source && <Fact name="source" value={session.source} />}
      </dl>
      <ViewSwitch isTalk={isTalk} />
      {session.runId && (
        <a class="chip is-link" href={toHash(['p', project, 'runs', session.runId])}>
          part of a run
        </a>
      )}
      <span class="head-actions">
        <ExportMenu path="/api/export" query={{ project, session: session.id }} />
        <DeleteButton
          path={`/api/sessions/${encodeURIComponent(session.id)}`}
          project={project}
          what={`Session ${session.name}`}
          then={toHash(['p', project, 'sessions'])}
        />
      </span>
    </header>
  )
}

/** The session as its events, or as what was said in it. */
function ViewSwitch({ isTalk }: { readonly isTalk: boolean }): JSX.Element {
  const choose = (view: string | null): void => updateQuery({ view, e: null })
  useKeys({ v: () => choose(isTalk ? null : 'conversation') })
  return (
    <fieldset class="switch" aria-label="View">
      <button type="button" aria-pressed={!isTalk} onClick={() => choose(null)} title="Events (v)">
        Events
      </button>
      <button type="button" aria-pressed={isTalk} onClick={() => choose('conversation')} title="Conversation (v)">
        Conversation
      </button>
    </fieldset>
  )
}

interface FactProps {
  readonly name: string
  readonly value: ComponentChildren
  readonly title?: string
  readonly isBad?: boolean
}

function Fact({ name, value, title, isBad = false }: FactProps): JSX.Element {
  return (
    <div class={isBad ? 'is-bad' : ''} {...(title ? { title } : {})}>
      <dt>{name}</dt>
      <dd class="mono">{value}</dd>
    </div>
  )
}

import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import type { SessionList, SessionSummary, Stats } from '../../page-api/contract.js'
import { ApiError, fetchJson, toPath, useApi } from '../model/api.js'
import { useKeys, useRowKeys } from '../model/keys.js'
import { useLive } from '../model/live.js'
import { navigate, type Route, toHash, updateQuery } from '../model/route.js'
import { Activity } from '../parts/activity.js'
import { SessionFilters, toRowsChoice, toTimeRange } from '../parts/filters.js'
import { ConnectSteps, Empty, Failure, Loading } from '../parts/notice.js'
import { SessionTable } from '../parts/session-table.js'

const PAGE = 100
const BUCKETS = 96
const FILTER_KEYS = ['q', 'type', 'error', 'source', 'metadata', 'sort', 'order'] as const
/** What the server is asked for: sessions of the application, those of experiment runs, or both. */
const EVALUATION = { app: '0', runs: '1', all: null } as const

/** The sessions of one project, newest first, live. */
export function SessionsView({ project, route }: { readonly project: string; readonly route: Route }): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const query = Object.fromEntries(FILTER_KEYS.map((key) => [key, route.query.get(key)]))
  const rows = toRowsChoice(route.query)
  const range = useMemo(() => toTimeRange(route.query), [route])
  const path = toPath('/api/sessions', {
    project,
    ...query,
    evaluation: EVALUATION[rows],
    fromMs: route.query.has('from') || route.query.has('range') ? range.fromMs : null,
    toMs: route.query.has('to') ? range.toMs : null,
    limit: PAGE,
  })
  const first = useApi<SessionList>(path, { keep: true })
  const more = useMore(path, first.data)
  const fresh = useFresh(first.data?.sessions)
  useLive((message) => message.projectId === project, first.reload, 700)
  useRowKeys(box)
  const isFiltered = ['q', 'type', 'error', 'source', 'metadata', 'range', 'from', 'to'].some((key) => route.query.has(key))
  useKeys({ Escape: (event) => leaveField(event) || (isFiltered && navigate(toHash(['p', project, 'sessions']), { replace: true })) })
  const sessions = more.all
  return (
    <div class="page" ref={box}>
      <ActivityOf project={project} sessions={sessions} route={route} />
      <SessionFilters
        project={project}
        route={route}
        sources={first.data?.sources ?? []}
        evaluationRows={first.data?.evaluationRows ?? 0}
      />
      {first.error && <Failure error={first.error} onRetry={first.reload} />}
      {!first.data && !first.error && <Loading what="the sessions" />}
      {first.data && sessions.length === 0 && (
        <NoSessions isFiltered={isFiltered} project={project} evaluationRows={rows === 'app' ? first.data.evaluationRows : 0} />
      )}
      {sessions.length > 0 && <SessionTable project={project} route={route} sessions={sessions} fresh={fresh} />}
      {more.error && <Failure error={more.error} onRetry={more.load} />}
      {more.cursor !== null && (
        <button type="button" class="button more" onClick={more.load} disabled={more.isLoading}>
          {more.isLoading ? 'Loading…' : 'Load older sessions'}
        </button>
      )}
    </div>
  )
}

/** Leaves the field that has the focus; false when there is none. */
function leaveField(event: KeyboardEvent): boolean {
  const field = event.target
  if (!(field instanceof HTMLElement) || !/^(INPUT|SELECT|TEXTAREA)$/.test(field.tagName)) return false
  field.blur()
  return true
}

interface NoSessionsProps {
  readonly isFiltered: boolean
  readonly project: string
  /** Sessions that are there and are left out of this list. */
  readonly evaluationRows: number
}

function NoSessions({ isFiltered, project, evaluationRows }: NoSessionsProps): JSX.Element {
  if (!isFiltered && evaluationRows > 0) {
    return (
      <Empty title="Only rows of experiments so far">
        <p>The sessions of this project all belong to experiment runs.</p>
        <p>
          <a class="button" href={toHash(['p', project, 'runs'])}>
            Go to the runs
          </a>{' '}
          <a class="button" href={toHash(['p', project, 'sessions'], { rows: 'runs' })}>
            Show the {evaluationRows.toLocaleString('en-US')} rows
          </a>
        </p>
      </Empty>
    )
  }
  if (!isFiltered) {
    return (
      <Empty title="No sessions in this project yet">
        <ConnectSteps />
      </Empty>
    )
  }
  return (
    <Empty title="No session matches">
      <p>Text is searched in names, inputs and outputs; metadata is written as key:value.</p>
      <a class="button" href={toHash(['p', project, 'sessions'])}>
        Clear the filters (esc)
      </a>
    </Empty>
  )
}

interface More {
  readonly all: readonly SessionSummary[]
  readonly cursor: string | null
  readonly isLoading: boolean
  readonly error: ApiError | null
  readonly load: () => void
}

function useMore(path: string, first: SessionList | null): More {
  const [older, setOlder] = useState<{ path: string; sessions: readonly SessionSummary[]; cursor: string | null } | null>(null)
  const [isLoading, setLoading] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const valid = older?.path === path ? older : null
  const cursor = valid ? valid.cursor : (first?.nextCursor ?? null)
  const load = (): void => {
    if (cursor === null) return
    setLoading(true)
    setError(null)
    fetchJson<SessionList>(`${path}&cursor=${encodeURIComponent(cursor)}`)
      .then((page) => setOlder({ path, sessions: [...(valid?.sessions ?? []), ...page.sessions], cursor: page.nextCursor }))
      .catch((cause: unknown) => setError(cause instanceof ApiError ? cause : new ApiError(path, 0, String(cause))))
      .finally(() => setLoading(false))
  }
  const all = useMemo(() => mergeSessions(first?.sessions ?? [], valid?.sessions ?? []), [first, valid])
  return { all, cursor, isLoading, error, load }
}

function mergeSessions(first: readonly SessionSummary[], older: readonly SessionSummary[]): readonly SessionSummary[] {
  if (older.length === 0) return first
  const ids = new Set(first.map((session) => session.id))
  return [...first, ...older.filter((session) => !ids.has(session.id))]
}

/** Ids that were not there at the first answer, so that arrivals can be shown as such. */
function useFresh(sessions: readonly SessionSummary[] | undefined): ReadonlySet<string> {
  const known = useRef<ReadonlySet<string> | null>(null)
  const fresh = useRef<Set<string>>(new Set())
  if (sessions) {
    const ids = new Set(sessions.map((session) => session.id))
    if (known.current) for (const id of ids) if (!known.current.has(id)) fresh.current.add(id)
    known.current = known.current ? new Set([...known.current, ...ids]) : ids
  }
  return fresh.current
}

function ActivityOf({
  project,
  sessions,
  route,
}: {
  readonly project: string
  readonly sessions: readonly SessionSummary[]
  readonly route: Route
}): JSX.Element | null {
  const range = toTimeRange(route.query)
  const oldest = sessions.at(-1)?.startMs ?? null
  const isOpen = range.fromMs === null
  const fromMs = floorTo(range.fromMs ?? oldest, 60_000)
  const toMs = floorTo(range.toMs ?? Date.now(), 60_000) + 60_000
  const path = fromMs !== null ? toPath('/api/stats', { project, fromMs, toMs, bucketMs: toBucket(toMs - fromMs) }) : null
  const stats = useApi<Stats>(path, { keep: true })
  useLive((message) => message.projectId === project, stats.reload, 3000)
  if (!stats.data || fromMs === null || (isOpen && sessions.length === 0)) return null
  return (
    <Activity
      stats={stats.data}
      fromMs={fromMs}
      toMs={toMs}
      onRange={(from, to) => updateQuery({ range: null, from: String(from), to: String(to) })}
    />
  )
}

function floorTo<T extends number | null>(ms: T, step: number): T {
  return (ms === null ? null : Math.floor(ms / step) * step) as T
}

function toBucket(spanMs: number): number {
  return Math.max(1000, Math.ceil(spanMs / BUCKETS / 1000) * 1000)
}

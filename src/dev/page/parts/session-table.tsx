import type { JSX } from 'preact'
import type { SessionSummary } from '../../page-api/contract.js'
import { toClock, toCount, toDuration, toFullTime } from '../model/format.js'
import { openRow } from '../model/open-row.js'
import { type Route, toHash, updateQuery } from '../model/route.js'
import { CostOf } from './cost.js'
import { Icon } from './glyph.js'

interface TableProps {
  readonly project: string
  readonly route: Route
  readonly sessions: readonly SessionSummary[]
  readonly fresh: ReadonlySet<string>
}

const COLUMNS = [
  { sort: null, label: 'Session', className: '' },
  { sort: null, label: 'User', className: 'wide-only' },
  { sort: 'started', label: 'Started', className: 'mid-only' },
  { sort: 'duration', label: 'Duration', className: 'num mid-only' },
  { sort: 'events', label: 'Events', className: 'num wide-only' },
  { sort: 'tokens', label: 'Tokens', className: 'num wide-only' },
  { sort: 'cost', label: 'Cost', className: 'num mid-only' },
  { sort: 'errors', label: 'Outcome', className: 'mid-only' },
] as const

/** Sessions with what was asked and answered in them; the server sorts, for it knows them all. */
export function SessionTable({ project, route, sessions, fresh }: TableProps): JSX.Element {
  const longest = Math.max(1, ...sessions.map((session) => session.durationMs))
  const hasUsers = sessions.some(({ user }) => user !== null)
  const sort = route.query.get('sort') ?? 'started'
  const isAscending = route.query.get('order') === 'asc'
  const choose = (by: string): void => {
    const order = by === sort && !isAscending ? 'asc' : null
    updateQuery({ sort: by === 'started' ? null : by, order })
  }
  return (
    <div class="table-box">
      <table class="grid sessions">
        <thead>
          <tr>
            {COLUMNS.filter(({ label }) => hasUsers || label !== 'User').map((column) => (
              <th
                key={column.label}
                scope="col"
                class={column.className}
                {...(column.sort === null
                  ? {}
                  : { 'aria-sort': column.sort === sort ? (isAscending ? 'ascending' : 'descending') : 'none' })}
              >
                {column.sort === null ? (
                  column.label
                ) : (
                  <button type="button" class="sort" onClick={() => choose(column.sort)}>
                    {column.label}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <SessionRow
              key={session.id}
              project={project}
              session={session}
              longest={longest}
              isFresh={fresh.has(session.id)}
              hasUsers={hasUsers}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface RowProps {
  readonly project: string
  readonly session: SessionSummary
  readonly longest: number
  readonly isFresh: boolean
  readonly hasUsers: boolean
}

function SessionRow({ project, session, longest, isFresh, hasUsers }: RowProps): JSX.Element {
  const href = toHash(['p', project, 'sessions', session.id])
  return (
    <tr class={`row-link${isFresh ? ' is-fresh' : ''}`} data-session={session.id} onClick={(event) => openRow(event, href)}>
      <td class="main-cell">
        <a href={href} data-row>
          {session.name}
        </a>
        {session.runId && <span class="chip">{'run'}</span>}
        {session.hasFeedback && (
          <span class="hint" title="Has feedback">
            <Icon name="thumb" />
          </span>
        )}
        <Preview session={session} />
        <Short session={session} />
      </td>
      {hasUsers && <td class="dim user wide-only">{session.user}</td>}
      <td class="mono dim mid-only" title={toFullTime(session.startMs)}>
        {toClock(session.startMs)}
      </td>
      <td class="num mono duration mid-only">
        <span class="duration-bar" aria-hidden="true" style={{ width: `${(Math.sqrt(session.durationMs / longest) * 100).toFixed(1)}%` }} />
        <span>{toDuration(session.durationMs)}</span>
      </td>
      <td class="num mono wide-only" title={`${session.modelEvents} of them model calls`}>
        {toCount(session.events)}
        <span class="dim"> / {session.modelEvents}</span>
      </td>
      <td class="num mono wide-only">{toCount(session.totalTokens)}</td>
      <td class="num mono mid-only">
        <CostOf cost={session.cost} unpriced={session.unpriced} />
      </td>
      <td class="mid-only">
        <Outcome errors={session.errors} />
      </td>
    </tr>
  )
}

function Preview({ session }: { readonly session: SessionSummary }): JSX.Element | null {
  const { input, output } = session.preview
  if (input === null && output === null) return null
  return (
    <span class="preview dim">
      {input}
      {input !== null && output !== null && <span class="preview-arrow"> → </span>}
      {output}
    </span>
  )
}

/** The figures of a session in one line, for a window that has no room for columns. */
function Short({ session }: { readonly session: SessionSummary }): JSX.Element {
  return (
    <span class="short dim">
      <span class="mono">{toClock(session.startMs)}</span>
      <span class="mono">{toDuration(session.durationMs)}</span>
      <span class="mono">
        <CostOf cost={session.cost} unpriced={session.unpriced} />
      </span>
      {session.user !== null && <span>{session.user}</span>}
      {session.errors > 0 && <Outcome errors={session.errors} />}
    </span>
  )
}

function Outcome({ errors }: { readonly errors: number }): JSX.Element {
  if (errors === 0) return <span class="verdict is-good">ok</span>
  return <span class="verdict is-bad">{errors === 1 ? '1 error' : `${toCount(errors)} errors`}</span>
}

import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { RunList, RunSummary } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toClock, toCost, toCount, toDuration, toFullTime, toScore } from '../model/format.js'
import { useKeys, useRowKeys } from '../model/keys.js'
import { useLive } from '../model/live.js'
import { openRow } from '../model/open-row.js'
import { navigate, type Route, toHash } from '../model/route.js'
import { ConnectSteps, Empty, Failure, Loading } from '../parts/notice.js'

const MAX_METRICS = 6
/** What the server compares at once. */
const MAX_COMPARED = 8

/** The experiment runs of a project; two or more of them can be set against each other. */
export function RunsView({ project }: { readonly project: string; readonly route: Route }): JSX.Element {
  const list = useApi<RunList>(toPath('/api/runs', { project }), { keep: true })
  const [chosen, setChosen] = useState<readonly string[]>([])
  const box = useRef<HTMLDivElement>(null)
  useLive((message) => message.kind === 'run' && message.projectId === project, list.reload, 1000)
  useRowKeys(box)
  const runs = list.data?.runs ?? []
  const compare = (): void => {
    // Newest first, so that the oldest is what the others are compared with.
    const ids = runs.filter((run) => chosen.includes(run.id)).map(({ id }) => id)
    if (ids.length > 1) navigate(toHash(['p', project, 'compare', ...ids]))
  }
  useKeys({ c: compare, Escape: () => (chosen.length > 0 ? setChosen([]) : navigate(toHash(['p', project, 'sessions']))) })
  if (list.error) return <Failure error={list.error} onRetry={list.reload} />
  if (!list.data) return <Loading what="the runs" />
  if (runs.length === 0) return <NoRuns />
  const toggle = (id: string): void =>
    setChosen((old) => (old.includes(id) ? old.filter((one) => one !== id) : [...old.slice(1 - MAX_COMPARED), id]))
  return (
    <div class="page" ref={box}>
      <div class="page-bar">
        <p>
          {chosen.length === 0
            ? 'Choose two or more runs to compare them.'
            : chosen.length === 1
              ? 'Choose one more.'
              : 'Newer against the oldest, datapoint by datapoint.'}
        </p>
        <button type="button" class="button is-main" disabled={chosen.length < 2} onClick={compare} title="Compare (c)">
          Compare
        </button>
      </div>
      <RunTable project={project} runs={runs} chosen={chosen} onToggle={toggle} />
    </div>
  )
}

function NoRuns(): JSX.Element {
  return (
    <Empty title="No experiment runs in this project yet">
      <p>
        Call <code>evaluate({'{ function, dataset, evaluators }'})</code> from <code>honeyhive-tracer/experiments</code>:
      </p>
      <ConnectSteps run="npx honeyhive-tracer eval my-experiment.js" />
    </Empty>
  )
}

interface TableProps {
  readonly project: string
  readonly runs: readonly RunSummary[]
  readonly chosen: readonly string[]
  readonly onToggle: (id: string) => void
}

function RunTable({ project, runs, chosen, onToggle }: TableProps): JSX.Element {
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].slice(0, MAX_METRICS)
  const tops = new Map(metrics.map((name) => [name, Math.max(1, ...runs.map((run) => run.metrics[name] ?? 0))]))
  return (
    <div class="table-box">
      <table class="grid runs">
        <thead>
          <tr>
            <th scope="col">
              <span class="sr">Compare</span>
            </th>
            <th scope="col">Run</th>
            <th scope="col">Started</th>
            <th scope="col" class="num">
              Rows
            </th>
            {metrics.map((name) => (
              <th key={name} scope="col" class="mono metric">
                {name}
              </th>
            ))}
            <th scope="col" class="num">
              Duration
            </th>
            <th scope="col" class="num wide-only">
              Tokens
            </th>
            <th scope="col" class="num">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const href = toHash(['p', project, 'runs', run.id])
            return (
              <tr
                key={run.id}
                class={`row-link${chosen.includes(run.id) ? ' is-chosen' : ''}`}
                data-run={run.id}
                onClick={(event) => openRow(event, href)}
              >
                <td class="choose">
                  <label>
                    <input
                      type="checkbox"
                      aria-label={`Compare ${run.name}`}
                      checked={chosen.includes(run.id)}
                      onChange={() => onToggle(run.id)}
                    />
                  </label>
                </td>
                <td class="main-cell">
                  <a href={href} data-row>
                    {run.name}
                  </a>
                  {run.status !== 'completed' && <span class="chip">{run.status}</span>}
                </td>
                <td class="mono dim" title={toFullTime(run.createdMs)}>
                  {toClock(run.createdMs)}
                </td>
                <td class="num mono">
                  {toCount(run.rows)}
                  {run.failedRows > 0 && <span class="verdict is-bad">{run.failedRows} failed</span>}
                </td>
                {metrics.map((name) => (
                  <td key={name} class="metric">
                    <MetricCell value={run.metrics[name]} top={tops.get(name) ?? 1} />
                  </td>
                ))}
                <td class="num mono">{toDuration(run.durationMs)}</td>
                <td class="num mono wide-only">{toCount(run.totalTokens)}</td>
                <td class="num mono">{toCost(run.cost)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

/** A score with a bar as long as its share of the best one. */
export function MetricCell({ value, top }: { readonly value: number | undefined; readonly top: number }): JSX.Element {
  if (value === undefined) return <span class="dim">–</span>
  return (
    <span class="score mono">
      <span class="score-bar" aria-hidden="true">
        <span style={{ width: `${Math.max(0, Math.min(100, (value / top) * 100))}%` }} />
      </span>
      {toScore(value)}
    </span>
  )
}

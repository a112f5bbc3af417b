import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import type { RunDetail, RunList, RunRow } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toNumber } from '../model/comparison.js'
import { toClock, toCost, toCount, toDuration } from '../model/format.js'
import { useKeys, useRowKeys } from '../model/keys.js'
import { useLive } from '../model/live.js'
import { toPreview } from '../model/preview.js'
import { openRow } from '../model/open-row.js'
import { navigate, toHash } from '../model/route.js'
import { Histogram } from '../parts/charts.js'
import { DeleteButton } from '../parts/delete-button.js'
import { Icon } from '../parts/glyph.js'
import { JsonView } from '../parts/json-view.js'
import { ExportMenu } from '../parts/menu.js'
import { Failure, Loading } from '../parts/notice.js'
import { RunAgain } from '../parts/run-again.js'
import { MetricCell } from './runs.js'

const MAX_COLUMNS = 5
const AT_ONCE = 300

/** One experiment run: how its scores are spread, and every row. */
export function RunView({ project, id }: { readonly project: string; readonly id: string }): JSX.Element {
  const detail = useApi<RunDetail>(`/api/runs/${encodeURIComponent(id)}`)
  useLive((message) => message.kind === 'run' && message.runId === id, detail.reload, 1000)
  useKeys({ Escape: () => navigate(toHash(['p', project, 'runs'])) })
  if (detail.error && !detail.data) return <Failure error={detail.error} onRetry={detail.reload} />
  if (!detail.data) return <Loading what="the run" />
  return <RunBody project={project} detail={detail.data} />
}

function RunBody({ project, detail }: { readonly project: string; readonly detail: RunDetail }): JSX.Element {
  const { run, rows } = detail
  const metrics = useMemo(() => toNumericMetrics(rows), [rows])
  return (
    <div class="page">
      <header class="session-head">
        <a class="back" href={toHash(['p', project, 'runs'])} aria-label="Back to the runs">
          <Icon name="chevron" />
        </a>
        <h2>{run.name}</h2>
        <dl class="facts">
          <Fact name="status" value={run.status} />
          <Fact name="started" value={toClock(run.createdMs)} />
          <Fact name="rows" value={toCount(run.rows)} />
          {run.failedRows > 0 && <Fact name="failed" value={toCount(run.failedRows)} />}
          <Fact name="took" value={toDuration(run.durationMs)} />
          <Fact name="tokens" value={toCount(run.totalTokens)} />
          <Fact name="cost" value={toCost(run.cost)} />
        </dl>
        <span class="head-actions">
          <CompareWith project={project} id={run.id} />
          <RunAgain run={run} />
          <ExportMenu path={`/api/runs/${encodeURIComponent(run.id)}/export`} query={{}} forms={['json', 'jsonl', 'csv']} />
          <DeleteButton
            path={`/api/runs/${encodeURIComponent(run.id)}`}
            project={project}
            what={`Run ${run.name}`}
            then={toHash(['p', project, 'runs'])}
          />
        </span>
      </header>
      {metrics.size > 0 && (
        <section class="histograms" aria-label="Score distributions">
          {[...metrics].map(([name, values]) => (
            <Histogram key={name} name={name} values={values} average={run.metrics[name] ?? toAverage(values)} />
          ))}
        </section>
      )}
      <RowTable project={project} rows={rows} metrics={[...metrics.keys()].slice(0, MAX_COLUMNS)} />
      {Object.keys(detail.configuration).length + Object.keys(detail.metadata).length > 0 && (
        <section class="run-config">
          <h3>Configuration and metadata</h3>
          <JsonView value={{ ...detail.configuration, ...detail.metadata }} />
        </section>
      )}
    </div>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div class={name === 'failed' ? 'is-bad' : ''}>
      <dt>{name}</dt>
      <dd class="mono">{value}</dd>
    </div>
  )
}

function CompareWith({ project, id }: { readonly project: string; readonly id: string }): JSX.Element | null {
  const list = useApi<RunList>(toPath('/api/runs', { project }))
  const runs = list.data?.runs ?? []
  const others = runs.filter((run) => run.id !== id)
  if (others.length === 0) return null
  const compare = (other: string): void => {
    const isNewer = runs.findIndex((run) => run.id === id) < runs.findIndex((run) => run.id === other)
    navigate(toHash(['p', project, 'compare', isNewer ? id : other, isNewer ? other : id]))
  }
  return (
    <select class="compare-with" aria-label="Compare with" value="" onChange={(event) => compare(event.currentTarget.value)}>
      <option value="">Compare with…</option>
      {others.map((run) => (
        <option key={run.id} value={run.id}>
          {run.name} ({toClock(run.createdMs)})
        </option>
      ))}
    </select>
  )
}

interface TableProps {
  readonly project: string
  readonly rows: readonly RunRow[]
  readonly metrics: readonly string[]
}

function RowTable({ project, rows, metrics }: TableProps): JSX.Element {
  const [order, setOrder] = useState<{ readonly by: string; readonly sign: 1 | -1 }>({ by: '', sign: 1 })
  const [onlyFailed, setOnlyFailed] = useState(false)
  const [most, setMost] = useState(AT_ONCE)
  const box = useRef<HTMLDivElement>(null)
  useRowKeys(box)
  const tops = new Map(metrics.map((name) => [name, rows.reduce((top, row) => Math.max(top, toNumber(row.metrics[name]) ?? 0), 1)]))
  const shown = useMemo(
    () =>
      toSorted(
        rows.filter((row) => !onlyFailed || row.error !== null),
        order,
      ),
    [rows, order, onlyFailed],
  )
  const sort = (by: string): void => setOrder((old) => ({ by, sign: old.by === by && old.sign === 1 ? -1 : 1 }))
  const failed = rows.filter((row) => row.error !== null).length
  const column = (by: string, label: string, className: string): JSX.Element => (
    <th scope="col" class={className} aria-sort={order.by === by ? (order.sign === 1 ? 'ascending' : 'descending') : 'none'}>
      <button type="button" class="sort" onClick={() => sort(by)}>
        {label}
      </button>
    </th>
  )
  return (
    <div ref={box}>
      {failed > 0 && (
        <div class="page-bar">
          <button type="button" class="toggle is-bad" aria-pressed={onlyFailed} onClick={() => setOnlyFailed(!onlyFailed)}>
            {failed} failed
          </button>
        </div>
      )}
      <div class="table-box">
        <table class="grid rows">
          <thead>
            <tr>
              {column('datapoint', 'Datapoint', '')}
              <th scope="col">Input</th>
              <th scope="col">Output</th>
              <th scope="col" class="wide-only">
                Expected
              </th>
              {metrics.map((name) => (
                <ColumnOf key={name} cell={column(name, name, 'mono metric')} />
              ))}
              {column('duration', 'Duration', 'num')}
              {column('cost', 'Cost', 'num')}
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, most).map((row) => (
              <RowLine key={row.sessionId} project={project} row={row} metrics={metrics} tops={tops} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length > most && (
        <button type="button" class="button more" onClick={() => setMost(most + AT_ONCE)}>
          {toCount(shown.length - most)} more rows
        </button>
      )}
    </div>
  )
}

function ColumnOf({ cell }: { readonly cell: JSX.Element }): JSX.Element {
  return cell
}

interface LineProps {
  readonly project: string
  readonly row: RunRow
  readonly metrics: readonly string[]
  readonly tops: ReadonlyMap<string, number>
}

function RowLine({ project, row, metrics, tops }: LineProps): JSX.Element {
  const href = toHash(['p', project, 'sessions', row.sessionId])
  return (
    <tr class={`row-link${row.error !== null ? ' has-error' : ''}`} onClick={(event) => openRow(event, href)}>
      <td class="main-cell mono">
        <a href={href} data-row>
          {row.datapointId ?? row.sessionId.slice(0, 8)}
        </a>
      </td>
      <td class="clip">{toPreview(row.inputs)}</td>
      <td class={`clip${row.error !== null ? ' is-bad' : ''}`}>{row.error ?? toPreview(row.outputs)}</td>
      <td class="clip dim wide-only">{toPreview(row.groundTruth)}</td>
      {metrics.map((name) => (
        <td key={name} class="metric">
          <ScoreCell value={row.metrics[name]} top={tops.get(name) ?? 1} />
        </td>
      ))}
      <td class="num mono">{toDuration(row.durationMs)}</td>
      <td class="num mono">{toCost(row.cost)}</td>
    </tr>
  )
}

function ScoreCell({ value, top }: { readonly value: number | boolean | string | undefined; readonly top: number }): JSX.Element {
  if (typeof value === 'boolean') return <span class={`verdict ${value ? 'is-good' : 'is-bad'}`}>{value ? 'pass' : 'fail'}</span>
  if (typeof value === 'string') return <span class="clip">{value}</span>
  return <MetricCell value={value} top={top} />
}

/** The values of each metric that has numbers or booleans. */
function toNumericMetrics(rows: readonly RunRow[]): ReadonlyMap<string, readonly number[]> {
  const metrics = new Map<string, number[]>()
  for (const row of rows) {
    for (const [name, raw] of Object.entries(row.metrics)) {
      const value = toNumber(raw)
      if (value === null) continue
      const values = metrics.get(name)
      if (values) values.push(value)
      else metrics.set(name, [value])
    }
  }
  return metrics
}

function toAverage(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

function toSorted(rows: readonly RunRow[], order: { readonly by: string; readonly sign: 1 | -1 }): readonly RunRow[] {
  if (order.by === '') return rows
  const key = (row: RunRow): number | string => {
    if (order.by === 'datapoint') return row.datapointId ?? ''
    if (order.by === 'duration') return row.durationMs
    if (order.by === 'cost') return row.cost
    return toNumber(row.metrics[order.by]) ?? Number.NEGATIVE_INFINITY
  }
  return [...rows].sort((a, b) => (key(a) < key(b) ? -order.sign : key(a) > key(b) ? order.sign : 0))
}

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { Comparison, RunSummary } from '../../page-api/contract.js'
import { useApi } from '../model/api.js'
import { chooseSign, toJudged, toSign, toVerdict, VERDICTS } from '../model/comparison.js'
import { toCost, toCount, toDuration } from '../model/format.js'
import { useKeys } from '../model/keys.js'
import { navigate, type Route, toHash, updateQuery } from '../model/route.js'
import { Scatter } from '../parts/charts.js'
import { CompareMetrics } from '../parts/compare-metrics.js'
import { CompareRows } from '../parts/compare-rows.js'
import { Icon } from '../parts/glyph.js'
import { Empty, Failure, Loading } from '../parts/notice.js'

interface CompareProps {
  readonly project: string
  /** Two or more; the last is what the others are compared with. */
  readonly ids: readonly string[]
  readonly route: Route
}

/** Runs over the same datapoints: averages with what may be chance, every datapoint as a point, and the rows word by word. */
export function CompareView({ project, ids, route }: CompareProps): JSX.Element {
  const answer = useApi<Comparison>(`/api/comparison?${ids.map((id) => `run=${encodeURIComponent(id)}`).join('&')}`)
  useKeys({ Escape: () => navigate(toHash(['p', project, 'runs'])) })
  if (answer.error && !answer.data) return <Failure error={answer.error} onRetry={answer.reload} />
  if (!answer.data) return <Loading what="the comparison" />
  return <CompareBody project={project} comparison={answer.data} route={route} />
}

interface BodyProps {
  readonly project: string
  readonly comparison: Comparison
  readonly route: Route
}

function CompareBody({ project, comparison, route }: BodyProps): JSX.Element {
  const { runs, metrics } = comparison
  const last = runs.length - 1
  const focus = Math.min(last - 1, Math.max(0, Math.floor(Number(route.query.get('of'))) || 0))
  const metric = metrics.find(({ name }) => name === route.query.get('metric')) ?? metrics[0]
  const [, setTurned] = useState(0)
  const sign = metric === undefined ? 1 : toSign(metric)
  const only = VERDICTS.find((verdict) => verdict === route.query.get('only')) ?? null
  const chosen = route.query.get('row')
  const judged = useMemo(() => toJudged(comparison, metric ?? null, focus, sign), [comparison, metric, focus, sign])
  const choose = (id: string): void => updateQuery({ row: chosen === id ? null : id })
  const points = judged.flatMap(({ id, scores }) => {
    const [own, base] = [scores[focus], scores[last]]
    return own === null || own === undefined || base === null || base === undefined ? [] : [{ id, oldScore: base, newScore: own }]
  })
  const drawn = toDrawn(points, chosen)
  const shares = comparison.rows.some(({ rows }) => rows.filter((row) => row !== null).length > 1)
  return (
    <div class="page">
      <CompareHead project={project} runs={runs} focus={focus} />
      {!shares && (
        <Empty title={runs.length === 2 ? 'The two runs share no datapoint' : 'These runs share no datapoint'}>
          <p>Give all runs the same dataset, or rows with the same datapoint id, and their rows can be set against each other.</p>
        </Empty>
      )}
      {shares && (
        <div class="compare">
          <div class="compare-summary">
            <CompareMetrics
              comparison={comparison}
              metric={metric?.name ?? null}
              focus={focus}
              onDirection={(one) => {
                chooseSign(one.name, toSign(one) === 1 ? -1 : 1)
                setTurned((old) => old + 1)
              }}
            />
            <Totals newRun={runs[focus]} oldRun={runs[last]} />
            <CompareRows
              project={project}
              runs={runs}
              rows={judged}
              only={only}
              chosen={chosen}
              metric={metric?.name ?? null}
              sign={sign}
              onChoose={choose}
            />
          </div>
          {metric !== undefined && (
            <figure class="compare-plot">
              <figcaption>
                <span class="mono">{metric.name}</span>
                <span class="dim">{sign === 1 ? 'above' : 'below'} the diagonal is better</span>
              </figcaption>
              {drawn.length < points.length && (
                <p class="dim">
                  {toCount(drawn.length)} of {toCount(points.length)} datapoints are drawn.
                </p>
              )}
              <Scatter
                points={drawn}
                oldName={runs[last]?.name ?? ''}
                newName={runs[focus]?.name ?? ''}
                sign={sign}
                selected={chosen}
                onSelect={choose}
              />
            </figure>
          )}
        </div>
      )}
    </div>
  )
}

/** More points than these are a cloud, and a weight on the page: every so many of them stands for the others. */
const MOST_DRAWN = 2_000

function toDrawn<Point extends { readonly id: string }>(points: readonly Point[], chosen: string | null): readonly Point[] {
  const step = Math.ceil(points.length / MOST_DRAWN)
  return step <= 1 ? points : points.filter(({ id }, at) => at % step === 0 || id === chosen)
}

interface HeadProps {
  readonly project: string
  readonly runs: readonly RunSummary[]
  readonly focus: number
}

function CompareHead({ project, runs, focus }: HeadProps): JSX.Element {
  const ids = runs.map(({ id }) => id)
  const last = runs.length - 1
  const base = runs[last]
  const go = (order: readonly string[]): void => navigate(toHash(['p', project, 'compare', ...order]))
  const nameOf = (run: RunSummary): JSX.Element => <a href={toHash(['p', project, 'runs', run.id])}>{run.name}</a>
  return (
    <header class="session-head">
      <a class="back" href={toHash(['p', project, 'runs'])} aria-label="Back to the runs">
        <Icon name="chevron" />
      </a>
      <h2 class="versus">
        {runs.slice(0, last).map((run, at) => (
          <span key={run.id}>
            {at > 0 && <span class="dim">, </span>}
            {nameOf(run)}
          </span>
        ))}
        <span class="dim"> against </span>
        {base && nameOf(base)}
      </h2>
      {runs.length === 2 ? (
        <button type="button" class="toggle" onClick={() => go([...ids].reverse())}>
          Swap
        </button>
      ) : (
        <>
          <select
            aria-label="Look at"
            value={String(focus)}
            onChange={(event) => updateQuery({ of: event.currentTarget.value, row: null })}
          >
            {runs.slice(0, last).map((run, at) => (
              <option key={run.id} value={String(at)}>
                Look at {run.name}
              </option>
            ))}
          </select>
          <select
            aria-label="Compare with"
            value={ids[last]}
            onChange={(event) => go([...ids.filter((id) => id !== event.currentTarget.value), event.currentTarget.value])}
          >
            {runs.map((run) => (
              <option key={run.id} value={run.id}>
                against {run.name}
              </option>
            ))}
          </select>
        </>
      )}
    </header>
  )
}

function Totals({
  newRun,
  oldRun,
}: {
  readonly newRun: RunSummary | undefined
  readonly oldRun: RunSummary | undefined
}): JSX.Element | null {
  if (!newRun || !oldRun) return null
  const lines = [
    ['duration', toDuration(oldRun.durationMs), toDuration(newRun.durationMs), oldRun.durationMs, newRun.durationMs],
    ['tokens', toCount(oldRun.totalTokens), toCount(newRun.totalTokens), oldRun.totalTokens, newRun.totalTokens],
    ['cost', toCost(oldRun.cost), toCost(newRun.cost), oldRun.cost, newRun.cost],
    ['failed rows', String(oldRun.failedRows), String(newRun.failedRows), oldRun.failedRows, newRun.failedRows],
  ] as const
  return (
    <dl class="totals">
      {lines.map(([name, before, after, oldValue, newValue]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="mono">
            <span class="dim">{before}</span>
            {' → '}
            <span class={`change-${toVerdict(newValue - oldValue, -1)}`}>{after}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { RunComparison, RunRow, RunSummary } from '../../page-api/contract.js'
import { useApi } from '../model/api.js'
import { toCost, toCount, toDuration, toScore } from '../model/format.js'
import { useKeys, useRowKeys } from '../model/keys.js'
import { navigate, type Route, toHash, updateQuery } from '../model/route.js'
import { Scatter, toVerdict } from '../parts/charts.js'
import { Icon } from '../parts/glyph.js'
import { JsonView } from '../parts/json-view.js'
import { Empty, Failure, Loading } from '../parts/notice.js'
import { toNumber, toPreview } from './run.js'

const VERDICTS = ['worse', 'improved', 'same'] as const
type Verdict = (typeof VERDICTS)[number]

interface CompareProps {
  readonly project: string
  readonly newId: string
  readonly oldId: string
  readonly route: Route
}

/** Two runs against each other: averages, every datapoint as a point, and the rows that got better or worse. */
export function CompareView({ project, newId, oldId, route }: CompareProps): JSX.Element {
  const answer = useApi<RunComparison>(`/api/runs/${encodeURIComponent(newId)}/compare/${encodeURIComponent(oldId)}`)
  useKeys({ Escape: () => navigate(toHash(['p', project, 'runs'])) })
  if (answer.error && !answer.data) return <Failure error={answer.error} onRetry={answer.reload} />
  if (!answer.data) return <Loading what="the comparison" />
  return <CompareBody project={project} comparison={answer.data} route={route} />
}

interface Pair {
  readonly datapointId: string
  readonly oldRow: RunRow
  readonly newRow: RunRow
  readonly oldScore: number
  readonly newScore: number
  readonly verdict: Verdict
}

function CompareBody({
  project,
  comparison,
  route,
}: {
  readonly project: string
  readonly comparison: RunComparison
  readonly route: Route
}): JSX.Element {
  const { newRun, oldRun } = comparison
  const metric = route.query.get('metric') ?? comparison.metrics[0]?.name ?? null
  const only = VERDICTS.find((verdict) => verdict === route.query.get('only')) ?? null
  const chosen = route.query.get('row')
  const pairs = useMemo(() => toPairs(comparison, metric), [comparison, metric])
  const shown = pairs.filter((pair) => only === null || pair.verdict === only)
  const choose = (id: string): void => updateQuery({ row: chosen === id ? null : id })
  return (
    <div class="page">
      <header class="session-head">
        <a class="back" href={toHash(['p', project, 'runs'])} aria-label="Back to the runs">
          <Icon name="chevron" />
        </a>
        <h2 class="versus">
          <a href={toHash(['p', project, 'runs', newRun.id])}>{newRun.name}</a>
          <span class="dim"> against </span>
          <a href={toHash(['p', project, 'runs', oldRun.id])}>{oldRun.name}</a>
        </h2>
        <button type="button" class="toggle" onClick={() => navigate(toHash(['p', project, 'compare', oldRun.id, newRun.id]))}>
          Swap
        </button>
      </header>
      {comparison.rows.length === 0 ? (
        <Empty title="The two runs share no datapoint">
          <p>Give both runs the same dataset, or rows with the same datapoint id, and their rows can be set against each other.</p>
        </Empty>
      ) : (
        <div class="compare">
          <div class="compare-summary">
            <MetricTable comparison={comparison} metric={metric} />
            <Totals newRun={newRun} oldRun={oldRun} />
            {pairs.length > 0 && (
              <PairTable project={project} pairs={shown} all={pairs} only={only} chosen={chosen} onChoose={choose} metric={metric ?? ''} />
            )}
          </div>
          {metric !== null && (
            <figure class="compare-plot">
              <figcaption>
                <span class="mono">{metric}</span>
                <span class="dim">above the diagonal is better</span>
              </figcaption>
              <Scatter
                points={pairs.map((pair) => ({ id: pair.datapointId, oldScore: pair.oldScore, newScore: pair.newScore }))}
                oldName={oldRun.name}
                newName={newRun.name}
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

function toPairs(comparison: RunComparison, metric: string | null): readonly Pair[] {
  if (metric === null) return []
  return comparison.rows
    .flatMap((row): readonly Pair[] => {
      const oldScore = toNumber(row.oldRow.metrics[metric])
      const newScore = toNumber(row.newRow.metrics[metric])
      if (oldScore === null || newScore === null) return []
      return [{ ...row, oldScore, newScore, verdict: toVerdict(newScore - oldScore) }]
    })
    .sort((a, b) => a.newScore - a.oldScore - (b.newScore - b.oldScore))
}

function MetricTable({ comparison, metric }: { readonly comparison: RunComparison; readonly metric: string | null }): JSX.Element {
  const most = Math.max(1, ...comparison.metrics.map((one) => one.improved + one.worse + one.same))
  return (
    <div class="table-box">
      <table class="grid metrics">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" class="num">
              Old
            </th>
            <th scope="col" class="num">
              New
            </th>
            <th scope="col" class="num">
              Change
            </th>
            <th scope="col">Worse, same, improved</th>
          </tr>
        </thead>
        <tbody>
          {comparison.metrics.map((one) => {
            const change = one.newAverage !== null && one.oldAverage !== null ? one.newAverage - one.oldAverage : null
            return (
              <tr
                key={one.name}
                class={`row-link${one.name === metric ? ' is-chosen' : ''}`}
                onClick={() => updateQuery({ metric: one.name, only: null })}
              >
                <td class="main-cell mono">
                  <button
                    type="button"
                    class="text-button"
                    aria-pressed={one.name === metric}
                    onClick={() => updateQuery({ metric: one.name, only: null })}
                  >
                    {one.name}
                  </button>
                </td>
                <td class="num mono">{toScore(one.oldAverage)}</td>
                <td class="num mono">{toScore(one.newAverage)}</td>
                <td class={`num mono change-${change === null ? 'same' : toVerdict(change)}`}>
                  {change === null ? '–' : `${change > 0 ? '+' : ''}${toScore(change)}`}
                </td>
                <td>
                  <span class="balance" role="img" aria-label={`${one.worse} worse, ${one.same} same, ${one.improved} improved`}>
                    <span class="worse" style={{ width: `${(one.worse / most) * 100}%` }}>
                      {one.worse || ''}
                    </span>
                    <span class="same" style={{ width: `${(one.same / most) * 100}%` }}>
                      {one.same || ''}
                    </span>
                    <span class="improved" style={{ width: `${(one.improved / most) * 100}%` }}>
                      {one.improved || ''}
                    </span>
                  </span>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Totals({ newRun, oldRun }: { readonly newRun: RunSummary; readonly oldRun: RunSummary }): JSX.Element {
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
            <span class={`change-${toVerdict(oldValue - newValue)}`}>{after}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

interface PairTableProps {
  readonly project: string
  readonly pairs: readonly Pair[]
  readonly all: readonly Pair[]
  readonly only: Verdict | null
  readonly chosen: string | null
  readonly onChoose: (id: string) => void
  readonly metric: string
}

function PairTable({ project, pairs, all, only, chosen, onChoose, metric }: PairTableProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  useRowKeys(box)
  return (
    <div ref={box}>
      <fieldset class="page-bar" aria-label="Rows to show">
        <button type="button" class="toggle" aria-pressed={only === null} onClick={() => updateQuery({ only: null })}>
          All {all.length}
        </button>
        {VERDICTS.map((verdict) => (
          <button
            key={verdict}
            type="button"
            class={`toggle is-${verdict}`}
            aria-pressed={only === verdict}
            onClick={() => updateQuery({ only: only === verdict ? null : verdict })}
          >
            {all.filter((pair) => pair.verdict === verdict).length} {verdict}
          </button>
        ))}
      </fieldset>
      <div class="table-box">
        <table class="grid pairs">
          <thead>
            <tr>
              <th scope="col">Datapoint</th>
              <th scope="col" class="num mono">
                {metric}
              </th>
              <th scope="col">Input</th>
              <th scope="col">Old output</th>
              <th scope="col">New output</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((pair) => (
              <PairRows key={pair.datapointId} project={project} pair={pair} isOpen={chosen === pair.datapointId} onChoose={onChoose} />
            ))}
          </tbody>
        </table>
        {pairs.length === 0 && <p class="table-none">No such rows.</p>}
      </div>
    </div>
  )
}

interface PairProps {
  readonly project: string
  readonly pair: Pair
  readonly isOpen: boolean
  readonly onChoose: (id: string) => void
}

function PairRows({ project, pair, isOpen, onChoose }: PairProps): JSX.Element {
  const line = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    if (isOpen) line.current?.scrollIntoView({ block: 'nearest' })
  }, [isOpen])
  return (
    <>
      <tr
        ref={line}
        class={`row-link verdict-${pair.verdict}${isOpen ? ' is-chosen' : ''}`}
        data-datapoint={pair.datapointId}
        onClick={(event) => !(event.target as Element).closest('button') && onChoose(pair.datapointId)}
      >
        <td class="main-cell mono">
          <button type="button" class="text-button" aria-expanded={isOpen} data-row onClick={() => onChoose(pair.datapointId)}>
            {pair.datapointId}
          </button>
        </td>
        <td class="num mono">
          <span class="dim">{toScore(pair.oldScore)} →</span> <span class={`change-${pair.verdict}`}>{toScore(pair.newScore)}</span>
        </td>
        <td class="clip">{toPreview(pair.newRow.inputs)}</td>
        <td class={`clip${pair.oldRow.error !== null ? ' is-bad' : ' dim'}`}>{pair.oldRow.error ?? toPreview(pair.oldRow.outputs)}</td>
        <td class={`clip${pair.newRow.error !== null ? ' is-bad' : ''}`}>{pair.newRow.error ?? toPreview(pair.newRow.outputs)}</td>
      </tr>
      {isOpen && (
        <tr class="pair-open">
          <td colSpan={5}>
            <div class="pair-sides">
              <Side title="Input and expected" value={{ inputs: pair.newRow.inputs, expected: pair.newRow.groundTruth }} href={null} />
              <Side title="Old" value={toSide(pair.oldRow)} href={toHash(['p', project, 'sessions', pair.oldRow.sessionId])} />
              <Side title="New" value={toSide(pair.newRow)} href={toHash(['p', project, 'sessions', pair.newRow.sessionId])} />
            </div>
          </td>
        </tr>
      )}
    </>
  )
}

function toSide(row: RunRow): Readonly<Record<string, unknown>> {
  return {
    ...(row.error === null ? {} : { error: row.error }),
    outputs: row.outputs,
    metrics: row.metrics,
    durationMs: Math.round(row.durationMs),
  }
}

function Side({ title, value, href }: { readonly title: string; readonly value: unknown; readonly href: string | null }): JSX.Element {
  return (
    <section>
      <h3>
        {title}
        {href !== null && (
          <a href={href}>
            session <Icon name="out" />
          </a>
        )}
      </h3>
      <JsonView value={value} />
    </section>
  )
}

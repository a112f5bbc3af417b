import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ComparedFigure, ComparedMetric, Comparison } from '../../page-api/contract.js'
import { isCertain, type JudgedRow, toJudged, toSign, toVerdict } from '../model/comparison.js'
import { toScore } from '../model/format.js'
import { updateQuery } from '../model/route.js'

interface MetricsProps {
  readonly comparison: Comparison
  readonly metric: string | null
  readonly focus: number
  readonly onDirection: (metric: ComparedMetric) => void
}

/** Each metric in each run, with what is chance and what is not. */
export function CompareMetrics({ comparison, metric, focus, onDirection }: MetricsProps): JSX.Element {
  const { runs, metrics } = comparison
  const last = runs.length - 1
  return (
    <div class="table-box">
      <table class="grid metrics">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" class="num">
              {runs.length === 2 ? 'Old' : runs[last]?.name}
            </th>
            {runs.slice(0, last).map((run, at) => (
              <th key={run.id} scope="col" class={`num${at === focus && runs.length > 2 ? ' is-focus' : ''}`}>
                {runs.length === 2 ? 'New' : run.name}
              </th>
            ))}
            <th scope="col">Worse, same, improved</th>
          </tr>
        </thead>
        <tbody>
          {metrics.map((one) => (
            <MetricRow
              key={one.name}
              metric={one}
              isChosen={one.name === metric}
              comparison={comparison}
              focus={focus}
              onDirection={onDirection}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface RowProps {
  readonly metric: ComparedMetric
  readonly isChosen: boolean
  readonly comparison: Comparison
  readonly focus: number
  readonly onDirection: (metric: ComparedMetric) => void
}

function MetricRow({ metric, isChosen, comparison, focus, onDirection }: RowProps): JSX.Element {
  const { runs, rows } = comparison
  const last = runs.length - 1
  const sign = toSign(metric)
  const judged = useMemo(() => toJudged(comparison, metric, focus, sign), [comparison, metric, focus, sign])
  const choose = (): void => updateQuery({ metric: metric.name, only: null })
  return (
    <tr class={`row-link${isChosen ? ' is-chosen' : ''}`} onClick={(event) => !(event.target as Element).closest('button') && choose()}>
      <td class="mono metric-name">
        <button type="button" class="text-button" aria-pressed={isChosen} onClick={choose}>
          {metric.name}
        </button>
        <button
          type="button"
          class="direction"
          onClick={() => onDirection(metric)}
          title="Change whether more or less of it is better"
          aria-label={`${metric.name}: ${sign === 1 ? 'more' : 'less'} is better. Change it.`}
        >
          {sign === 1 ? 'more is better' : 'less is better'}
        </button>
      </td>
      <td class="num mono">
        <Figure metric={metric} figure={metric.figures[last] ?? null} total={rows.length} />
      </td>
      {metric.figures.slice(0, last).map((figure, at) => (
        <td key={runs[at]?.id ?? at} class="num mono">
          <Figure metric={metric} figure={figure} total={rows.length} />
          <Change change={figure?.change ?? null} sign={sign} />
        </td>
      ))}
      <td>
        <Balance judged={judged} />
      </td>
    </tr>
  )
}

interface FigureProps {
  readonly metric: ComparedMetric
  readonly figure: ComparedFigure | null
  readonly total: number
}

function Figure({ metric, figure, total }: FigureProps): JSX.Element {
  if (figure === null) return <span class="dim">–</span>
  const { average, interval, count, failed } = figure
  return (
    <span
      class="figure"
      title={interval === null ? '' : `95 % interval of the average: ${toScore(interval.low)} to ${toScore(interval.high)}`}
    >
      {toScore(average)}
      {interval !== null && (
        <small>
          {toScore(interval.low)} to {toScore(interval.high)}
        </small>
      )}
      {failed > 0 && (
        <small>
          {failed} failed, as {toScore(metric.failedScore)}
        </small>
      )}
      {count < total && (
        <small>
          {count} of {total} rows
        </small>
      )}
    </span>
  )
}

/** A change that may be chance is not coloured. */
function Change({ change, sign }: { readonly change: ComparedFigure['change']; readonly sign: 1 | -1 }): JSX.Element | null {
  if (change === null) return null
  const { difference, interval, pairs } = change
  const certain = isCertain(interval)
  const range = interval === null ? '' : ` (95 % interval ${toScore(interval.low)} to ${toScore(interval.high)})`
  return (
    <span
      class={`change${certain ? ` change-${toVerdict(difference, sign)}` : ' dim'}`}
      title={`Over ${pairs} datapoints that both have${range}. ${certain ? 'More than chance.' : 'May be chance.'}`}
    >
      {difference > 0 ? '+' : ''}
      {toScore(difference)}
      {!certain && <small>may be chance</small>}
    </span>
  )
}

function Balance({ judged }: { readonly judged: readonly JudgedRow[] }): JSX.Element {
  const count = (verdict: JudgedRow['verdict']): number => judged.filter((row) => row.verdict === verdict).length
  const [worse, same, improved] = [count('worse'), count('same'), count('improved')]
  const most = Math.max(1, worse + same + improved)
  return (
    <span class="balance" role="img" aria-label={`${worse} worse, ${same} same, ${improved} improved`}>
      <span class="worse" style={{ width: `${(worse / most) * 100}%` }}>
        {worse || ''}
      </span>
      <span class="same" style={{ width: `${(same / most) * 100}%` }}>
        {same || ''}
      </span>
      <span class="improved" style={{ width: `${(improved / most) * 100}%` }}>
        {improved || ''}
      </span>
    </span>
  )
}

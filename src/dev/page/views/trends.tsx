import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { SessionList, Stats } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toCost, toCount, toDuration } from '../model/format.js'
import { useLive } from '../model/live.js'
import { type Route, updateQuery } from '../model/route.js'
import { RangeChoice, toTimeRange } from '../parts/filters.js'
import { ConnectSteps, Empty, Failure, Loading } from '../parts/notice.js'
import { TimePlot } from '../parts/time-plot.js'

const BUCKETS = 80
const COARSE_MS = 10 * 60_000
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** Cost, tokens, latency and errors of a project over time. */
export function TrendsView({ project, route }: { readonly project: string; readonly route: Route }): JSX.Element {
  const range = useShownRange(project, route)
  const bucketMs = Math.max(1000, Math.ceil((range.toMs - range.fromMs) / BUCKETS / 1000) * 1000)
  const stats = useApi<Stats>(
    range.isKnown ? toPath('/api/stats', { project, fromMs: range.fromMs, toMs: range.isOpen ? null : range.toMs, bucketMs }) : null,
    { keep: true },
  )
  const last = useApi<SessionList>(toPath('/api/sessions', { project, limit: 1 }))
  useLive((message) => message.projectId === project, stats.reload, 3000)
  const points = stats.data?.points ?? []
  const series = useMemo(() => toSeries(points), [stats.data])
  const pick = (fromMs: number, toMs: number): void => updateQuery({ range: null, from: String(fromMs), to: String(toMs) })
  if (stats.error) return <Failure error={stats.error} onRetry={stats.reload} />
  const hasEvents = points.some((point) => point.events > 0)
  const lastMs = last.data?.sessions[0]?.startMs
  return (
    <div class="page">
      <div class="filters">
        <RangeChoice route={route} open="Latest activity" />
        {hasEvents && <Sums points={points} />}
      </div>
      {!stats.data && <Loading what="the trends" />}
      {stats.data && !hasEvents && (
        <Empty title="No events in this stretch of time">
          {lastMs === undefined ? (
            <ConnectSteps />
          ) : (
            <button type="button" class="button" onClick={() => pick(lastMs - 1800_000, lastMs + 1800_000)}>
              Show the time of the last session
            </button>
          )}
        </Empty>
      )}
      {hasEvents && (
        <div class="plots">
          <TimePlot
            title="Cost"
            timesMs={series.times}
            format={toCost}
            onRange={pick}
            series={[{ label: 'cost', colour: '--honey', values: series.cost, isBars: true }]}
          />
          <TimePlot
            title="Tokens"
            timesMs={series.times}
            format={toCount}
            onRange={pick}
            series={[
              { label: 'prompt + completion', colour: '--type-chain', values: series.tokens, isBars: true },
              { label: 'prompt', colour: '--type-tool', values: series.prompt, isBars: true },
            ]}
          />
          <TimePlot
            title="Latency of events"
            timesMs={series.times}
            format={toDuration}
            onRange={pick}
            series={[
              { label: 'p95', colour: '--honey', values: series.p95 },
              { label: 'p50', colour: '--type-tool', values: series.p50 },
            ]}
          />
          <TimePlot
            title="Events"
            timesMs={series.times}
            format={toCount}
            onRange={pick}
            series={[
              { label: 'events', colour: '--plot-plain', values: series.events, isBars: true },
              { label: 'errors', colour: '--bad', values: series.errors, isBars: true },
            ]}
          />
        </div>
      )}
    </div>
  )
}

interface ShownRange {
  readonly fromMs: number
  readonly toMs: number
  /** Whether it ends now, so that what arrives later belongs to it. */
  readonly isOpen: boolean
  readonly isKnown: boolean
}

/** The chosen stretch of time; without one, from the first event of the last day on. */
function useShownRange(project: string, route: Route): ShownRange {
  const nowMs = useMemo(() => Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS, [route])
  const chosen = toTimeRange(route.query, nowMs)
  const isUnset = chosen.fromMs === null
  const coarse = useApi<Stats>(isUnset ? toPath('/api/stats', { project, fromMs: nowMs - DAY_MS, toMs: nowMs, bucketMs: COARSE_MS }) : null)
  const first = coarse.data?.points.find((point) => point.events > 0)?.timeMs
  return {
    fromMs: chosen.fromMs ?? first ?? nowMs - DAY_MS,
    toMs: chosen.toMs ?? nowMs,
    isOpen: chosen.toMs === null,
    isKnown: !isUnset || coarse.data !== null || coarse.error !== null,
  }
}

interface Columns {
  readonly times: readonly number[]
  readonly cost: readonly number[]
  readonly tokens: readonly number[]
  readonly prompt: readonly number[]
  readonly p50: readonly (number | null)[]
  readonly p95: readonly (number | null)[]
  readonly events: readonly number[]
  readonly errors: readonly number[]
}

function toSeries(points: Stats['points']): Columns {
  const of = <T,>(read: (point: Stats['points'][number]) => T): readonly T[] => points.map(read)
  return {
    times: of((point) => point.timeMs),
    cost: of((point) => point.cost),
    tokens: of((point) => point.promptTokens + point.completionTokens),
    prompt: of((point) => point.promptTokens),
    p50: of((point) => (point.events > 0 ? point.p50Ms : null)),
    p95: of((point) => (point.events > 0 ? point.p95Ms : null)),
    events: of((point) => point.events),
    errors: of((point) => point.errors),
  }
}

function Sums({ points }: { readonly points: Stats['points'] }): JSX.Element {
  const sum = (read: (point: Stats['points'][number]) => number): number => points.reduce((total, point) => total + read(point), 0)
  const facts = [
    ['events', toCount(sum((point) => point.events))],
    ['errors', toCount(sum((point) => point.errors))],
    ['tokens', toCount(sum((point) => point.promptTokens + point.completionTokens))],
    ['cost', toCost(sum((point) => point.cost))],
  ] as const
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="mono">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

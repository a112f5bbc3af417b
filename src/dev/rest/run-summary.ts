/** Run summaries and comparisons in their REST form. */
import type { Reader } from '../store/database.js'
import type { JsonObject } from '../../otlp/json.js'
import { isObject, toFiniteNumber } from '../../otlp/json.js'
import { groupBy, type RunMetric, type RunResults, toScores } from '../store/run-results.js'
import { type StoredRun, toRestRun } from '../store/runs.js'
import type { Aggregate } from '../../values/statistics.js'
import { aggregate, toScore } from '../store/statistics.js'

/** The summary of one run: one entry per metric and event, one per row. */
export function toSummary(reader: Reader, run: StoredRun, results: RunResults, how: Aggregate): JsonObject {
  const isPassed = createCheck(run)
  const details = [...groupBy(scoresOnly(results.metrics), metricKey).values()].map((metrics) => toDetail(metrics, run, how, isPassed))
  const bySession = groupBy(scoresOnly(results.metrics), (metric) => metric.sessionId)
  const datapoints = results.rows.map((row) => {
    const metrics = bySession.get(row.sessionId) ?? []
    return {
      datapoint_id: row.datapointId,
      session_id: row.sessionId,
      passed: row.error === null && metrics.every(isPassed),
      metrics: metrics.map((metric) => ({
        name: metric.name,
        event_name: metric.eventName,
        event_type: metric.eventType,
        value: metric.value,
        passed: isPassed(metric),
      })),
    }
  })
  const nameOf = (row: { datapoint_id: string | null; session_id: string }): string => row.datapoint_id ?? row.session_id
  const failed = datapoints.filter((row) => !row.passed).map(nameOf)
  return {
    status: run.status,
    success: failed.length === 0,
    passed: datapoints.filter((row) => row.passed).map(nameOf),
    failed,
    metrics: { aggregation_function: how, details },
    datapoints,
    event_details: toEventDetails(results),
    run_object: toRestRun(reader, run),
  }
}

/** What changed from one run to another, metric by metric, over the datapoints both have. */
export function toComparison(
  reader: Reader,
  newRun: StoredRun,
  newResults: RunResults,
  oldRun: StoredRun,
  oldResults: RunResults,
  how: Aggregate,
): JsonObject {
  const newMetrics = groupBy(scoresOnly(newResults.metrics), metricKey)
  const oldMetrics = groupBy(scoresOnly(oldResults.metrics), metricKey)
  const keys = [...new Set([...newMetrics.keys(), ...oldMetrics.keys()])]
  return {
    metrics: keys.map((key) => compareMetric(newMetrics.get(key) ?? [], oldMetrics.get(key) ?? [], how)),
    commonDatapoints: findCommon(newResults, oldResults),
    event_details: compareEvents(newResults, oldResults),
    old_run: toRestRun(reader, oldRun),
    new_run: toRestRun(reader, newRun),
  }
}

/** Datapoints that both runs have. */
export function findCommon(first: RunResults, second: RunResults): string[] {
  const others = new Set(second.rows.map((row) => row.datapointId))
  return [...new Set(first.rows.map((row) => row.datapointId))].filter((id): id is string => id !== null && others.has(id))
}

/** Names and types of the events of a run, each once. */
export function toEventDetails({ events }: RunResults): { event_name: string; event_type: string }[] {
  return [...groupBy(events, (event) => `${event.type} ${event.name}`).values()].flatMap(([event]) =>
    event === undefined ? [] : [{ event_name: event.name, event_type: event.type }],
  )
}

function compareMetric(news: readonly RunMetric[], olds: readonly RunMetric[], how: Aggregate): JsonObject {
  const [sample] = [...news, ...olds]
  const newAggregate = aggregate(toScores(news), how)
  const oldAggregate = aggregate(toScores(olds), how)
  const oldValues = new Map(olds.map((metric) => [metric.datapointId, metric]))
  const pairs = news.flatMap((metric) => {
    const old = metric.datapointId === null ? undefined : oldValues.get(metric.datapointId)
    return old === undefined ? [] : [{ id: metric.datapointId, change: (toScore(metric.value) ?? 0) - (toScore(old.value) ?? 0) }]
  })
  const improved = pairs.filter((pair) => pair.change > 0).map((pair) => pair.id)
  const degraded = pairs.filter((pair) => pair.change < 0).map((pair) => pair.id)
  const same = pairs.filter((pair) => pair.change === 0).map((pair) => pair.id)
  const difference = newAggregate === null || oldAggregate === null ? null : newAggregate - oldAggregate
  return {
    metric_name: sample?.name,
    metric_type: 'CLIENT_SIDE',
    event_name: sample?.eventName,
    event_type: sample?.eventType,
    old_aggregate: oldAggregate,
    new_aggregate: newAggregate,
    difference,
    percentage_change:
      difference === null || oldAggregate === null || oldAggregate === 0 ? null : (difference / Math.abs(oldAggregate)) * 100,
    found_count: pairs.length,
    improved_count: improved.length,
    degraded_count: degraded.length,
    same_count: same.length,
    improved,
    degraded,
    same,
    old_values: toScores(olds),
    new_values: toScores(news),
  }
}

function compareEvents(news: RunResults, olds: RunResults): JsonObject[] {
  const inNew = new Map(toEventDetails(news).map((event) => [`${event.event_type} ${event.event_name}`, event]))
  const inOld = new Map(toEventDetails(olds).map((event) => [`${event.event_type} ${event.event_name}`, event]))
  return [...new Map([...inNew, ...inOld])].map(([key, event]) => ({
    ...event,
    presence: inNew.has(key) ? (inOld.has(key) ? 'both' : 'new') : 'old',
  }))
}

function toDetail(metrics: readonly RunMetric[], run: StoredRun, how: Aggregate, isPassed: (metric: RunMetric) => boolean): JsonObject {
  const [sample] = metrics
  const range = sample === undefined ? undefined : run.body.passing_ranges[sample.name]
  const nameOf = (metric: RunMetric): string => metric.datapointId ?? metric.sessionId
  return {
    metric_name: sample?.name,
    metric_type: 'CLIENT_SIDE',
    event_name: sample?.eventName,
    event_type: sample?.eventType,
    aggregate: aggregate(toScores(metrics), how),
    values: toScores(metrics),
    ...(range === undefined ? {} : { passing_range: range }),
    datapoints: { passed: metrics.filter(isPassed).map(nameOf), failed: metrics.filter((metric) => !isPassed(metric)).map(nameOf) },
  }
}

/** A metric without a range always passes. */
function createCheck(run: StoredRun): (metric: RunMetric) => boolean {
  return (metric) => {
    const range = run.body.passing_ranges[metric.name]
    const score = toScore(metric.value)
    if (!isObject(range) || score === undefined) return true
    return (
      score >= (toFiniteNumber(range.min) ?? Number.NEGATIVE_INFINITY) && score <= (toFiniteNumber(range.max) ?? Number.POSITIVE_INFINITY)
    )
  }
}

function scoresOnly(metrics: readonly RunMetric[]): RunMetric[] {
  return metrics.filter((metric) => toScore(metric.value) !== undefined)
}

function metricKey({ name, eventName, eventType }: RunMetric): string {
  return JSON.stringify([name, eventName, eventType])
}

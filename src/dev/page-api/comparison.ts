/** Several runs over the same datapoints, each against the last of them. */
import { nextTurn } from '../../builtins.js'
import { type JsonObject, toObject } from '../../otlp/json.js'
import { confidenceInterval, pairedInterval } from '../../values/intervals.js'
import { mean } from '../../values/statistics.js'
import { worstScore } from '../../values/worst-score.js'
import { toScore } from '../store/statistics.js'
import type { ComparedFigure, ComparedMetric, ComparedRow, Comparison, Range, RunRow, RunSummary } from './contract.js'

/** A run with its rows and what it says of itself. */
export interface ComparedRun {
  readonly run: RunSummary
  readonly metadata: JsonObject
  readonly rows: readonly RunRow[]
}

/** Sets runs against the last of them; other work of the process gets its turn between two metrics. */
export async function compareStoredRuns(runs: readonly ComparedRun[]): Promise<Comparison> {
  const rows = joinRows(runs)
  const names = new Set<string>()
  for (const run of runs) for (const row of run.rows) for (const name of Object.keys(row.metrics)) names.add(name)
  const metrics: ComparedMetric[] = []
  for (const name of names) {
    await nextTurn()
    metrics.push(...toMetric(name, runs, rows))
  }
  return { runs: runs.map(({ run }) => run), metrics, rows }
}

/** The rows of all runs, those of one datapoint beside each other; a run may have a datapoint more than once. */
function joinRows(runs: readonly ComparedRun[]): ComparedRow[] {
  const joined = new Map<string, (RunRow | null)[]>()
  runs.forEach(({ rows }, at) => {
    const seen = new Map<string, number>()
    for (const row of rows) {
      const datapoint = row.datapointId ?? row.sessionId
      const time = (seen.get(datapoint) ?? 0) + 1
      seen.set(datapoint, time)
      const id = time === 1 ? datapoint : `${datapoint} (${time})`
      const places = joined.get(id) ?? runs.map((): RunRow | null => null)
      places[at] = row
      joined.set(id, places)
    }
  })
  return [...joined].map(([id, places]) => {
    const one = places.find((row) => row !== null)
    return { id, inputs: one?.inputs ?? {}, groundTruth: one?.groundTruth ?? null, rows: places }
  })
}

function toMetric(name: string, runs: readonly ComparedRun[], rows: readonly ComparedRow[]): ComparedMetric[] {
  const seen = rows.flatMap((row) => row.rows.map((one) => toScore(one?.metrics[name]))).filter((score) => score !== undefined)
  if (seen.length === 0) return []
  const rule = runs.map((run) => findRule(run, name)).find((one) => one !== undefined)
  const lowerIsBetter = rule === undefined ? guessDirection(name) : rule.lowerIsBetter === true
  const [min, max] = [seen.reduce((a, b) => Math.min(a, b)), seen.reduce((a, b) => Math.max(a, b))]
  const failedScore = worstScore({ lowerIsBetter: lowerIsBetter === true, failedScore: toScore(rule?.failedScore) }, min, max)
  const isScored = runs.map((run) => findRule(run, name) !== undefined || run.rows.some((row) => toScore(row.metrics[name]) !== undefined))
  const scores = rows.map((row) => row.rows.map((one, at) => (isScored[at] === true ? readScore(one, name, failedScore) : undefined)))
  const hasFailed = (row: RunRow | null | undefined): boolean => readScore(row ?? null, name, null) === null
  const figures = runs.map((_, at) => toFigure(scores, at, runs.length - 1, rows.filter((row) => hasFailed(row.rows[at])).length))
  return [{ name, lowerIsBetter, failedScore, figures }]
}

/** A row that failed before it had a score has the one of failures. */
function readScore<T>(row: RunRow | null, name: string, failedScore: T): number | T | undefined {
  if (row === null) return undefined
  return toScore(row.metrics[name]) ?? (row.error === null ? undefined : failedScore)
}

type Scores = readonly (readonly (number | undefined)[])[]

function toFigure(scores: Scores, at: number, last: number, failed: number): ComparedFigure | null {
  const own = scores.map((row) => row[at]).filter((score) => score !== undefined)
  if (own.length === 0) return null
  const interval = toRange(confidenceInterval(own))
  return { average: mean(own), count: own.length, failed, interval, change: at === last ? null : toChange(scores, at, last) }
}

function toChange(scores: Scores, at: number, last: number): ComparedFigure['change'] {
  const pairs = scores.flatMap((row): (readonly [number, number])[] => {
    const [own, base] = [row[at], row[last]]
    return own === undefined || base === undefined ? [] : [[own, base]]
  })
  if (pairs.length === 0) return null
  const differences = pairs.map(([own, base]) => own - base)
  const isRate = pairs.flat().every((score) => score === 0 || score === 1)
  return { difference: mean(differences), pairs: pairs.length, interval: toRange(pairedInterval(differences, isRate)) }
}

function toRange(interval: Range | undefined): Range | null {
  return interval === undefined ? null : { low: interval.low, high: interval.high }
}

/** What an experiment says of one of its evaluators; a run that was started elsewhere says nothing. */
function findRule({ metadata }: ComparedRun, name: string): JsonObject | undefined {
  const rules: readonly unknown[] = Array.isArray(metadata.evaluator_rules) ? metadata.evaluator_rules : []
  return rules.map(toObject).find((rule) => rule.name === name)
}

/** Names of what one wants little of. */
const LESS_IS_BETTER =
  /(?:^|[^a-z])(?:latency|duration|cost|price|errors?|failures?|toxicity|hallucinations?|bias|risk|perplexity|loss|distance|ttft)(?:$|[^a-z])/i

function guessDirection(name: string): boolean | null {
  return LESS_IS_BETTER.test(name.replace(/([a-z])([A-Z])/g, '$1_$2')) ? true : null
}

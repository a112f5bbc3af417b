/** Cost, tokens, errors and latency over time, and what clients say they lost. */
import { unixMs } from '../../builtins.js'
import type { Reader } from '../store/database.js'
import { IN_PROJECT } from '../store/events.js'
import type { DropList, Stats } from './contract.js'
import { quantile } from '../../values/statistics.js'

const DAY_MS = 86_400_000
const MAX_BUCKETS = 2_000

/** Which events count, and how wide a point is, in milliseconds. */
export interface StatsFilter {
  readonly projectId?: number | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly bucketMs?: number | undefined
}

interface Bucket {
  events: number
  errors: number
  cost: number
  promptTokens: number
  completionTokens: number
  readonly durations: number[]
}

/** One point per bucket that has events; by default the last day in points of about a hundredth of the range. */
export function readStats(reader: Reader, { projectId, fromMs, toMs = unixMs(), bucketMs }: StatsFilter): Stats {
  const from = fromMs ?? toMs - DAY_MS
  const width = Math.max(1, bucketMs ?? Math.ceil((toMs - from) / 100), Math.ceil((toMs - from) / MAX_BUCKETS))
  const rows = reader.all(
    `SELECT start_ms, duration_ms, error IS NOT NULL AS failed, cost, prompt_tokens, completion_tokens FROM events
     WHERE ${IN_PROJECT} AND start_ms BETWEEN ? AND ? AND type <> 'session' ORDER BY start_ms`,
    projectId,
    projectId,
    from,
    toMs,
  )
  const buckets = new Map<number, Bucket>()
  for (const row of rows) {
    const timeMs = Math.floor(Number(row.start_ms) / width) * width
    const bucket = buckets.get(timeMs) ?? { events: 0, errors: 0, cost: 0, promptTokens: 0, completionTokens: 0, durations: [] }
    buckets.set(timeMs, bucket)
    bucket.events++
    bucket.errors += Number(row.failed)
    bucket.cost += Number(row.cost)
    bucket.promptTokens += Number(row.prompt_tokens)
    bucket.completionTokens += Number(row.completion_tokens)
    bucket.durations.push(Number(row.duration_ms))
  }
  return { bucketMs: width, points: [...buckets].map(([timeMs, bucket]) => toPoint(timeMs, bucket)) }
}

function toPoint(timeMs: number, { durations, ...sums }: Bucket): Stats['points'][number] {
  const sorted = durations.sort((a, b) => a - b)
  return { timeMs, ...sums, p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) }
}

/** Losses by tracer and reason, latest first. */
export function listDrops(reader: Reader, projectId?: number): DropList {
  const rows = reader.all(`SELECT * FROM drops WHERE ${IN_PROJECT} ORDER BY last_seen_ms DESC, tracer, reason`, projectId, projectId)
  return {
    drops: rows.map((row) => ({
      tracer: String(row.tracer),
      reason: String(row.reason),
      count: Number(row.count),
      lastSeenMs: Number(row.last_seen_ms),
    })),
  }
}

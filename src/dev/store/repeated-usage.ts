/**
 * A wrapper (the span of an agent, of a step, of an SDK's own call) repeats what the model calls inside it used. Only the lowest
 * spans of a trace that report tokens count, and only the lowest that report a cost, in whatever order they arrive.
 */
import type { Reader, Row } from './database.js'
import type { Contribution, EventRecord } from './event-record.js'
import { toContributionOf } from './event-rows.js'

/** Spans looked at above or below one: each event of a chain looks again, so a bound keeps deep chains from costing their square. */
const MOST = 1_000

/** Which kinds of usage something reports. */
interface Reported {
  readonly tokens: boolean
  readonly cost: boolean
}

/** An event that was counted until one below it arrived. */
export interface Uncounted {
  readonly key: number
  readonly sessionId: string
  readonly before: Contribution
  readonly after: Contribution
}

/** What an event counts for, and which stored ones no longer do because of it. */
export interface SettledUsage {
  readonly contribution: Contribution
  readonly uncounted: readonly Uncounted[]
}

/** Settles what `record` adds to the sums, given the spans of its trace that are stored. */
export function settleUsage(reader: Reader, record: EventRecord, contribution: Contribution): SettledUsage {
  if (record.traceId === null || record.spanId === null) return { contribution, uncounted: [] }
  const above = findAbove(reader, record)
  const own = toReported(contribution)
  // Most spans report nothing and stand below nothing that does: nothing to settle, so their children are not looked for.
  if (!own.tokens && !own.cost && above.length === 0) return { contribution, uncounted: [] }
  const below = findBelow(reader, record)
  const reported = { tokens: own.tokens || below.tokens, cost: own.cost || below.cost }
  const uncounted = above.flatMap((row) => {
    const before = toContributionOf(row)
    const after = without(before, reported)
    return after === before ? [] : [{ key: Number(row.key), sessionId: String(row.session_id), before, after }]
  })
  return { contribution: without(contribution, below), uncounted }
}

/** The spans above, as far as an unbroken line of them is stored, that count for something. */
function findAbove(reader: Reader, { projectId, traceId, parentSpanId }: EventRecord): readonly Row[] {
  if (parentSpanId === null || parentSpanId === '') return []
  return reader.all(
    `WITH RECURSIVE above (key, parent) AS (
       SELECT key, parent_span_id FROM events WHERE trace_id = ?1 AND span_id = ?2 AND project_id = ?3
       UNION SELECT e.key, e.parent_span_id FROM above JOIN events e ON e.trace_id = ?1 AND e.span_id = above.parent AND e.project_id = ?3 LIMIT ${MOST})
     SELECT e.key, session_id, type, error, prompt_tokens, completion_tokens, total_tokens, cost, cost_source, has_feedback
     FROM above JOIN events e USING (key) WHERE total_tokens > 0 OR cost > 0`,
    traceId,
    parentSpanId,
    projectId,
  )
}

/** Which kinds of usage the stored spans below report. */
function findBelow(reader: Reader, { projectId, traceId, spanId }: EventRecord): Reported {
  const row = reader.get(
    `WITH RECURSIVE below (span, tokens, cost) AS (
       SELECT span_id, total_tokens, cost FROM events WHERE trace_id = ?1 AND parent_span_id = ?2 AND project_id = ?3
       UNION SELECT e.span_id, e.total_tokens, e.cost FROM below
         JOIN events e ON e.trace_id = ?1 AND e.parent_span_id = below.span AND e.project_id = ?3 LIMIT ${MOST * 100})
     SELECT max(tokens) AS tokens, max(cost) AS cost FROM below WHERE span <> ?2`,
    traceId,
    spanId,
    projectId,
  )
  return { tokens: Number(row?.tokens ?? 0) > 0, cost: Number(row?.cost ?? 0) > 0 }
}

function toReported({ totalTokens, cost }: Contribution): Reported {
  return { tokens: totalTokens > 0, cost: cost > 0 }
}

function without(contribution: Contribution, { tokens, cost }: Reported): Contribution {
  const own = toReported(contribution)
  if (!(tokens && own.tokens) && !(cost && own.cost)) return contribution
  return {
    ...contribution,
    ...(tokens ? { promptTokens: 0, completionTokens: 0, totalTokens: 0, unpriced: 0 } : {}),
    ...(cost ? { cost: 0 } : {}),
  }
}

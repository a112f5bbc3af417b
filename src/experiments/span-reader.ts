import type { Bucket } from '../semantics/attributes.js'
import { detectEventType } from '../semantics/event-type.js'
import { readUsage } from '../semantics/usage.js'
import type { Attributes, SpanContext, SpanStatus } from '@opentelemetry/api'
import type { OwnedSpan } from '../context/instance.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import type { SpanRecord as RecordedSpan } from '../provider/span-record.js'
import type { Plain } from '../values/plain.js'
import type { SpanRecord } from './row-trace.js'
import type { RowUsage } from './types.js'

type Fields = Readonly<Record<string, unknown>>

/** What was recorded of a finished span. */
export interface KeptSpan extends Pick<RecordedSpan, 'eventName' | 'eventType' | 'error' | 'buckets'> {
  readonly name: string
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly durationMs: number
  readonly status: SpanStatus
  readonly attributes: Attributes
}

/** Takes what is read later from a span that has just ended: once it is delivered, the span itself is emptied. */
export function keepSpan(span: OwnedSpan): readonly KeptSpan[] {
  const record = GuardedSpan.recordOf(span)
  if (record?.data === undefined) return []
  const { data, eventName, eventType, error, buckets, context, parent } = record
  const { name, status, attributes, duration } = data
  return [
    { name, status, attributes, durationMs: duration[0] * 1e3 + duration[1] / 1e6, eventName, eventType, error, buckets, context, parent },
  ]
}

/** A finished span in the shape evaluators see. */
export function readSpan(kept: KeptSpan): SpanRecord {
  const bucket = (name: Bucket): Fields => toFields(kept.buckets?.[name])
  return {
    name: kept.eventName ?? kept.name,
    eventType: kept.eventType ?? detectEventType(kept.attributes),
    spanId: kept.context.spanId,
    parentSpanId: kept.parent?.spanId,
    durationMs: kept.durationMs,
    error: kept.error?.message ?? kept.status.message,
    inputs: bucket('inputs'),
    outputs: bucket('outputs'),
    metadata: bucket('metadata'),
    metrics: bucket('metrics'),
    attributes: { ...kept.attributes },
  }
}

function toFields(bucket: Plain | undefined): Fields {
  return typeof bucket === 'object' && bucket !== null && !Array.isArray(bucket) ? { ...bucket } : {}
}

/** What a row's function spent, and what its judges did. */
export interface SplitUsage {
  readonly own: RowUsage
  readonly judges: RowUsage
}

/**
 * Tokens and cost of a row. A span above another one that also reports usage repeats it, as agent and SDK wrappers do,
 * so only the lowest ones count. What was spent below one of `judgeSpans` is the judges'.
 */
export function splitUsage(spans: readonly KeptSpan[], judgeSpans: ReadonlySet<string>): SplitUsage {
  const usages = new Map<string, RowUsage>()
  const parents = new Map<string, string | undefined>()
  for (const span of spans) {
    const { context, parent } = span
    parents.set(context.spanId, parent?.spanId)
    const usage = toRowUsage(span)
    if (usage !== undefined) usages.set(context.spanId, usage)
  }
  const repeated = new Set<string>()
  for (const spanId of usages.keys()) {
    for (let at = parents.get(spanId); at !== undefined && !repeated.has(at); at = parents.get(at)) repeated.add(at)
  }
  let [own, judges] = [NO_USAGE, NO_USAGE]
  for (const [spanId, usage] of usages) {
    if (repeated.has(spanId)) continue
    if (isBelow(spanId, judgeSpans, parents)) judges = addUsage(judges, usage)
    else own = addUsage(own, usage)
  }
  return { own, judges }
}

function isBelow(spanId: string, wanted: ReadonlySet<string>, parents: ReadonlyMap<string, string | undefined>): boolean {
  for (let at: string | undefined = spanId; at !== undefined; at = parents.get(at)) if (wanted.has(at)) return true
  return false
}

/** Nothing spent. */
export const NO_USAGE: RowUsage = { tokens: { prompt: 0, completion: 0, total: 0 }, cost: 0 }

/** Sum of two usages. */
export function addUsage(one: RowUsage, other: RowUsage): RowUsage {
  return {
    tokens: {
      prompt: one.tokens.prompt + other.tokens.prompt,
      completion: one.tokens.completion + other.tokens.completion,
      total: one.tokens.total + other.tokens.total,
    },
    cost: one.cost + other.cost,
  }
}

function toRowUsage({ attributes, buckets }: KeptSpan): RowUsage | undefined {
  const metadata = toFields(buckets?.metadata)
  const usage = readUsage((key) => metadata[key] ?? attributes[key] ?? attributes[`honeyhive_metadata.${key}`])
  if (usage === undefined) return undefined
  return {
    tokens: { prompt: usage.inputTokens ?? 0, completion: usage.outputTokens ?? 0, total: usage.totalTokens ?? 0 },
    cost: usage.cost ?? 0,
  }
}

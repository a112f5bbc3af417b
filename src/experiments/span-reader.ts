import type { Bucket } from '../semantics/attributes.js'
import { detectEventType } from '../semantics/event-type.js'
import { InstanceSpan, type SpanRecord as RecordedSpan } from '../provider/span.js'
import type { SpanRecord } from './row-trace.js'
import type { RowUsage } from './types.js'

type Fields = Readonly<Record<string, unknown>>

/** What was recorded of a finished span. */
export type KeptSpan = Pick<
  RecordedSpan,
  'name' | 'eventName' | 'eventType' | 'context' | 'parent' | 'startMs' | 'endMs' | 'error' | 'status' | 'buckets' | 'attributes'
>

/** Takes what is read later from a span that has just ended: once it is delivered, the span itself is emptied. */
export function keepSpan(span: InstanceSpan): KeptSpan {
  return { ...InstanceSpan.recordOf(span) }
}

/** A finished span in the shape evaluators see. */
export function readSpan(record: KeptSpan): SpanRecord {
  const bucket = (name: Bucket): Fields => Object.assign({}, ...(record.buckets?.[name] ?? []))
  return {
    name: record.eventName ?? record.name,
    eventType: record.eventType ?? detectEventType((key) => record.attributes?.get(key)),
    spanId: record.context.spanId,
    parentSpanId: record.parent?.spanId,
    durationMs: record.endMs - record.startMs,
    error: record.error?.message ?? record.status.message,
    inputs: bucket('inputs'),
    outputs: bucket('outputs'),
    metadata: bucket('metadata'),
    metrics: bucket('metrics'),
    attributes: Object.fromEntries(record.attributes ?? []),
  }
}

// Names of the same three counts in HoneyHive's metadata, the OpenTelemetry GenAI conventions (new and old),
// OpenInference and the AI SDK.
const PROMPT_KEYS = [
  'prompt_tokens',
  'input_tokens',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.prompt',
  'ai.usage.promptTokens',
  'ai.usage.inputTokens',
]
const COMPLETION_KEYS = [
  'completion_tokens',
  'output_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.token_count.completion',
  'ai.usage.completionTokens',
  'ai.usage.outputTokens',
]
const TOTAL_KEYS = ['total_tokens', 'gen_ai.usage.total_tokens', 'llm.usage.total_tokens', 'llm.token_count.total', 'ai.usage.totalTokens']
const COST_KEYS = ['cost', 'total_cost', 'gen_ai.usage.cost', 'llm.cost.total']

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
    const usage = readUsage(span)
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

function readUsage({ attributes, buckets }: KeptSpan): RowUsage | undefined {
  const metadata: Fields = Object.assign({}, ...(buckets?.metadata ?? []))
  const read = (keys: readonly string[]): number | undefined => {
    for (const key of keys) {
      const value = metadata[key] ?? attributes?.get(key) ?? attributes?.get(`honeyhive_metadata.${key}`)
      if (typeof value === 'number' && Number.isFinite(value)) return value
    }
    return undefined
  }
  const prompt = read(PROMPT_KEYS)
  const completion = read(COMPLETION_KEYS)
  const total = read(TOTAL_KEYS)
  const cost = read(COST_KEYS)
  if (prompt === undefined && completion === undefined && total === undefined && cost === undefined) return undefined
  return {
    tokens: { prompt: prompt ?? 0, completion: completion ?? 0, total: total ?? (prompt ?? 0) + (completion ?? 0) },
    cost: cost ?? 0,
  }
}

import { type JsonObject, toFiniteNumber } from '../../otlp/json.js'
import { readReplyUsage } from '../../semantics/reply-usage.js'
import { readUsage } from '../../semantics/usage.js'
import { fill } from '../store/event-body.js'

/** Adds what the provider's reply says beyond the attributes, then counts that hold what came from a cache and went into reasoning. */
export function addUsage(metadata: JsonObject, reply: unknown): void {
  for (const [name, count] of Object.entries(readReplyUsage(reply))) if (count !== undefined) fill(metadata, name, count)
  const usage = readUsage((name) => metadata[name])
  if (usage === undefined) return
  const { inputTokens, outputTokens, totalTokens } = usage
  for (const [count, names] of [
    [inputTokens, ['input_tokens', 'prompt_tokens']],
    [outputTokens, ['output_tokens', 'completion_tokens']],
  ] as const) {
    for (const name of names) if (name in metadata && toFiniteNumber(metadata[name]) !== count) metadata[name] = count
  }
  if (totalTokens !== undefined) fill(metadata, 'total_tokens', totalTokens)
}

import { type MappedEvent, toEvent } from '../../src/dev/ingest/event-mapping.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { readUsage } from '../../src/semantics/usage.js'
import { DIMENSIONS, type Json, USED } from './dialects/reply.js'
import type { Feature } from './row.js'

/** What the local server makes of a span. */
export const toEvents = (spans: readonly DecodedSpan[]): MappedEvent[] => spans.map((span) => toEvent(span))

/** Whether the model events of one request say something; a tool is called by the first and its result is given to the last. */
export function hasFeature(feature: Feature, models: readonly MappedEvent[], marker: string): boolean {
  const check = CHECKS[feature]
  if (feature === 'toolCalls' || feature === 'toolResults') return models.some((model) => check(model, marker))
  return models.length > 0 && models.every((model) => check(model, marker))
}

/** How many events there are of each type. */
export function countTypes(events: readonly MappedEvent[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

const CHECKS: Readonly<Record<Feature, (event: MappedEvent, marker: string) => boolean>> = {
  inputs: ({ body }, marker) => {
    const { chat_history: messages, input } = body.inputs as Json
    if (input !== undefined) return JSON.stringify(input).includes(marker)
    return Array.isArray(messages) && messages.every(({ role }) => typeof role === 'string') && JSON.stringify(messages).includes(marker)
  },
  outputs: ({ body }, marker) => {
    const { role, content, tool_calls: calls, embeddings, dimensions } = body.outputs as Json
    if (embeddings !== undefined) return embeddings === 1 && dimensions === DIMENSIONS
    return (
      role === 'assistant' &&
      (calls !== undefined || (JSON.stringify(content).includes('echo: ') && JSON.stringify(content).includes(marker)))
    )
  },
  model: ({ body }) => /m-1$/.test(String(body.config.model)),
  promptTokens: (event) => usageOf(event)?.inputTokens === USED.input,
  completionTokens: (event) => usageOf(event)?.outputTokens === USED.output,
  cacheReadTokens: (event) => usageOf(event)?.cacheReadTokens === USED.cacheRead,
  cacheWriteTokens: (event) => usageOf(event)?.cacheWriteTokens === USED.cacheWrite,
  reasoningTokens: (event) => usageOf(event)?.reasoningTokens === USED.reasoning,
  toolCalls: ({ body }, marker) => {
    const calls = (body.outputs as Json)['tool_calls']
    return Array.isArray(calls) && calls.length === 1 && typeof calls[0].name === 'string' && calls[0].arguments?.city === marker
  },
  // Not every provider gives calls an id.
  toolResults: ({ body }, marker) => {
    const messages = (body.inputs as Json)['chat_history']
    const results = Array.isArray(messages) ? messages.filter(({ role }) => role === 'tool') : []
    return results.length === 1 && results[0].content?.weather === marker
  },
}

const usageOf = ({ body }: MappedEvent): ReturnType<typeof readUsage> => readUsage((key) => body.metadata[key])

/** Reads what Mastra says of a span into the names of the conventions. */
import type { JsonObject } from './json.js'
import { toMessages } from './messages.js'

/**
 * Mastra writes what went in and out of most spans under the name of their type: `mastra.agent_run.input`. Given back under the
 * names of the conventions, conversations as such. The attributes of anybody else come back unchanged.
 */
export function translateMastra(attributes: JsonObject): JsonObject {
  const type = attributes['mastra.span.type']
  if (typeof type !== 'string') return attributes
  const prefix = `mastra.${type.toLowerCase()}`
  const { [`${prefix}.input`]: input, [`${prefix}.output`]: output, ...rest } = attributes
  return { ...rest, ...name('input', input, 'user'), ...name('output', output, 'assistant') }
}

function name(side: 'input' | 'output', value: unknown, role: string): JsonObject {
  if (value === undefined) return {}
  const isConversation = toMessages(value, role) !== undefined
  return { [isConversation ? `gen_ai.${side}.messages` : `${side}.value`]: value }
}

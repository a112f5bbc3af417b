import { isObject, type JsonObject, toFiniteNumber, toObject } from './json.js'

type Counts = Readonly<Record<'input' | 'output' | 'total' | 'cacheRead' | 'cacheWrite' | 'reasoning', number | undefined>>

/** Where the providers' replies say each count, newest name first; a dot leads into an object. */
const NAMES: Readonly<Record<keyof Counts, readonly string[]>> = {
  input: ['input_tokens', 'prompt_tokens', 'inputTokens', 'promptTokenCount'],
  output: ['output_tokens', 'completion_tokens', 'outputTokens', 'candidatesTokenCount'],
  total: ['total_tokens', 'totalTokens', 'totalTokenCount'],
  cacheRead: [
    'input_tokens_details.cached_tokens',
    'prompt_tokens_details.cached_tokens',
    'cache_read_input_tokens',
    'cacheReadInputTokens',
    'cachedContentTokenCount',
  ],
  cacheWrite: ['cache_creation_input_tokens', 'cacheWriteInputTokens'],
  reasoning: ['output_tokens_details.reasoning_tokens', 'completion_tokens_details.reasoning_tokens', 'thoughtsTokenCount'],
}

/**
 * What a provider's own reply says it used, under the names of HoneyHive: OpenAI, Anthropic, Bedrock, Gemini, Titan. Instrumentors
 * that record the reply as it came leave some counts off their attributes.
 */
export function readReplyUsage(reply: unknown): JsonObject {
  if (!isObject(reply)) return {}
  const given = toObject(reply.usage ?? reply.usageMetadata)
  const counts = Object.fromEntries(Object.entries(NAMES).map(([kind, names]) => [kind, firstCount(given, names)])) as unknown as Counts
  const input = counts.input ?? toFiniteNumber(reply.inputTextTokenCount)
  return {
    prompt_tokens: input,
    completion_tokens: counts.output,
    total_tokens: counts.total ?? toTotal(given, { ...counts, input }),
    cache_read_input_tokens: counts.cacheRead,
    cache_write_input_tokens: counts.cacheWrite,
    reasoning_tokens: counts.reasoning,
  }
}

function firstCount(given: JsonObject, names: readonly string[]): number | undefined {
  for (const name of names) {
    const [key = '', inner] = name.split('.')
    const count = toFiniteNumber(inner === undefined ? given[key] : toObject(given[key])[inner])
    if (count !== undefined && count >= 0) return count
  }
  return undefined
}

/** Anthropic gives no total, and counts the parts of the cache beside the input. */
function toTotal(given: JsonObject, { input, output, cacheRead, cacheWrite }: Counts): number | undefined {
  if (input === undefined && output === undefined) return undefined
  const cached = given.cache_read_input_tokens === undefined ? 0 : (cacheRead ?? 0) + (cacheWrite ?? 0)
  return (input ?? 0) + (output ?? 0) + cached
}

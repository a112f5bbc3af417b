import { toFiniteNumber } from './json.js'

/** What a span may say it used; `input` and `prompt`, `output` and `completion` are the newer and the older words for one count. */
type UsageKind = 'input' | 'prompt' | 'output' | 'completion' | 'total' | 'cacheRead' | 'cacheWrite' | 'reasoning' | 'cost'

/** Under which names spans say what they used: the newest names of a convention before its older ones. */
export const USAGE_KEYS: Readonly<Record<UsageKind, readonly string[]>> = {
  // What an embedding uses goes in; the AI SDK has one word for all of it.
  input: ['gen_ai.usage.input_tokens', 'ai.usage.inputTokens', 'ai.usage.tokens'],
  prompt: ['gen_ai.usage.prompt_tokens', 'llm.usage.prompt_tokens', 'llm.token_count.prompt', 'ai.usage.promptTokens'],
  output: ['gen_ai.usage.output_tokens', 'ai.usage.outputTokens'],
  completion: ['gen_ai.usage.completion_tokens', 'llm.usage.completion_tokens', 'llm.token_count.completion', 'ai.usage.completionTokens'],
  total: ['gen_ai.usage.total_tokens', 'llm.usage.total_tokens', 'llm.token_count.total', 'ai.usage.totalTokens'],
  cacheRead: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.cached_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'gen_ai.usage.details.cache_read_tokens',
    'gen_ai.usage.details.cached_tokens',
    'llm.usage.cache_read_input_tokens',
    'llm.token_count.prompt_details.cache_read',
    'ai.usage.cachedInputTokens',
    'ai.usage.inputTokenDetails.cacheReadTokens',
  ],
  cacheWrite: [
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.input_tokens.cache_write',
    'gen_ai.usage.details.cache_write_tokens',
    'llm.usage.cache_creation_input_tokens',
    'llm.token_count.prompt_details.cache_write',
    'ai.usage.inputTokenDetails.cacheWriteTokens',
  ],
  reasoning: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'gen_ai.usage.details.reasoning_tokens',
    'llm.usage.reasoning_tokens',
    'llm.token_count.completion_details.reasoning',
    'ai.usage.reasoningTokens',
    'ai.usage.outputTokenDetails.reasoningTokens',
  ],
  cost: ['gen_ai.usage.cost', 'llm.cost.total'],
}

/** What a model call used, as far as its span says. */
export interface Usage {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  /** As reported, else the sum of what went in and out. */
  readonly totalTokens: number | undefined
  /** Part of {@link inputTokens} that came from a cache. */
  readonly cacheReadTokens: number | undefined
  /** Part of {@link inputTokens} that was written to a cache. */
  readonly cacheWriteTokens: number | undefined
  /** Part of {@link outputTokens} that was spent on reasoning. */
  readonly reasoningTokens: number | undefined
  readonly cost: number | undefined
}

// HoneyHive's own metadata stands before what an instrumentor says.
const INPUT = ['prompt_tokens', 'input_tokens', ...USAGE_KEYS.input, ...USAGE_KEYS.prompt]
const OUTPUT = ['completion_tokens', 'output_tokens', ...USAGE_KEYS.output, ...USAGE_KEYS.completion]
const TOTAL = ['total_tokens', ...USAGE_KEYS.total]
const CACHE_READ = ['cache_read_input_tokens', ...USAGE_KEYS.cacheRead]
const CACHE_WRITE = ['cache_write_input_tokens', ...USAGE_KEYS.cacheWrite]
const REASONING = ['reasoning_tokens', ...USAGE_KEYS.reasoning]
const COST = ['cost', 'total_cost', ...USAGE_KEYS.cost]

/** The usage that `read` finds under the names of HoneyHive and of every known convention; `undefined` when there is none. */
export function readUsage(read: (key: string) => unknown): Usage | undefined {
  const first = (keys: readonly string[]): number | undefined => {
    for (const key of keys) {
      const value = toFiniteNumber(read(key))
      if (value !== undefined && value >= 0) return value
    }
    return undefined
  }
  const [inputTokens, outputTokens, cost] = [first(INPUT), first(OUTPUT), first(COST)]
  const sum = inputTokens === undefined && outputTokens === undefined ? undefined : (inputTokens ?? 0) + (outputTokens ?? 0)
  const totalTokens = first(TOTAL) ?? sum
  if (totalTokens === undefined && cost === undefined) return undefined
  return toWholeCounts({
    inputTokens,
    outputTokens,
    totalTokens,
    cacheReadTokens: first(CACHE_READ),
    cacheWriteTokens: first(CACHE_WRITE),
    reasoningTokens: first(REASONING),
    cost,
  })
}

/**
 * Some dialects count what came from a cache beside the input, or what was spent on reasoning beside the output; their total, which
 * holds all of it, tells. Counts that do not add up to it stay as they are.
 */
function toWholeCounts(usage: Usage): Usage {
  const { inputTokens = 0, outputTokens = 0, totalTokens = 0, reasoningTokens = 0 } = usage
  const cached = (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0)
  const missing = totalTokens - inputTokens - outputTokens
  if (missing <= 0) return usage
  if (missing === reasoningTokens) return { ...usage, outputTokens: outputTokens + missing }
  if (missing === cached) return { ...usage, inputTokens: inputTokens + missing }
  if (missing !== cached + reasoningTokens) return usage
  return { ...usage, inputTokens: inputTokens + cached, outputTokens: outputTokens + reasoningTokens }
}

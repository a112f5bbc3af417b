import { describe, expect, it } from 'vitest'
import { readUsage, USAGE_KEYS } from '../../src/semantics/usage.js'
import { readFixture } from './fixtures/read-fixture.js'

const FIELD = {
  input: 'inputTokens',
  prompt: 'inputTokens',
  output: 'outputTokens',
  completion: 'outputTokens',
  total: 'totalTokens',
  cacheRead: 'cacheReadTokens',
  cacheWrite: 'cacheWriteTokens',
  reasoning: 'reasoningTokens',
  cost: 'cost',
} as const
const CALL = { inputTokens: 100, outputTokens: 20, totalTokens: 120, cacheReadTokens: 64, reasoningTokens: 8 }

describe('readUsage', () => {
  it.each([
    ['openinference-openai', 'OpenAI Chat Completions', CALL],
    ['openinference-anthropic', 'Anthropic Messages', { inputTokens: 100, cacheReadTokens: 54, cacheWriteTokens: 10 }],
    ['openinference-langchain', 'ChatOpenAI', CALL],
    ['traceloop-openai', 'chat gpt-test', { inputTokens: 100, outputTokens: 20, totalTokens: 120 }],
    ['traceloop-anthropic', 'chat claude-test', { inputTokens: 36, outputTokens: 20, cacheReadTokens: 54, cacheWriteTokens: 10 }],
    ['opentelemetry-openai', 'chat gpt-test', { inputTokens: 100, outputTokens: 20, totalTokens: 120 }],
    ['opentelemetry-openai', 'embeddings embed-test', { inputTokens: 5, outputTokens: undefined, totalTokens: 5 }],
    ['ai-sdk-5', 'ai.streamText.doStream', CALL],
    ['ai-sdk-6', 'ai.generateText.doGenerate', CALL],
    ['ai-sdk-6', 'ai.embed.doEmbed', { totalTokens: 5 }],
    ['ai-sdk-7', 'chat gpt-test', { inputTokens: 100, outputTokens: 20, totalTokens: 120, cacheReadTokens: 64 }],
  ])('reads what %s says of "%s"', (fixture, name, usage) => {
    const attributes = readFixture(fixture).find((span) => span.name === name)?.attributes ?? {}
    expect(readUsage((key) => attributes[key])).toMatchObject(usage)
  })

  it('counts what Gemini thought as a part of what came out', () => {
    const [span] = readFixture('traceloop-google')
    expect(span?.attributes).toMatchObject({ 'gen_ai.usage.output_tokens': 5, 'gen_ai.usage.reasoning_tokens': 2 })
    expect(readUsage((key) => span?.attributes[key])).toMatchObject({
      inputTokens: 11,
      outputTokens: 7,
      totalTokens: 18,
      reasoningTokens: 2,
    })
  })

  it.each([
    ['the cache beside the input', { input_tokens: 6, output_tokens: 7, total_tokens: 18, cache_read_input_tokens: 5 }, 11, 7],
    [
      'both parts of the cache beside the input',
      { input_tokens: 6, output_tokens: 7, total_tokens: 18, cache_read_input_tokens: 3, cache_write_input_tokens: 2 },
      11,
      7,
    ],
    [
      'the cache beside the input and reasoning beside the output',
      { input_tokens: 6, output_tokens: 5, total_tokens: 18, cache_read_input_tokens: 5, reasoning_tokens: 2 },
      11,
      7,
    ],
    ['nothing beside', { input_tokens: 11, output_tokens: 7, total_tokens: 18, cache_read_input_tokens: 3, reasoning_tokens: 2 }, 11, 7],
    [
      'a total that does not add up',
      { input_tokens: 6, output_tokens: 7, total_tokens: 20, cache_read_input_tokens: 3, reasoning_tokens: 2 },
      6,
      7,
    ],
    ['a total that is too small', { input_tokens: 6, output_tokens: 7, total_tokens: 3, reasoning_tokens: 2 }, 6, 7],
  ])('gives whole counts of a dialect with %s', (_, given, inputTokens, outputTokens) => {
    expect(readUsage((key) => (given as Record<string, number>)[key])).toMatchObject({
      inputTokens,
      outputTokens,
      totalTokens: given.total_tokens,
    })
  })

  it.each(Object.entries(USAGE_KEYS).flatMap(([kind, keys]) => keys.map((key) => [kind as keyof typeof USAGE_KEYS, key] as const)))(
    'reads %s from %s',
    (kind, key) => {
      const attributes: Record<string, unknown> = kind === 'total' ? { [key]: 3 } : { total_tokens: 9, [key]: 3 }
      expect(readUsage((name) => attributes[name])?.[FIELD[kind]]).toBe(3)
    },
  )

  it("puts HoneyHive's own metadata before what an instrumentor says", () => {
    const attributes: Record<string, unknown> = { prompt_tokens: 1, 'gen_ai.usage.input_tokens': 2, total_tokens: 9 }
    expect(readUsage((key) => attributes[key])).toMatchObject({ inputTokens: 1, outputTokens: undefined, totalTokens: 9 })
  })

  it('reads numbers in text, and passes over what is no count', () => {
    const attributes: Record<string, unknown> = { input_tokens: 'many', 'gen_ai.usage.input_tokens': '7', output_tokens: -1 }
    expect(readUsage((key) => attributes[key])).toMatchObject({ inputTokens: 7, outputTokens: undefined, totalTokens: 7 })
  })

  it('is undefined for a span that says nothing of it', () => {
    expect(readUsage(() => undefined)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { readReplyUsage } from '../../src/semantics/reply-usage.js'
import { readUsage } from '../../src/semantics/usage.js'
import { readFixture } from './fixtures/read-fixture.js'

const WHOLE = { inputTokens: 11, outputTokens: 7, totalTokens: 18, cacheReadTokens: 3 }

/** The usage of a reply as it is read after it was put beside the attributes. */
function usageOf(reply: unknown) {
  const counts = readReplyUsage(reply)
  return readUsage((key) => counts[key])
}

describe('readReplyUsage', () => {
  it.each([
    [
      'OpenAI chat',
      {
        usage: {
          prompt_tokens: 11,
          completion_tokens: 7,
          total_tokens: 18,
          prompt_tokens_details: { cached_tokens: 3 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      },
      { ...WHOLE, reasoningTokens: 2 },
    ],
    [
      'OpenAI responses',
      {
        usage: {
          input_tokens: 11,
          output_tokens: 7,
          total_tokens: 18,
          input_tokens_details: { cached_tokens: 3 },
          output_tokens_details: { reasoning_tokens: 2 },
        },
      },
      { ...WHOLE, reasoningTokens: 2 },
    ],
    [
      'Anthropic',
      { usage: { input_tokens: 6, output_tokens: 7, cache_read_input_tokens: 3, cache_creation_input_tokens: 2 } },
      { ...WHOLE, cacheWriteTokens: 2 },
    ],
    [
      'Bedrock',
      { usage: { inputTokens: 6, outputTokens: 7, totalTokens: 18, cacheReadInputTokens: 3, cacheWriteInputTokens: 2 } },
      { ...WHOLE, cacheWriteTokens: 2 },
    ],
    [
      'Gemini',
      {
        usageMetadata: {
          promptTokenCount: 11,
          candidatesTokenCount: 5,
          thoughtsTokenCount: 2,
          totalTokenCount: 18,
          cachedContentTokenCount: 3,
        },
      },
      { ...WHOLE, reasoningTokens: 2 },
    ],
    ['Titan', { embedding: [1], inputTextTokenCount: 11 }, { inputTokens: 11, totalTokens: 11 }],
  ])('reads the reply of %s', (_, reply, usage) => {
    expect(usageOf(reply)).toMatchObject(usage)
  })

  it.each([
    ['chat', 0],
    ['invoke', 3],
  ])('reads the reply that OpenInference recorded of Bedrock, %s', (_, id) => {
    const reply = readFixture('openinference-bedrock').find((span) => span.id === id)?.attributes['output.value']
    expect(usageOf(JSON.parse(String(reply)))).toMatchObject({ ...WHOLE, cacheWriteTokens: 2 })
  })

  it.each([['text'], [null], [{}], [{ usage: 'much' }], [{ usage: { prompt_tokens: -1 } }]])('says nothing of %j', (reply) => {
    expect(usageOf(reply)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { readEmbeddingReply, readEmbeddings } from '../../src/semantics/embeddings.js'
import { readFixture } from './fixtures/read-fixture.js'

describe('readEmbeddings', () => {
  it.each([
    ['openinference-openai', 'OpenAI Embeddings', ['one', 'two'], 2],
    ['ai-sdk-5', 'ai.embed.doEmbed', 'one', 1],
    ['ai-sdk-5', 'ai.embedMany', ['one', 'two'], 2],
    ['ai-sdk-6', 'ai.embed', 'one', 1],
    ['ai-sdk-6', 'ai.embedMany.doEmbed', ['one', 'two'], 2],
  ])('reads texts and size of %s, "%s", and no vector', (fixture, name, input, count) => {
    const attributes = readFixture(fixture).find((span) => span.name === name)?.attributes ?? {}
    const embeddings = readEmbeddings(attributes)
    expect(embeddings).toMatchObject({ input, count, dimensions: 4 })
    expect(Object.keys(attributes).filter((key) => /vector|embeddings?$|value/.test(key) && key !== 'input.value')).toEqual(
      (embeddings?.usedKeys ?? []).filter((key) => !key.endsWith('.text')),
    )
  })

  it('is undefined for a span without one', () => {
    expect(readEmbeddings({ 'embedding.model_name': 'm', 'input.value': 'x' })).toBeUndefined()
  })

  it('does not believe an index that would take the memory of the process', () => {
    expect(readEmbeddings({ 'embedding.embeddings.4000000000.embedding.text': 'one' })).toMatchObject({ input: 'one' })
  })
})

describe('readEmbeddingReply', () => {
  it("gives the size of a reply in the shape of OpenAI's", () => {
    expect(readEmbeddingReply({ data: [{ embedding: [1, 2, 3] }, { embedding: [4, 5, 6] }] })).toEqual({ count: 2, dimensions: 3 })
    expect(readEmbeddingReply({ data: [{ embedding: 'AACAPw==' }] })).toEqual({ count: 1, dimensions: undefined })
  })

  it.each([
    ['Titan', { embedding: [1, 2, 3], inputTextTokenCount: 4 }, 1],
    [
      'Cohere',
      {
        embeddings: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        texts: ['one', 'two'],
      },
      2,
    ],
    ['Gemini', { embeddings: [{ values: [1, 2, 3] }] }, 1],
  ])('gives the size of a reply of %s', (_, reply, count) => {
    expect(readEmbeddingReply(reply)).toEqual({ count, dimensions: 3 })
  })

  it.each([['text'], [null], [{}], [{ data: [] }], [{ data: [{ id: 1 }] }], [{ data: ['one'] }], [{ embedding: 'text'.split('') }]])(
    'is undefined for %j',
    (value) => {
      expect(readEmbeddingReply(value)).toBeUndefined()
    },
  )
})

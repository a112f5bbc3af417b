import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createPriceTable, parsePrices, toCost } from '../../src/dev/prices/price-table.js'

const AT = Date.UTC(2026, 10, 1)
const tokens = { input: 1_000_000, output: 1_000_000, cacheRead: 0, cacheWrite: 0 }
const table = createPriceTable()
const costOf = (model: string, provider: string | null = null, atMs = AT): number | undefined => {
  const found = table.find({ model, provider, atMs })
  return found && toCost(found, tokens)
}

describe('the usual prices', () => {
  it.each([
    ['gpt-4o', null, 12.5],
    ['gpt-4.1-mini', 'openai', 2],
    ['gpt-4.1-mini', 'openai.chat', 2],
    ['gpt-4.1-mini-2025-04-14', null, 2],
    ['openai/gpt-4.1-mini', 'openrouter', 2],
    ['GPT-4.1-mini', null, 2],
    ['claude-sonnet-4-20250514', 'anthropic', 18],
    ['claude-sonnet-4', 'anthropic.messages', 18],
    ['us.anthropic.claude-3-5-sonnet-20241022-v2:0', 'aws.bedrock', 18],
    ['models/gemini-2.5-flash', 'google.generative-ai', 2.8],
    ['gemini-2.5-flash', 'gcp.vertex_ai', 2.8],
    ['mistral-large-latest', 'mistral_ai', 8],
    ['gpt-4o', 'azure.openai', 12.5],
    ['text-embedding-3-small', 'openai', 0.02],
  ])('know %s of %s', (model, provider, dollars) => {
    expect(costOf(model, provider)).toBeCloseTo(dollars, 6)
  })

  it.each(['my-model', 'gpt-test', 'llama3:latest', '', 'constructor', 'x'.repeat(1e5), 'gpt-4.1-mini-of-mine'])(
    'say nothing of %.30s',
    (model) => {
      expect(costOf(model)).toBeUndefined()
    },
  )

  it('are those of the day of the call', () => {
    expect(costOf('o3', 'openai', Date.UTC(2025, 4, 1))).toBe(50)
    expect(costOf('o3', 'openai', Date.UTC(2025, 6, 1))).toBe(10)
    expect(costOf('o3', 'openai', Number.NaN)).toBe(50)
  })

  it('name their day, and every entry can be used', () => {
    expect(table.find({ model: 'gpt-4o', provider: null, atMs: AT })?.source).toMatch(/^usual prices of 20\d\d-\d\d-\d\d$/)
    const { providers } = JSON.parse(readFileSync(new URL('../../src/dev/prices/usual-prices.json', import.meta.url), 'utf8')) as {
      providers: { names: string; models: { match: string; prices: Record<string, unknown>[] }[] }[]
    }
    for (const { names, models } of providers)
      for (const { match, prices } of models) {
        expect(() => [new RegExp(names), new RegExp(match)]).not.toThrow()
        expect(prices.some(({ input, output }) => Number(input ?? 0) + Number(output ?? 0) >= 0)).toBe(true)
      }
  })
})

describe('toCost', () => {
  const found = (price: object, above?: { tokens: number; input: number; output: number }) => ({
    id: 'm',
    source: 's',
    price,
    ...(above ? { above } : {}),
  })

  it('takes tokens of caches out of the input and at their own price', () => {
    const usage = { input: 1000, output: 10, cacheRead: 600, cacheWrite: 100 }
    expect(toCost(found({ input: 10, output: 100, cacheRead: 1, cacheWrite: 20 }), usage) * 1e6).toBeCloseTo(
      300 * 10 + 600 + 100 * 20 + 10 * 100,
      6,
    )
    expect(toCost(found({ input: 10, output: 100 }), usage) * 1e6).toBeCloseTo(1000 * 10 + 10 * 100, 6)
  })

  it('never pays back where caches are larger than the input', () => {
    expect(toCost(found({ input: 10, cacheRead: 1 }), { input: 10, output: 0, cacheRead: 100, cacheWrite: 0 })).toBeGreaterThan(0)
  })

  it('takes the higher price of a long prompt', () => {
    const price = found({ input: 1, output: 2 }, { tokens: 1000, input: 10, output: 20 })
    expect(toCost(price, { input: 1000, output: 1, cacheRead: 0, cacheWrite: 0 }) * 1e6).toBeCloseTo(1002, 6)
    expect(toCost(price, { input: 1001, output: 1, cacheRead: 0, cacheWrite: 0 }) * 1e6).toBeCloseTo(10_030, 6)
  })
})

describe('prices of the user', () => {
  it('come before the usual ones, by name or with a star', () => {
    const own = createPriceTable({ 'gpt-4o': { input: 1, output: 1 }, 'llama*': { input: 0, output: 0 }, 'a.b': { input: 5 } })
    const find = (model: string) => own.find({ model, provider: 'openai', atMs: AT })
    expect(find('gpt-4o')).toEqual({ id: 'gpt-4o', source: 'your prices', price: { input: 1, output: 1 } })
    expect(find('llama3:latest')?.price).toEqual({ input: 0, output: 0 })
    expect(find('axb')).toBeUndefined()
    expect(find('gpt-4o-mini')?.source).toContain('usual')
  })

  it.each([
    [{ m: { input: '1' } }],
    [{ m: { inputs: 1 } }],
    [{ m: {} }],
    [{ m: 1 }],
    [{ m: { output: -1 } }],
    [{ m: { input: Number.NaN } }],
  ])('are refused when they are wrong: %j', (prices) => {
    expect(() => parsePrices(prices)).toThrow(/price of "m" must be/)
    expect(() => createPriceTable(prices as never)).toThrow(/price of "m" must be/)
  })

  it.each([null, [], 'x'])('are an object, not %j', (value) => {
    expect(() => parsePrices(value)).toThrow(/Prices are an object/)
  })
})

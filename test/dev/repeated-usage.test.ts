import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Stats } from '../../src/dev/page-api/contract.js'
import type { DevServer } from '../../src/dev/server.js'
import { readFixture } from '../semantics/fixtures/read-fixture.js'
import { call, KEY, newId, type SpanInput, test, toExport } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'

async function send(server: DevServer, spans: readonly SpanInput[]): Promise<void> {
  const body = JSON.stringify(toExport(spans, { 'honeyhive.session_id': SESSION, 'honeyhive.project': 'p' }))
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  const reply = await fetch(`${server.url}/opentelemetry/v1/traces`, { method: 'POST', headers, body })
  expect(reply.status).toBe(200)
}

function sumsOf(server: DevServer): { tokens: number; cost: number } {
  const session = server.sessions({ project: 'p' }).find(({ id }) => id === SESSION)
  return { tokens: session?.totalTokens ?? -1, cost: session?.cost ?? -1 }
}

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const idOf = (number: number): string => (number + 1).toString(16).padStart(16, '0')
const usage = (tokens: number, cost?: number) => ({
  'gen_ai.usage.input_tokens': tokens,
  ...(cost === undefined ? {} : { 'gen_ai.usage.cost': cost }),
})
const span = (id: number, parent: number | undefined, attributes: SpanInput['attributes'] = {}): SpanInput => ({
  traceId: TRACE,
  spanId: idOf(id),
  ...(parent === undefined ? {} : { parentSpanId: idOf(parent) }),
  attributes,
})

describe('usage that wrappers repeat', () => {
  test.for([
    ['ai-sdk-5', 370],
    ['ai-sdk-6', 370],
    ['ai-sdk-7', 370],
    ['mastra', 240],
    ['genkit', 240],
    ['openinference-agents', 240],
    ['openinference-langchain-responses', 240],
  ] as const)('is counted once in the session of %s', async ([name, tokens], { server }) => {
    const spans = readFixture(name).map(({ id, parent, attributes }) => span(id, parent < 0 ? undefined : parent, attributes))
    await send(server, spans)
    expect(sumsOf(server).tokens).toBe(tokens)
  })

  test('is counted where nothing below reports any', async ({ server }) => {
    await send(server, [span(0, undefined), span(1, 0, usage(18, 0.5)), span(2, 1)])
    expect(sumsOf(server)).toEqual({ tokens: 18, cost: 0.5 })
  })

  test('a cost that only the wrapper knows stays', async ({ server }) => {
    await send(server, [span(1, 0, usage(18)), span(0, undefined, usage(18, 0.5))])
    expect(sumsOf(server)).toEqual({ tokens: 18, cost: 0.5 })
  })

  test('the wrapper still tells what it reported', async ({ server }) => {
    await send(server, [span(1, 0, usage(18)), span(0, undefined, { ...usage(18), honeyhive_event_name: 'wrapper' })])
    const [wrapper] = server.events({ project: 'p' }).filter(({ name }) => name === 'wrapper')
    expect(wrapper?.metadata).toMatchObject({ prompt_tokens: 18 })
  })

  test('is counted once over time, too: what was asked, what was answered, and the cost', async ({ server }) => {
    const both = { ...usage(18, 0.5), 'gen_ai.usage.output_tokens': 7 }
    await send(server, [span(0, undefined, both), span(1, 0, both), span(2, 1, both)])
    const { points } = (await call(server, 'GET', '/api/stats?fromMs=0')).body as Stats
    const sums = points.map(({ promptTokens, completionTokens, cost }) => ({ promptTokens, completionTokens, cost }))
    expect(sums).toEqual([{ promptTokens: 18, completionTokens: 7, cost: 0.5 }])
  })

  test('a span that is its own ancestor does no harm', async ({ server }) => {
    await send(server, [span(0, 1, usage(5)), span(1, 0, usage(5)), span(2, 2, usage(5))])
    expect(sumsOf(server).tokens).toBeGreaterThan(0)
  })

  test('the sum is that of the lowest spans, in whatever order and in whatever requests they arrive, also twice', async ({ start }) => {
    const node = fc.record({ up: fc.nat(), tokens: fc.constantFrom(0, 0, 1, 10, 100), cost: fc.constantFrom(0, 0, undefined, 1, 8) })
    const tree = fc.array(node, { minLength: 1, maxLength: 8 })
    const shape = tree.chain((nodes) =>
      fc.record({
        nodes: fc.constant(nodes),
        order: fc.shuffledSubarray(
          nodes.map((_, index) => index),
          { minLength: nodes.length },
        ),
        cut: fc.nat(nodes.length),
        isTwice: fc.boolean(),
      }),
    )
    const server = await start()
    await fc.assert(
      fc.asyncProperty(shape, async ({ nodes, order, cut, isTwice }) => {
        const traceId = newId(16)
        const session = randomUUID()
        const parents = nodes.map(({ up }, index) => (index === 0 ? undefined : up % index))
        const spans = order.map((index) => ({
          ...span(index, parents[index], { ...usage(nodes[index]?.tokens ?? 0, nodes[index]?.cost), 'honeyhive.session_id': session }),
          traceId,
        }))
        for (const part of [spans.slice(0, cut), spans.slice(cut), ...(isTwice ? [spans] : [])])
          if (part.length > 0) await send(server, part)
        // Each kind by itself: a cost below does not keep the tokens above from counting.
        const sumOf = (reported: readonly number[]): number => {
          const hasBelow = (of: number): boolean =>
            reported.some((amount, index) => parents[index] === of && (amount > 0 || hasBelow(index)))
          return reported.reduce((sum, amount, index) => sum + (hasBelow(index) ? 0 : amount), 0)
        }
        const stored = server.sessions({ project: 'p', limit: 1_000 }).find(({ id }) => id === session)
        expect({ tokens: stored?.totalTokens, cost: stored?.cost }).toEqual({
          tokens: sumOf(nodes.map(({ tokens }) => tokens)),
          cost: sumOf(nodes.map(({ cost }) => cost ?? 0)),
        })
      }),
      { numRuns: 60 },
    )
  })
})

import { describe, expect } from 'vitest'
import type { EventPage, SessionList, SessionSummary } from '../../src/dev/page-api/contract.js'
import type { DevServer } from '../../src/dev/server.js'
import { call, newId, type SpanInput, sendSpans, test } from './fixtures.js'

const T0 = 1_700_000_000_000
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const list = async (server: DevServer, query = ''): Promise<SessionList> =>
  (await call(server, 'GET', `/api/sessions?${query}`)).body as SessionList
const one = async (server: DevServer): Promise<SessionSummary | undefined> => (await list(server)).sessions[0]

const model = (attributes: NonNullable<SpanInput['attributes']>, more: Partial<SpanInput> = {}): SpanInput => ({
  attributes: { 'honeyhive.session_id': id(1), honeyhive_event_type: 'model', ...attributes },
  ...more,
})

describe('sorting', () => {
  const fill = async (server: DevServer): Promise<void> => {
    const costs = [3, 1, 2, 2, 0]
    for (const [at, cost] of costs.entries())
      await sendSpans(server, [
        {
          name: `s${at}`,
          startMs: T0 + at,
          attributes: { 'honeyhive.session_id': id(at), ...(cost > 0 ? { 'gen_ai.usage.cost': cost } : {}) },
        },
      ])
  }

  test.for([
    ['sort=cost', ['s0', 's3', 's2', 's1', 's4']],
    ['sort=cost&order=asc', ['s4', 's1', 's2', 's3', 's0']],
    ['', ['s4', 's3', 's2', 's1', 's0']],
    ['order=asc', ['s0', 's1', 's2', 's3', 's4']],
    ['sort=constructor', ['s4', 's3', 's2', 's1', 's0']],
  ] as const)('by %s, also over pages', async ([query, expected], { server }) => {
    await fill(server)
    expect((await list(server, query)).sessions.map(({ name }) => name)).toEqual(expected)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: SessionList = await list(server, `${query}&limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
      seen.push(...page.sessions.map(({ name }) => name))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(expected)
  })
})

describe('rows of experiments', () => {
  test('are told apart, with the sources of what is left', async ({ server }) => {
    await sendSpans(server, [
      { name: 'own', attributes: { 'honeyhive.session_id': id(1), 'honeyhive.source': 'prod' } },
      { name: 'row', attributes: { 'honeyhive.session_id': id(2), 'honeyhive.source': 'evaluation', 'honeyhive_metadata.run_id': id(9) } },
    ])
    const shown = async (query: string) => {
      const { sessions, sources, evaluationRows } = await list(server, query)
      return [sessions.map(({ name }) => name).sort(), sources, evaluationRows]
    }
    expect(await shown('')).toEqual([['own', 'row'], ['evaluation', 'prod'], 1])
    expect(await shown('evaluation=0')).toEqual([['own'], ['prod'], 1])
    expect(await shown('evaluation=1')).toEqual([['row'], ['evaluation'], 1])
  })
})

describe('the words of a session', () => {
  const ask = (text: string) => ({ 'llm.input_messages.0.message.role': 'user', 'llm.input_messages.0.message.content': text })
  const say = (text: string) => ({ 'llm.output_messages.0.message.role': 'assistant', 'llm.output_messages.0.message.content': text })

  test('are what was asked first and answered last, in whatever order spans arrive', async ({ server }) => {
    await sendSpans(server, [model({ ...ask('second?'), ...say('**two**\n\n# more') }, { startMs: T0 + 20 })])
    await sendSpans(server, [model({ ...ask('first?'), ...say('one') }, { startMs: T0 })])
    expect((await one(server))?.preview).toEqual({ input: 'first?', output: 'two more' })
  })

  test('are those of the work it began with, or its own, when these have some', async ({ server }) => {
    const [traceId, root] = [newId(16), newId(8)]
    await sendSpans(server, [model({ ...ask('inner?'), ...say('inner') }, { traceId, parentSpanId: root })])
    const chain = { 'honeyhive.session_id': id(1), 'honeyhive_inputs.question': 'outer?', 'honeyhive_outputs.answer': 'outer' }
    await sendSpans(server, [{ traceId, spanId: root, attributes: chain }])
    expect((await one(server))?.preview).toEqual({ input: 'outer?', output: 'outer' })
    await call(server, 'POST', '/session/start', { session: { session_id: id(1), session_name: 's', inputs: { question: 'own?' } } })
    expect((await one(server))?.preview).toEqual({ input: 'own?', output: 'outer' })
  })

  test('are words rather than JSON, and short', async ({ server }) => {
    await sendSpans(server, [model({ ...ask('x'.repeat(5_000)), ...say('words') }, { startMs: T0 })])
    await sendSpans(server, [model({ 'embedding.text': 'e', 'embedding.vector': [1, 2] }, { startMs: T0 + 9 })])
    const { input, output } = (await one(server))?.preview ?? {}
    expect(output).toBe('words')
    expect(input).toMatch(/^x{199}…$/)
  })

  test('name who it is about', async ({ server }) => {
    await sendSpans(server, [model({ 'honeyhive_metadata.user_id': 'u-1' })])
    expect((await one(server))?.user).toBe('u-1')
    await sendSpans(server, [{ attributes: { 'honeyhive.session_id': id(1), 'honeyhive_user_properties.email': 'other@example.com' } }])
    expect((await one(server))?.user).toBe('u-1')
  })
})

describe('the cost of a session', () => {
  const usage = (name: string, more: NonNullable<SpanInput['attributes']> = {}) =>
    model({ 'gen_ai.request.model': name, 'gen_ai.usage.input_tokens': 1_000_000, 'gen_ai.usage.output_tokens': 100_000, ...more })

  test('follows from model and tokens where spans do not say it', async ({ server }) => {
    await sendSpans(server, [usage('gpt-4.1-mini')])
    expect(await one(server)).toMatchObject({ cost: 0.4 + 0.16, unpriced: 0 })
    const [event] = server.events().filter(({ type }) => type === 'model')
    expect(event).toMatchObject({ cost: 0.4 + 0.16, costSource: 'computed' })
    const page = (await call(server, 'GET', `/api/events/${event?.id}/page`)).body as EventPage
    expect(page.pricing).toMatchObject({ source: 'computed', price: { id: 'gpt-4.1-mini', price: { input: 0.4, output: 1.6 } } })
  })

  test('is what a span says, also when that is nothing', async ({ server }) => {
    await sendSpans(server, [usage('gpt-4.1-mini', { 'gen_ai.usage.cost': 7 }), usage('gpt-4.1-mini', { 'gen_ai.usage.cost': 0 })])
    expect(await one(server)).toMatchObject({ cost: 7, unpriced: 0 })
    expect(server.events().map(({ costSource }) => costSource)).toEqual(['reported', 'reported'])
  })

  test('says how many calls have no known price', async ({ server }) => {
    await sendSpans(server, [usage('gpt-4.1-mini'), usage('my-own-model'), usage('another')])
    expect(await one(server)).toMatchObject({ cost: 0.4 + 0.16, unpriced: 2 })
    const [event] = server.events().filter(({ costSource }) => costSource === 'unknown')
    expect(((await call(server, 'GET', `/api/events/${event?.id}/page`)).body as EventPage).pricing).toEqual({
      source: 'unknown',
      price: null,
    })
  })

  test('takes the prices the user gave', async ({ start }) => {
    const server = await start({ prices: { 'my-*': { input: 2, output: 10 } } })
    await sendSpans(server, [usage('my-own-model')])
    expect(await one(server)).toMatchObject({ cost: 3, unpriced: 0 })
    await expect(start({ prices: { m: { input: -1 } } })).rejects.toThrow(/price of "m"/)
  })

  test('counts once what a wrapper repeats, priced or not', async ({ server }) => {
    const [traceId, root] = [newId(16), newId(8)]
    const wrap = (name: string): SpanInput => ({ ...usage(name, { honeyhive_event_type: 'chain' }), traceId, spanId: root })
    await sendSpans(server, [wrap('unknown-model')])
    expect(await one(server)).toMatchObject({ unpriced: 1 })
    await sendSpans(server, [{ ...usage('gpt-4.1-mini'), traceId, parentSpanId: root }])
    expect(await one(server)).toMatchObject({ cost: 0.4 + 0.16, unpriced: 0 })
  })
})

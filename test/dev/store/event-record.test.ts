import { describe, expect, it, vi } from 'vitest'
import type { PriceTable } from '../../../src/dev/prices/price-table.js'
import { createBody, type EventBody } from '../../../src/dev/store/event-body.js'
import {
  applyPatch,
  type EventRecord,
  mergeBodies,
  mergePatches,
  NO_SPAN,
  readCost,
  toBody,
  toContribution,
  toModel,
  toUser,
} from '../../../src/dev/store/event-record.js'

const toFilled = (body: Partial<EventBody>): EventBody => ({ ...createBody(), ...body })
const toEvent = (body: Partial<EventBody> = {}, more: Partial<EventRecord> = {}): EventRecord => ({
  ...NO_SPAN,
  projectId: 1,
  id: 'e',
  sessionId: 's',
  parentId: 's',
  type: 'model',
  name: 'ask',
  source: 'test',
  startMs: 1_000,
  endMs: 1_500,
  durationMs: 500,
  error: null,
  body: toFilled(body),
  ...more,
})

const NOTHING = {
  events: 0,
  modelEvents: 0,
  errors: 0,
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  cost: 0,
  unpriced: 0,
  hasFeedback: false,
}

/** A dollar for each token of input, two for one of output, three for one from a cache, four for one written to it. */
const PRICE = { id: 'm', source: 'test', price: { input: 1e6, output: 2e6, cacheRead: 3e6, cacheWrite: 4e6 } }
const prices = { find: vi.fn<PriceTable['find']>(({ model }) => (model === 'm' ? PRICE : undefined)) }

describe('toContribution', () => {
  it('counts an event, its tokens, its cost and whether somebody judged it', () => {
    const metadata = { prompt_tokens: 3, completion_tokens: 4 }
    const counted = { ...NOTHING, events: 1, promptTokens: 3, completionTokens: 4, totalTokens: 7 }
    expect(toContribution(toEvent({ metadata, config: { model: 'm' } }), prices)).toEqual({ ...counted, modelEvents: 1, cost: 11 })
    expect(toContribution(toEvent({ metadata }, { error: 'no' }), prices)).toEqual({ ...counted, modelEvents: 1, errors: 1, unpriced: 1 })
    expect(toContribution(toEvent({}, { type: 'tool' }), prices)).toEqual({ ...NOTHING, events: 1 })
    for (const [feedback, hasFeedback] of [
      [{ thumbs_up: null }, false],
      [{ thumbs_up: null, note: 'x' }, true],
    ] as const) {
      expect(toContribution(toEvent({ feedback }), prices).hasFeedback).toBe(hasFeedback)
      const session = toEvent({ feedback, metadata }, { type: 'session', error: 'no' })
      expect(toContribution(session, prices), 'a session only carries feedback').toEqual({ ...NOTHING, hasFeedback })
    }
  })

  it.each<[string, Partial<EventBody>, readonly [number, number, number]]>([
    ['names of other libraries', { metadata: { input_tokens: 5, output_tokens: 6 } }, [5, 6, 11]],
    ['metrics', { metrics: { prompt_tokens: '2', completion_tokens: 1 } }, [2, 1, 3]],
    ['the total alone', { metadata: { total_tokens: 9 } }, [0, 0, 9]],
    ['a total of its own', { metadata: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 9 } }, [1, 1, 9]],
    ['fractions', { metadata: { prompt_tokens: 1.6 } }, [2, 0, 2]],
    ['nothing, and then the other name', { metadata: { prompt_tokens: 0, input_tokens: 3, output_tokens: -1 } }, [3, 0, 3]],
    ['metadata before metrics', { metadata: { prompt_tokens: 1 }, metrics: { prompt_tokens: 2 } }, [1, 0, 1]],
  ])('reads tokens from %s', (_, body, [promptTokens, completionTokens, totalTokens]) => {
    expect(toContribution(toEvent(body), prices)).toMatchObject({ promptTokens, completionTokens, totalTokens })
  })
})

describe('readCost', () => {
  it.each<[string, Partial<EventBody>, number, string | null]>([
    ['metrics first', { metrics: { cost: 1 }, metadata: { cost: 2, total_cost: 3 } }, 1, 'reported'],
    ['metadata', { metadata: { cost: 2, total_cost: 3 } }, 2, 'reported'],
    ['metadata under its other name', { metadata: { total_cost: 3 } }, 3, 'reported'],
    ['what is nothing', { metrics: { cost: 0 }, metadata: { prompt_tokens: 5 }, config: { model: 'm' } }, 0, 'reported'],
    ['what is less than nothing', { metrics: { cost: -1 } }, 0, 'reported'],
    ['no tokens', { config: { model: 'm' } }, 0, null],
    ['tokens of an unknown model', { config: { model: 'x' }, metadata: { prompt_tokens: 5 } }, 0, 'unknown'],
    ['tokens of no model', { metadata: { prompt_tokens: 5 } }, 0, 'unknown'],
    ['input and output', { config: { model: 'm' }, metadata: { prompt_tokens: 5, completion_tokens: 2 } }, 9, 'computed'],
    [
      'the total, as input but for the output',
      { config: { model: 'm' }, metadata: { total_tokens: 5, completion_tokens: 2 } },
      7,
      'computed',
    ],
    ['a total that is too small', { config: { model: 'm' }, metadata: { total_tokens: 1, completion_tokens: 2 } }, 4, 'computed'],
    [
      'what came from caches',
      { config: { model: 'm' }, metadata: { prompt_tokens: 10, cache_read_input_tokens: 2, cache_write_input_tokens: 3 } },
      5 + 2 * 3 + 3 * 4,
      'computed',
    ],
  ])('is told by %s', (_, body, cost, source) => {
    expect(readCost(toEvent(body), prices)).toMatchObject({ cost, source })
  })

  it('asks for the model as it was called then, from whoever serves it', () => {
    const metadata = { prompt_tokens: 5, model_name: 'm', provider: 'there' }
    expect(readCost(toEvent({ metadata }), prices)).toMatchObject({ source: 'computed', price: PRICE })
    expect(prices.find).toHaveBeenLastCalledWith({ model: 'm', provider: 'there', atMs: 1_000 })
    readCost(toEvent({ metadata, config: { provider: 'here' } }), prices)
    expect(prices.find).toHaveBeenLastCalledWith({ model: 'm', provider: 'here', atMs: 1_000 })
    readCost(toEvent({ metadata: { prompt_tokens: 5, model_name: 'm' } }), prices)
    expect(prices.find).toHaveBeenLastCalledWith({ model: 'm', provider: null, atMs: 1_000 })
    expect(readCost(toEvent({ metadata }, { type: 'session' }), prices)).toEqual({ cost: 0, source: null })
  })
})

describe('toUser and toModel', () => {
  it('name who it is about, as well as an event tells', () => {
    expect(toUser(toFilled({ user_properties: { name: 'Zoë', email: 'z@x.example', user_id: 7 } }))).toBe('7')
    expect(toUser(toFilled({ user_properties: { name: 'Zoë', email: 'z@x.example' }, metadata: { userId: 'u' } }))).toBe('u')
    expect(toUser(toFilled({ user_properties: { name: 'Zoë', id: 'i' }, metadata: { user: 'u' } }))).toBe('i')
    for (const key of ['id', 'name', 'email']) {
      expect(toUser(toFilled({ metadata: { [key]: 'of something else' } }))).toBeNull()
      expect(toUser(toFilled({ user_properties: { [key]: 'it' } }))).toBe('it')
    }
    expect(toUser(toFilled({ user_properties: { user_id: '', user: 'x'.repeat(300) } }))).toBe('x'.repeat(200))
    expect(toModel(toFilled({ metadata: { model_name: 'a' } }))).toBe('a')
    expect(toModel(toFilled({ config: { model: 'b' }, metadata: { model_name: 'a' } }))).toBe('b')
    expect(toModel(createBody())).toBeNull()
  })
})

describe('patches', () => {
  it('are joined by key, the later one wins; outputs are replaced', () => {
    const first = { outputs: { a: 1 }, metadata: { a: 1, b: 1 }, metrics: { m: 1 }, duration: 5 }
    const second = { outputs: { b: 2 }, metadata: { b: 2 }, feedback: { note: 'x' } }
    const both = mergePatches(first, second)
    expect(both).toEqual({ outputs: { b: 2 }, metadata: { a: 1, b: 2 }, metrics: { m: 1 }, feedback: { note: 'x' }, duration: 5 })
    const event = toEvent({ outputs: { old: 0 }, metadata: { b: 0, c: 0 }, inputs: { kept: 1 } })
    expect(applyPatch(event, both)).toMatchObject({
      body: { outputs: { b: 2 }, metadata: { a: 1, b: 2, c: 0 }, metrics: { m: 1 }, feedback: { note: 'x' }, inputs: { kept: 1 } },
    })
    expect(applyPatch(event, {}).body).toEqual(event.body)
    expect(event.body.metadata).toEqual({ b: 0, c: 0 })
  })

  it.each([
    [{}, 1_500, 500],
    [{ duration: 40 }, 1_040, 40],
    [{ end_time: 3_000 }, 3_000, 2_000],
    [{ end_time: 500 }, 500, 0],
    [{ end_time: 3_000, duration: 40 }, 3_000, 40],
  ])('%j say when an event ended', (patch, endMs, durationMs) => {
    expect(applyPatch(toEvent(), patch)).toMatchObject({ endMs, durationMs })
  })
})

describe('bodies', () => {
  it('of the same event sent twice fill each other, the later one wins', () => {
    const merged = mergeBodies(toFilled({ inputs: { a: 1, b: 1 }, config: { x: 1 } }), toFilled({ inputs: { b: 2 }, metrics: { m: 1 } }))
    expect(merged).toEqual(toFilled({ inputs: { a: 1, b: 2 }, config: { x: 1 }, metrics: { m: 1 } }))
  })

  it('take objects, and lists of outputs; anything else is nothing', () => {
    const event = { inputs: ['a'], outputs: ['b'], config: 'c', metadata: null, metrics: { m: 1 }, other: { x: 1 } }
    expect(toBody(event)).toEqual(toFilled({ outputs: { value: ['b'] }, metrics: { m: 1 } }))
  })
})

import { describe, expect, test } from 'vitest'
import { enrichSpan, traceFn } from '../../src/index.js'
import { evaluate } from '../../src/experiments/index.js'
import { OFFLINE } from './backend.js'

const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ inputs: { i } }))

/** A model call that reports its tokens. */
const model = traceFn(
  undefined,
  function model(tokens: number): number {
    enrichSpan({ metadata: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens } })
    return tokens
  },
  { eventType: 'model', eventName: 'model' },
)

describe('rows that stay in this process', () => {
  test('are recorded from the row on in which something is, late as it may be', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(60),
      maxConcurrency: 1,
      function: ({ inputs }) => (inputs.i < 40 ? 0 : model(inputs.i)),
      evaluators: {
        seen: (_outputs, _inputs, _truth, { trace }) => trace.findAll('model').length,
        roots: (_outputs, _inputs, _truth, { trace }) => trace.roots.length,
      },
    })
    const seen = result.rows.map((row) => row.scores.seen)
    expect(seen).toEqual([...Array.from({ length: 40 }, () => 0), ...Array.from({ length: 20 }, () => 1)])
    expect(result.rows.map((row) => row.scores.roots)).toEqual(seen)
    expect(result.rows.map((row) => row.tokens.total)).toEqual(rows(60).map(({ inputs: { i } }) => (i < 40 ? 0 : i)))
  })

  test('tell what judges spend from what the function does, in the first such row too', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(40),
      maxConcurrency: 1,
      function: ({ inputs }) => (inputs.i === 30 ? model(5) : 0),
      evaluators: { judge: (_outputs: unknown, inputs: { i: number }) => (inputs.i >= 30 ? model(7) : 0) },
    })
    expect(result).toMatchObject({ tokens: { total: 5 }, judges: { tokens: { total: 70 } } })
    expect(result.rows[30]).toMatchObject({ tokens: { total: 5 }, judges: { tokens: { total: 7 } } })
  })

  test('have a span to add to once the tracer was asked for, or a span of ours was added to', async () => {
    for (const add of [
      (tracer: () => { enrichSpan: typeof enrichSpan }) => tracer().enrichSpan({ metadata: { a: 1 } }),
      () => enrichSpan({ metadata: { a: 1 } }),
    ]) {
      const added: boolean[] = []
      await evaluate({
        ...OFFLINE,
        dataset: rows(30),
        maxConcurrency: 3,
        function: (_row, context) => added.push(add(() => context.tracer)),
      })
      expect(added).toEqual(Array.from({ length: 30 }, () => true))
    }
  })

  test('all have a session of their own, recorded or not', async () => {
    const sessions = new Set<string>()
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(30),
      function: async (_row, { tracer }) => {
        await new Promise(setImmediate)
        sessions.add(tracer.sessionId)
        return tracer.sessionId
      },
    })
    expect(sessions.size).toBe(30)
    expect(result.rows.every((row) => row.outputs === row.sessionId)).toBe(true)
  })

  test('leave turns to timers and signals, also when they wait for nothing', async () => {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), 1)
    const result = await evaluate({
      ...OFFLINE,
      dataset: (function* () {
        for (let i = 0; i < 200_000; i += 1) yield { inputs: { i } }
      })(),
      signal: stop.signal,
      function: async () => 1,
    })
    clearTimeout(timer)
    expect(result.status).toBe('cancelled')
  })

  test('of a processor of the program are all recorded', async () => {
    let ended = 0
    const none = (): Promise<void> => Promise.resolve()
    const onEnd = (): void => {
      ended += 1
    }
    await evaluate({
      ...OFFLINE,
      dataset: rows(30),
      function: () => 1,
      evaluators: { one: () => 1 },
      tracerOptions: { spanProcessors: [{ onStart: () => undefined, onEnd, forceFlush: none, shutdown: none }] },
    })
    expect(ended).toBe(60)
  })
})

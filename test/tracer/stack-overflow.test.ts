import type { Span } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

/** Programs that never come to an end, and record on every level. */
const endless: Record<string, (tracer: HoneyHiveTracer) => () => unknown> = {
  'a traced function that calls itself': (tracer) => {
    const f: (n: number) => number = traceFn(tracer, (n: number): number => f(n + 1))
    return () => f(0)
  },
  'a traced function at each level of another': (tracer) => {
    const leaf = traceFn(tracer, (value: object) => value)
    const f = (n: number): number => {
      leaf({ n, token: 'Bearer abcdefghijklmnop', list: [n, { n }] })
      return f(n + 1)
    }
    return () => f(0)
  },
  'spans by hand': (tracer) => {
    const f = (n: number): void => {
      const span = tracer.startSpan('by hand', { inputs: { n } })
      f(n + 1)
      span.end()
    }
    return () => f(0)
  },
  'active spans': (tracer) => {
    const f = (n: number): number => tracer.startActiveSpan('active', () => f(n + 1))
    return () => f(0)
  },
  'spans of a library': (tracer) => {
    const library = tracer.provider.getTracer('library')
    const f = (n: number): number =>
      library.startActiveSpan('of a library', (span: Span) => {
        try {
          return f(n + 1)
        } finally {
          span.end()
        }
      })
    return () => f(0)
  },
  'a traced generator': (tracer) => {
    const f: (n: number) => Generator<number> = traceFn(tracer, function* (n: number): Generator<number> {
      yield* f(n + 1)
    })
    return () => [...f(0)]
  },
}

/** Runs `work` with the stack a little shallower each time, so that it ends in another place. */
function runAtDepth(depth: number, work: () => unknown): unknown {
  return depth === 0 ? work() : runAtDepth(depth - 1, work)
}

const sinks: Record<string, () => HoneyHiveTracer | TestTracer> = {
  server: () =>
    HoneyHiveTracer.init({
      apiKey: 'key',
      serverUrl: 'http://127.0.0.1:9',
      skipSessionCreation: true,
      logger: { debug() {}, warn() {}, error() {} },
    }),
  memory: () => createTestTracer(),
}

describe.each(Object.keys(sinks))('a stack that is used up, with spans for the %s', (sink) => {
  it.each(Object.keys(endless))('by %s: the error of the host, and every span is ended and counted', async (name) => {
    for (let round = 0; round < 2; round++) {
      const tracer = sinks[sink]?.() as HoneyHiveTracer
      const run = endless[name]?.(tracer) ?? (() => undefined)
      expect(() => runAtDepth(round * 7, run)).toThrow(RangeError)
      await tracer.shutdown(1)
      const { started, ended, open, pending, exported, dropped } = tracer.stats()
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      expect({ open, pending, unaccounted: ended - exported - lost }).toEqual({ open: 0, pending: 0, unaccounted: 0 })
      expect(started).toBeGreaterThan(50)
    }
  })
})

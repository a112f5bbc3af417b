import type { Span } from '@opentelemetry/api'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { cutShort } from '../../src/provider/cut-short.js'
import { GuardedSpan } from '../../src/provider/guarded-span.js'
import { SpanStats } from '../../src/export/stats.js'
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

describe('a call of our own that finds no room on the stack', () => {
  const noRoom = () => new RangeError('Maximum call stack size exceeded')

  /** Fails one call of `of[name]`, the one that comes `nth`. */
  function failNth<K extends string>(of: Record<K, unknown>, name: K, nth: number): () => boolean {
    const real = of[name] as (...args: unknown[]) => unknown
    let calls = 0
    of[name] = function (this: unknown, ...args: unknown[]) {
      if (++calls === nth) throw noRoom()
      return real.apply(this, args)
    }
    return () => {
      of[name] = real
      return calls >= nth
    }
  }

  const places: Record<string, [Record<string, unknown>, string]> = {
    'the record of a span': [GuardedSpan as unknown as Record<string, unknown>, 'recordOf'],
    'the count of its start': [SpanStats.prototype as unknown as Record<string, unknown>, 'started'],
  }

  it.each(Object.keys(places))('leaves no span open: %s', async (place) => {
    const [of, name] = places[place] as (typeof places)[string]
    let nth = 1
    for (let wasReached = true; wasReached; nth++) {
      const tracer = createTestTracer()
      const call = traceFn(tracer, (n: number) => n + 1)
      const undo = failNth(of, name, nth)
      try {
        expect(call(1)).toBe(2)
      } catch (error) {
        // Where the scope of the call cannot be entered the host's call fails, as it would a little deeper.
        expect(error).toBeInstanceOf(RangeError)
      } finally {
        wasReached = undo()
      }
      await setImmediate()
      const { open, oldestOpen } = tracer.stats()
      expect({ nth, open, oldestOpen }).toEqual({ nth, open: 0, oldestOpen: undefined })
      await tracer.shutdown()
    }
    expect(nth).toBeGreaterThan(2)
  })

  it('is made up for by the next span that ends, of whichever tracer', async () => {
    const [tracer, other] = [createTestTracer(), createTestTracer()]
    const span = tracer.startSpan('cut short')
    cutShort.first = { span, endTime: undefined, next: undefined }
    other.startSpan('next').end()
    await Promise.resolve()
    expect(cutShort.first).toBeUndefined()
    expect(tracer.stats()).toMatchObject({ open: 0, started: 1, ended: 1 })
    await Promise.all([tracer.shutdown(), other.shutdown()])
  })
})

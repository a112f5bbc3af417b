import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { context, trace, type TracerProvider } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect } from 'vitest'
import { bindScope, getActiveTracer, trace as traced, traceFn } from '../../src/index.js'
import type { TestTracer } from '../../src/testing/index.js'
import { tracerTest as test } from '../fixtures/tracer.js'

afterEach(() => {
  trace.disable()
  context.disable()
})

/** What a limiter with one place does: each task runs in the context of the one that ran before it. */
class Line {
  readonly #tasks: (() => unknown)[] = []
  #isRunning = false

  add(task: () => unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#tasks.push(async () => {
        await task()
        resolve()
      })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) await task()
    this.#isRunning = false
  }
}

const step = traced({ eventName: 'step' })(async () => {
  await Promise.resolve()
  // A span of an instrumentor, which goes to whoever is active.
  library?.getTracer('library').startActiveSpan('model', (span) => span.end())
})
let library: TracerProvider | undefined

/** Requests of two tracers, interleaved, that give their work to one line. */
async function runRequests(tracers: readonly TestTracer[], bind: (tracer: TestTracer, fn: () => unknown) => () => unknown): Promise<void> {
  const line = new Line()
  library = tracers[0]?.provider
  const request = (tracer: TestTracer, number: number): Promise<void> =>
    tracer.withSession({ sessionName: `request ${number}` }, () =>
      tracer.startActiveSpan(`request ${number}`, () => line.add(bind(tracer, () => step()))),
    )
  await Promise.all(Array.from({ length: 20 }, (_, i) => request(tracers[i % tracers.length] as TestTracer, i)))
}

const requestTrees = (remainder: number): unknown =>
  Array.from({ length: 10 }, (_, i) => ({
    name: `request ${2 * i + remainder}`,
    children: [{ name: 'step', children: [{ name: 'model' }] }],
  }))
const sessionsOf = ({ spans }: TestTracer): Set<unknown> => new Set(spans.map(({ attributes }) => attributes['honeyhive.session_id']))

test('without it the work is recorded where the queue runs it', async ({ createTracer }) => {
  const [a, b] = [createTracer(), createTracer()]
  await runRequests([a, b], (_, fn) => fn)
  expect(a.spans.filter(({ name }) => name === 'step')).toHaveLength(20)
  expect(b.spans.filter(({ name }) => name === 'step')).toHaveLength(0)
})

for (const [name, bind] of [
  ['tracer.bind', (tracer: TestTracer, fn: () => unknown) => tracer.bind(fn)],
  ['bindScope', (_: TestTracer, fn: () => unknown) => bindScope(fn)],
] as const) {
  describe(name, () => {
    test('keeps the work of two tracers apart that share a queue, and where it belongs', async ({ createTracer }) => {
      const [a, b] = [createTracer(), createTracer()]
      await runRequests([a, b], bind)
      expect([a.tree(), b.tree()]).toEqual([requestTrees(0), requestTrees(1)])
      expect([sessionsOf(a).size, sessionsOf(b).size]).toEqual([10, 10])
    })

    test('does so beside an SDK of the application, and leaves its context to the queue', async ({ createTracer }) => {
      const exporter = new InMemorySpanExporter()
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
      const host = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
      trace.setGlobalTracerProvider(host)
      const [a, b] = [createTracer(), createTracer()]
      const app = host.getTracer('app')
      const seen: boolean[] = []
      await app.startActiveSpan('worker', async (worker) => {
        await runRequests([a, b], (tracer, fn) =>
          bind(tracer, () => {
            seen.push(trace.getActiveSpan() === worker)
            return fn()
          }),
        )
        worker.end()
      })
      expect([a.tree(), b.tree()]).toEqual([requestTrees(0), requestTrees(1)])
      expect([sessionsOf(a).size, sessionsOf(b).size]).toEqual([10, 10])
      expect(seen).toEqual(Array.from({ length: 20 }, () => true))
      expect(exporter.getFinishedSpans().map((span) => span.name)).toEqual(['worker'])
    })

    test('changes nothing else about the function', async ({ tracer }) => {
      const failure = new TypeError('no')
      function scale(this: { factor: number }, value: number, ...rest: number[]): number[] {
        if (value < 0) throw failure
        return [value * this.factor, ...rest]
      }
      const fn = Object.assign(scale, { note: 'kept' })
      const bound = bind(tracer, fn as never) as unknown as typeof fn
      expect([bound.name, bound.length, bound.note]).toEqual(['scale', 1, 'kept'])
      expect(bound.call({ factor: 2 }, 3, 4, 5)).toEqual([6, 4, 5])
      expect(() => bound.call({ factor: 2 }, -1)).toThrow(failure)
      const result = { an: 'object' }
      expect(bind(tracer, () => result)()).toBe(result)
      const promise = Promise.resolve(result)
      expect(bind(tracer, () => promise)()).toBe(promise)
      await expect(bind(tracer, async () => Promise.reject(failure))() as Promise<never>).rejects.toBe(failure)
      class Job {
        readonly tracer = getActiveTracer()
      }
      const job = new (bind(tracer, Job as never) as never as typeof Job)()
      expect(job).toBeInstanceOf(Job)
      expect(tracer.stats().started).toBe(0)
      for (const value of [undefined, null, 'text', {}]) expect(bind(tracer, value as never)).toBe(value)
    })

    test('runs the steps of generators where they were bound, and lets them be', async ({ createTracer }) => {
      const [a, b] = [createTracer(), createTracer()]
      const seen: unknown[] = []
      const look = (): void => void seen.push(getActiveTracer())
      const [one, other] = a.startActiveSpan('request', () => [
        bind(a, function* () {
          look()
          try {
            const given: unknown = yield 1
            look()
            return given
          } finally {
            look()
          }
        } as never) as unknown as () => Generator<number, unknown, string>,
        bind(a, async function* () {
          look()
          yield 1
          await Promise.resolve()
          look()
        } as never) as unknown as () => AsyncGenerator<number>,
      ])
      await b.startActiveSpan('queue', async () => {
        const iterator = one()
        expect([iterator.next(), iterator.next('given')]).toEqual([
          { done: false, value: 1 },
          { done: true, value: 'given' },
        ])
        const items: number[] = []
        for await (const item of other()) items.push(item)
        expect(items).toEqual([1])
        expect(getActiveTracer()).toBe(b)
      })
      expect(seen).toEqual([a, a, a, a, a])
      expect([a.stats().started, b.stats().started]).toEqual([1, 1])
    })

    test('binds listeners of an emitter, which can be taken off again', ({ createTracer }) => {
      const [a, b] = [createTracer(), createTracer()]
      const emitter = new EventEmitter()
      const seen: unknown[] = []
      const listener = a.startActiveSpan('request', () =>
        bind(a, function (this: unknown, value: number) {
          seen.push([this === emitter, value])
          traceFn(undefined, () => undefined, { eventName: 'heard' })()
        } as never),
      ) as (value: number) => void
      emitter.on('event', listener)
      b.startActiveSpan('other', () => emitter.emit('event', 7))
      emitter.off('event', listener)
      emitter.emit('event', 8)
      expect(seen).toEqual([[true, 7]])
      expect([a.tree(), b.tree()]).toEqual([[{ name: 'request', children: [{ name: 'heard' }] }], [{ name: 'other' }]])
    })

    test('leads to nobody else once its tracer is shut down', async ({ createTracer }) => {
      const [a, b] = [createTracer({ logger: silent }), createTracer()]
      const bound = a.startActiveSpan('request', () => bind(a, () => step()))
      await a.shutdown()
      await b.startActiveSpan('queue', () => bound() as Promise<void>)
      expect([a.tree(), b.tree()]).toEqual([[{ name: 'request' }], [{ name: 'queue' }]])
      expect(a.stats().dropped.afterShutdown).toBeGreaterThan(0)
    })
  })
}

const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }

describe('what is innermost in a bound function', () => {
  test('is the tracer whose bind it is, in its session, with the others further out', ({ createTracer }) => {
    const [a, b] = [createTracer(), createTracer()]
    const inside = (): unknown[] => [getActiveTracer(), a.sessionId, b.sessionId]
    let expected: unknown[] = []
    const bound = a.withSession({ sessionName: 'of a' }, () =>
      b.withSession({ sessionName: 'of b' }, () => {
        expected = [a.sessionId, b.sessionId]
        return [a.bind(inside), b.bind(inside), bindScope(inside)]
      }),
    )
    expect(bound.map((fn) => fn())).toEqual([
      [a, ...expected],
      [b, ...expected],
      [b, ...expected],
    ])
  })

  test('is nobody where nobody was', async ({ createTracer }) => {
    const [a] = [createTracer(), createTracer()]
    const bound = bindScope(() => getActiveTracer())
    expect(a.startActiveSpan('queue', bound)).toBeUndefined()
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    const later = bindScope(() => [getActiveTracer(), trace.getActiveSpan()])
    expect(a.startActiveSpan('queue', later)).toEqual([undefined, undefined])
  })

  test('is the span that an instrumentor made active, which no scope of ours knows', ({ createTracer }) => {
    const [a, b] = [createTracer(), createTracer()]
    const library = a.provider.getTracer('library')
    const chain = library.startSpan('chain')
    const run = (): void => library.startSpan('model').end()
    const bound = context.with(trace.setSpan(context.active(), chain), () => [bindScope(run), a.bind(run), AsyncResource.bind(run)])
    chain.end()
    b.startActiveSpan('queue', () => {
      for (const fn of bound) fn()
    })
    expect([a.tree(), b.tree()]).toEqual([
      [{ name: 'chain', children: [{ name: 'model' }, { name: 'model' }, { name: 'model' }] }],
      [{ name: 'queue' }],
    ])
  })
})

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HoneyHiveTracer, traceFn, type TraceOptions, type TracerOptions } from '../src/index.js'
import { HoneyHiveSpanProcessor } from '../src/integrations/otel.js'
import { silenceMade, silencePromise } from '../src/promises.js'
import { createTestTracer } from '../src/testing/index.js'

let unhandled: unknown[]
const note = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled = []
  process.on('unhandledRejection', note)
})
afterEach(() => process.off('unhandledRejection', note))

/** What a database does that is down. */
const fails = async (): Promise<never> => {
  throw new Error('db down')
}
/** Rejections are told after the microtasks of a turn. */
const settle = async (): Promise<void> => {
  await nextTurn()
  await nextTurn()
}

describe('what users give as a function that answers at once, written as an async one', () => {
  const quiet = { onStart: () => undefined, onEnd: () => undefined, forceFlush: async () => undefined, shutdown: async () => undefined }
  const failing = fails as never

  test.each<[string, TracerOptions, RegExp | undefined]>([
    ['onStart', { spanProcessors: [{ ...quiet, onStart: failing } as SpanProcessor] }, /onStart of a span processor .* failed with Error/],
    [
      'onEnding',
      { spanProcessors: [{ ...quiet, onEnding: failing } as SpanProcessor] },
      /onEnding of a span processor .* failed with Error/,
    ],
    ['onEnd', { spanProcessors: [{ ...quiet, onEnd: failing } as SpanProcessor] }, /onEnd of a span processor .* failed with Error/],
    ['spanFilter', { spanFilter: failing }, /span filter gave a promise; the span is kept/],
    ['sampler', { sampler: { shouldSample: failing, toString: () => 's' } }, /sampler gave a promise; the span is kept/],
    ['idGenerator', { idGenerator: { generateTraceId: failing, generateSpanId: failing } }, undefined],
    ['resourceDetectors', { resourceDetectors: [{ detect: failing }] }, undefined],
    ['onDrop', { onDrop: failing, spanFilter: () => false }, undefined],
  ])('%s: a rejection is told, costs no span and does not end the process', async (name, options, line) => {
    const lines: string[] = []
    const warn = (text: string): void => void lines.push(text)
    const tracer = createTestTracer({ logger: { debug: () => undefined, warn, error: warn }, ...options })
    traceFn(tracer, (text: string) => text, { eventName: 'step' })('host')
    await tracer.shutdown()
    await settle()
    expect(unhandled).toEqual([])
    expect(tracer.spans.map((span) => span.name)).toEqual(name === 'onDrop' ? [] : ['step'])
    if (line !== undefined) expect(lines.join('\n')).toMatch(line)
  })

  test('exporter.export: its spans are lost at once, for the reason it has', async () => {
    const details: string[] = []
    const tracer = HoneyHiveTracer.init({
      apiKey: 'key-of-this-test',
      serverUrl: 'http://127.0.0.1:1',
      skipSessionCreation: true,
      exporter: { export: failing, shutdown: async () => undefined },
      onDrop: ({ detail }) => void details.push(detail),
    })
    tracer.startSpan('step').end()
    expect(await tracer.forceFlush(5_000)).toBe(false)
    await settle()
    expect([unhandled, details]).toEqual([[], ['the exporter threw: Error']])
    await tracer.shutdown()
  })

  test('agent: its failure is that of an agent that is none', async () => {
    const tracer = HoneyHiveTracer.init({
      apiKey: 'key-of-this-test',
      serverUrl: 'http://127.0.0.1:1',
      skipSessionCreation: true,
      agent: failing,
      batch: { retryBudgetMs: 1 },
    })
    tracer.startSpan('step').end()
    await tracer.forceFlush(5_000)
    await tracer.shutdown(1)
    await settle()
    expect(unhandled).toEqual([])
  })

  test.each<[string, TraceOptions]>([
    ['inputs', { inputs: failing }],
    ['outputs', { outputs: failing }],
    ['redact', { redact: failing }],
  ])('%s of a wrapper: the call is recorded without them', async (name, options) => {
    const lines: string[] = []
    const warn = (text: string): void => void lines.push(text)
    const tracer = createTestTracer({ logger: { debug: () => undefined, warn, error: warn } })
    expect(traceFn(tracer, (text: string) => text, { eventName: 'step', ...options })('host')).toBe('host')
    await settle()
    expect([unhandled, tracer.spans.length]).toEqual([[], 1])
    expect(JSON.stringify(tracer.spans[0]?.attributes)).not.toContain('[Promise]')
    if (name !== 'redact') expect(lines.join('\n')).toContain(`the function given as "${name}" gave a promise, but must answer at once`)
    await tracer.shutdown()
  })

  test('the function form of tracer: the call runs untraced', async () => {
    expect(traceFn(failing, (text: string) => text, { eventName: 'late' })('host')).toBe('host')
    await settle()
    expect(unhandled).toEqual([])
  })

  test.each(['filter', 'route'])('%s of HoneyHiveSpanProcessor: the span is not copied', async (option) => {
    const tracer = createTestTracer()
    const processor = new HoneyHiveSpanProcessor({ tracer, [option]: failing })
    new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('host').startSpan('chat').end()
    await settle()
    expect([unhandled, tracer.spans]).toEqual([[], []])
    await tracer.shutdown()
  })
})

describe('promises that come to be because a value is looked at', () => {
  const named = (name: string, fields: object): object =>
    Object.defineProperty(Object.defineProperties({}, Object.getOwnPropertyDescriptors(fields)), Symbol.toStringTag, { value: name })
  const lazyItem = (): unknown[] => Object.defineProperty([1, 2], 0, { get: fails, enumerable: true, configurable: true })

  test.each<[string, () => unknown]>([
    [
      'a getter',
      () => ({
        get lazy() {
          return fails()
        },
      }),
    ],
    ['an item of a list', lazyItem],
    ['an item of a list that is cut before it', () => [Array.from({ length: 500_000 }, () => ({})), lazyItem()]],
    ['a trap of a Proxy', () => new Proxy({ a: 1 }, { get: fails })],
    ['a trap of a Proxy of a list', () => new Proxy([1], { get: (target, key) => (key === '0' ? fails() : Reflect.get(target, key)) })],
    [
      'a request',
      () =>
        named('Request', {
          get url() {
            return fails()
          },
          get headers() {
            return fails()
          },
        }),
    ],
    ['an async toJSON', () => ({ toJSON: fails })],
  ])('%s: does not end the process when it rejects', async (_, make) => {
    const tracer = createTestTracer()
    traceFn(tracer, (given: unknown) => given !== undefined, { eventName: 'step', argNames: ['given'] })(make())
    await settle()
    expect([unhandled, tracer.spans.length]).toEqual([[], 1])
    await tracer.shutdown()
  })

  test.each(['cause', 'code', 'stack', 'errors'])('%s of an error: does not end the process when it rejects', async (field) => {
    const tracer = createTestTracer()
    const error = Object.defineProperty(new Error('m'), field, { get: fails })
    const call = traceFn(tracer, () => Promise.reject(error), { eventName: 'step' })
    expect(await call().then(undefined, (thrown: unknown) => thrown === error)).toBe(true)
    await settle()
    expect([unhandled, tracer.spans.length]).toEqual([[], 1])
    await tracer.shutdown()
  })

  test('getters among what calls after init are given', async () => {
    const tracer = createTestTracer()
    tracer.startActiveSpan(
      'step',
      {
        get metadata() {
          return fails() as never
        },
      },
      (span) => {
        tracer.enrichSpan({
          get metadata() {
            return fails() as never
          },
        })
        span.setAttributes({
          get lazy() {
            return fails() as never
          },
        })
      },
    )
    tracer.withRemoteContext(
      {
        get traceparent() {
          return fails() as never
        },
      },
      () => undefined,
    )
    tracer.withSession(
      {
        get sessionName() {
          return fails() as never
        },
      },
      () => undefined,
    )
    await settle()
    expect(unhandled).toEqual([])
    await tracer.shutdown()
  })

  test('a promise of the host itself is left alone: its rejection is told as ever', async () => {
    const tracer = createTestTracer()
    const call = traceFn(tracer, (given: unknown) => given !== undefined, { eventName: 'step', argNames: ['given'] })
    call([fails()])
    call({ stored: fails() })
    call(new Map([['stored', fails()]]))
    call(Object.assign(new Error('m'), { cause: fails() }))
    traceFn(tracer, (given: unknown) => given, { eventName: 'step', inputs: (given: unknown) => given as object })(fails())
    tracer.startActiveSpan('step', { inputs: fails() as never }, () => undefined)
    await settle()
    expect(unhandled).toHaveLength(6)
    await tracer.shutdown()
  })
})

describe('silencePromise', () => {
  test('knows promises, also those of a subclass that refuses, and tells of the rejection', async () => {
    class Refusing<T> extends Promise<T> {
      static override get [Symbol.species](): never {
        throw new Error('species')
      }
    }
    const told: unknown[] = []
    const error = new Error('e')
    expect([undefined, null, 5, {}, () => undefined, { then: () => undefined }].map((value) => silencePromise(value))).not.toContain(true)
    expect(silencePromise(Promise.reject(error), (reason) => void told.push(reason))).toBe(true)
    expect(silencePromise(Refusing.resolve())).toBe(true)
    await settle()
    expect([told, unhandled]).toEqual([[error], []])
  })
})

describe('silenceMade', () => {
  test('leaves a promise alone that is stored, on a prototype too, and copes with holders that throw or never end', async () => {
    const stored = fails()
    silenceMade(Object.create({ stored }) as object, 'stored', stored)
    const refusing = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('trap')
        },
      },
    )
    silenceMade(refusing, 'made', fails())
    const endless: object = new Proxy({}, { getPrototypeOf: () => endless })
    silenceMade(endless, 'made', fails())
    await settle()
    expect(unhandled).toHaveLength(1)
  })
})

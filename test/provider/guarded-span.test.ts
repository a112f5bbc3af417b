import { inspect } from 'node:util'
import { context, diag, type HrTime, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, onTestFinished } from 'vitest'
import type { TestTracer } from '../../src/testing/index.js'
import { hostileValues } from '../fixtures/hostile.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const SECRET = 'sk-very-secret'
const only = ({ spans }: TestTracer): ReadableSpan => {
  expect(spans.length).toBe(1)
  return spans[0] as ReadableSpan
}

describe('a proxy around a span', () => {
  test('works as the span does, and what starts inside of it is its child', ({ tracer }) => {
    const library = tracer.provider.getTracer('library')
    const span = library.startSpan('model')
    const proxy = new Proxy(span, {})
    proxy.setAttribute('a', 1).setAttributes({ b: 2 }).addEvent('event').updateName('renamed')
    proxy.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' })
    proxy.recordException(new Error('no'))
    context.with(trace.setSpan(context.active(), proxy), () => library.startSpan('inside').end())
    expect([proxy.isRecording(), proxy.spanContext()]).toEqual([true, span.spanContext()])
    proxy.end()
    expect([proxy.isRecording(), span.isRecording()]).toEqual([false, false])
    expect(tracer.tree()).toEqual([{ name: 'renamed', children: [{ name: 'inside' }] }])
    const ended = tracer.spans.find(({ name }) => name === 'renamed')
    expect(ended?.attributes).toMatchObject({ a: 1, b: 2 })
    expect(ended?.events.map(({ name }) => name)).toEqual(['event', 'exception'])
    expect(ended?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'failed' })
  })

  test('may be one that hides and adds members', ({ tracer }) => {
    const span = tracer.startSpan('own')
    const proxy = new Proxy(span, { get: (target, key) => (key === 'extra' ? 7 : Reflect.get(target, key, target)) })
    expect([(proxy as Span & { extra: number }).extra, proxy.spanContext().spanId]).toEqual([7, span.spanContext().spanId])
    proxy.end()
    expect(tracer.tree()).toEqual([{ name: 'own' }])
  })
})

describe('the links a span starts with', () => {
  test('are those that can be read, in their order', ({ tracer }) => {
    const linked = (spanId: string) => ({ context: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId, traceFlags: 1 } })
    const given = [linked('b7ad6b7169203331'), null, { context: 'none' }, linked('b7ad6b7169203332')] as never
    tracer.startSpan('own', { links: given }).end()
    expect(only(tracer).links.map((link) => link.context.spanId)).toEqual(['b7ad6b7169203331', 'b7ad6b7169203332'])
  })
})

describe('the methods of a span', () => {
  const calls: Readonly<Record<string, (span: Span, value: never) => unknown>> = {
    setAttribute: (span, value) => span.setAttribute('key', value),
    'name of setAttribute': (span, value) => span.setAttribute(value, 1),
    setAttributes: (span, value) => span.setAttributes(value),
    addEvent: (span, value) => span.addEvent(value, value, value),
    addLink: (span, value) => span.addLink(value),
    addLinks: (span, value) => span.addLinks(value),
    setStatus: (span, value) => span.setStatus(value),
    updateName: (span, value) => span.updateName(value),
    recordException: (span, value) => span.recordException(value, value),
    end: (span, value) => span.end(value),
  }
  for (const [name, call] of Object.entries(calls)) {
    test(`${name} throws at nothing it is given, and the span arrives`, ({ tracer }) => {
      const values = hostileValues.filter(({ heavy }) => heavy !== true)
      for (const { make } of values) {
        const span = tracer.startSpan('own')
        expect(() => call(span, make() as never)).not.toThrow()
        span.end()
      }
      expect(tracer.spans.length).toBe(values.length)
    })
  }

  test('say of a write after the end where it was, to the diagnostics of OpenTelemetry', ({ tracer }) => {
    const told: unknown[][] = []
    const silent = (): void => undefined
    const logger = { error: silent, info: silent, debug: silent, verbose: silent, warn: (...said: unknown[]) => void told.push(said) }
    diag.setLogger(logger, { suppressOverrideMessage: true })
    onTestFinished(() => diag.disable())
    const span = tracer.otelTracer.startSpan('own')
    span
      .setAttribute('a', 1)
      .setStatus({ code: SpanStatusCode.UNSET })
      .updateName(1 as never)
    span.end()
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    const late: Readonly<Record<string, () => unknown>> = {
      setAttribute: () => span.setAttribute('a', 1),
      setAttributes: () => span.setAttributes({ a: 1 }),
      addEvent: () => span.addEvent('late'),
      addLink: () => span.addLink({ context }),
      addLinks: () => span.addLinks([{ context }]),
      setStatus: () => span.setStatus({ code: SpanStatusCode.OK }),
      updateName: () => span.updateName('late'),
      recordException: () => span.recordException(new Error('late')),
    }
    expect(told).toEqual([])
    for (const write of Object.values(late)) write()
    expect(told.length).toBe(Object.keys(late).length)
    for (const [message, error] of told) {
      expect(message).toMatch(/^Cannot execute the operation on ended Span Span\(own [0-9a-f]{16}\)$/)
      expect((error as Error).stack).toContain('guarded-span.test.ts')
    }
    logger.warn = () => {
      throw new Error('logger')
    }
    for (const write of Object.values(late)) expect(write).not.toThrow()
  })

  test.for<[string, unknown]>([
    ['a number', 1],
    ['null', null],
    ['undefined', undefined],
    ['an empty text', ''],
    ['a symbol', Symbol('s')],
    ['an object that says nothing of the kind', { foo: 'bar' }],
    ['an object with a stack alone', { stack: 'at x' }],
    ['a list', ['a', 'b']],
    ['an object with other types in the fields', { code: 0, name: {}, message: 5 }],
  ])('record no exception of %s, as the SDK, and say so; thrown out of a traced function it is recorded', ([, value], { tracer }) => {
    const told: unknown[] = []
    const silent = (): void => undefined
    diag.setLogger({ error: silent, info: silent, debug: silent, verbose: silent, warn: (said) => void told.push(said) })
    onTestFinished(() => diag.disable())
    expect.assertions(4)
    try {
      tracer.startActiveSpan('own', (span) => {
        span.recordException(value as never)
        expect(told).toEqual([expect.stringContaining('Failed to record an exception')])
        throw value
      })
    } catch (thrown) {
      expect(thrown).toBe(value)
    }
    expect(only(tracer).events.map(({ name }) => name)).toEqual(['exception'])
  })

  test('record an exception with its code as the type, and no second time in the stack', ({ tracer }) => {
    const span = tracer.startSpan('own')
    span.recordException({ code: 'E_X', message: 'boom', stack: 'at x' })
    const failed = Object.assign(new Error('open failed', { cause: new Error('because') }), { code: 'ENOENT', errno: -2 })
    span.recordException(failed)
    span.end()
    const [given, ofNode] = only(tracer).events.map(({ attributes = {} }) => attributes)
    expect(given).toEqual({ 'exception.type': 'E_X', 'exception.message': 'boom', 'exception.stacktrace': 'at x' })
    expect(ofNode?.['exception.type']).toBe('ENOENT')
    expect(ofNode?.['exception.stacktrace']).toMatch(/errno: -2[\s\S]*\[cause\]: Error: because/)
    expect(ofNode?.['exception.stacktrace']).not.toContain("code: 'ENOENT'")
  })

  test('write nothing after the end, and a second end changes nothing', ({ tracer }) => {
    const span = tracer.startSpan('own')
    span.end([100, 0])
    span.setAttribute('late', 1).updateName('late').addEvent('late').end([200, 0])
    expect(only(tracer)).toMatchObject({ name: 'own', events: [] })
    expect(only(tracer).attributes).not.toHaveProperty('late')
  })

  test('leave what the span shows as it is at a second end', ({ tracer }) => {
    const span = tracer.otelTracer.startSpan('own', { attributes: { a: 1 } }) as Span & ReadableSpan
    span.end([2_000_000_000, 0])
    span.end([2_100_000_000, 0])
    expect(span).toMatchObject({ name: 'own', endTime: [2_000_000_000, 0], attributes: { a: 1 } })
    expect(only(tracer)).toMatchObject({ endTime: [2_000_000_000, 0] })
  })

  test('take what says whose a span is from nobody, at the start neither, and no attribute without a name', ({ tracer }) => {
    const names = ['session_id', 'session_auto_create', 'session_name', 'project', 'source', 'parent_id'].map((name) => `honeyhive.${name}`)
    const forged = Object.fromEntries(['', ...names].map((name) => [name, 'forged']))
    const span = tracer.provider.getTracer('library').startSpan('model', { attributes: { ...forged, kept: 1 } })
    span.setAttributes(forged).end()
    const { attributes } = only(tracer)
    expect(attributes).toMatchObject({ 'honeyhive.session_id': tracer.sessionId, kept: 1 })
    expect(Object.entries(attributes).filter(([name, value]) => name === '' || value === 'forged')).toEqual([])
  })

  test('take an event with attributes, with a time, and with both', ({ tracer }) => {
    const [first, second]: HrTime[] = [
      [2_000_000_000, 1],
      [2_000_000_000, 2],
    ]
    tracer.otelTracer
      .startSpan('own')
      .addEvent('timed', first)
      .addEvent('both', { a: 1 }, second)
      .addEvent('attributes', { b: 2 })
      .addEvent('two times', first, second)
      .end()
    expect(only(tracer).events.map(({ name, attributes, time }) => [name, { ...attributes }, time])).toEqual([
      ['timed', {}, first],
      ['both', { a: 1 }, second],
      ['attributes', { b: 2 }, expect.anything()],
      ['two times', {}, second],
    ])
  })

  test('take several links at once', ({ tracer }) => {
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    tracer.otelTracer
      .startSpan('own')
      .addLinks([{ context }, { context, attributes: { a: 1 } }])
      .end()
    expect(only(tracer).links.map(({ attributes }) => ({ ...attributes }))).toEqual([{}, { a: 1 }])
  })

  test('keep the class of an error that is thrown out of a traced function, whatever its code', ({ tracer }) => {
    const error = Object.assign(new TypeError('refused'), { code: 'E_CONNECT' })
    const call = (): unknown =>
      tracer.startActiveSpan('own', () => {
        throw error
      })
    expect(call).toThrow(error)
    expect(only(tracer).events[0]?.attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'refused' })
  })

  test('mark a span whose captured value was cut', ({ createTracer }) => {
    const tracer = createTracer({ capture: { maxBytes: 1_000 } })
    const marked = (inputs: object): unknown => {
      tracer.startActiveSpan('own', () => tracer.enrichSpan({ inputs } as never))
      return tracer.spans.at(-1)?.attributes['honeyhive.truncated']
    }
    expect([marked({ text: 'x'.repeat(2_000) }), marked({ text: 'x' })]).toEqual([true, undefined])
  })

  test('drop the oldest event when there are too many, and say how many', ({ createTracer }) => {
    const tracer = createTracer({ limits: { maxEvents: 2 } })
    const span = tracer.startSpan('own')
    for (const name of ['first', 'second', 'third', 'fourth']) span.addEvent(name)
    span.end()
    expect(only(tracer).events.map(({ name }) => name)).toEqual(['third', 'fourth'])
    expect(only(tracer).droppedEventsCount).toBe(2)
  })

  test('keep times that are exact to the nanosecond', ({ tracer }) => {
    const start: HrTime = [1_700_000_000, 123_456_789]
    const at: HrTime = [1_700_000_000, 123_456_790]
    const end: HrTime = [1_700_000_001, 1]
    const span = tracer.startSpan('own', { startTime: start })
    span.addEvent('event', at)
    span.end(end)
    const { startTime, endTime, duration, events } = only(tracer)
    expect([startTime, events[0]?.time, endTime]).toEqual([start, at, end])
    expect(duration).toEqual([0, 876_543_212])
  })

  test('never end a span before it started', ({ tracer }) => {
    tracer.startSpan('own', { startTime: [1_700_000_000, 5] }).end([1_700_000_000, 4])
    expect(only(tracer)).toMatchObject({ endTime: [1_700_000_000, 5], duration: [0, 0] })
  })
})

describe('what a span shows', () => {
  const fill = (tracer: TestTracer): Span => {
    const span = tracer.startSpan('own', { metadata: { note: SECRET } })
    span.setAttributes({ note: SECRET }).addEvent('event', { note: SECRET }).setStatus({ code: SpanStatusCode.ERROR, message: SECRET })
    return span
  }

  test('is its name and ids in a log, and nothing that it holds', ({ tracer }) => {
    const span = fill(tracer)
    const { traceId, spanId } = span.spanContext()
    const shown = [inspect(span, { depth: 10, showHidden: true }), inspect({ span }, { depth: 10 }), String(span), JSON.stringify(span)]
    expect(shown[0]).toBe(`Span(own ${spanId})`)
    expect(JSON.parse(shown[3] as string)).toEqual({ traceId, spanId })
    span.end()
    expect([...shown, inspect(span, { depth: 10 }), JSON.stringify(span)].filter((text) => text.includes(SECRET))).toEqual([])
    expect(Object.keys(span)).toEqual([])
  })

  test('in its readable fields is what would be exported now, redacted', ({ createTracer }) => {
    const tracer = createTracer({ redact: { patterns: [/sk-[\w-]+/g] } })
    const span = fill(tracer) as Span & ReadableSpan
    const { traceId, spanId } = span.spanContext()
    expect(span).toMatchObject({ name: 'own', ended: false, instrumentationScope: { name: 'honeyhive-tracer' } })
    expect(span.attributes).toMatchObject({ note: '[REDACTED]', 'honeyhive_metadata.note': '[REDACTED]' })
    expect(span.events[0]?.attributes).toEqual({ note: '[REDACTED]' })
    expect(span.status.message).toBe('[REDACTED]')
    span.end()
    expect(span.ended).toBe(true)
    expect(only(tracer).spanContext()).toEqual({ traceId, spanId, traceFlags: 1 })
    expect(JSON.stringify(only(tracer).attributes)).not.toContain(SECRET)
  })
})

describe('a span processor of the user', () => {
  const createProcessor = (calls: Partial<SpanProcessor>): SpanProcessor => ({
    onStart: () => undefined,
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...calls,
  })

  test('sees the span itself while it is open and the finished one at the end, each once', ({ createTracer }) => {
    const seen: [string, unknown][] = []
    const processor = createProcessor({
      onStart: (span) => void seen.push(['onStart', span]),
      onEnding: (span) => void seen.push(['onEnding', span]),
      onEnd: (span) => void seen.push(['onEnd', span]),
    })
    const tracer = createTracer({ spanProcessors: [processor], redact: { patterns: [/sk-[\w-]+/g] } })
    const span = tracer.startSpan('own', { metadata: { note: SECRET } })
    span.end()
    const [started, ending, ended] = seen
    expect([started, ending]).toEqual([
      ['onStart', span],
      ['onEnding', span],
    ])
    expect([started?.[1] === span, ending?.[1] === span]).toEqual([true, true])
    const finished = ended?.[1] as ReadableSpan
    expect(finished).toMatchObject({ name: 'own', ended: true })
    expect(finished.attributes).toMatchObject({
      'honeyhive.session_id': tracer.sessionId,
      'honeyhive_metadata.note': '[REDACTED]',
    })
    expect(finished).not.toHaveProperty('setAttribute')
    // Exporters change what they are given by a proxy around it.
    expect(new Proxy(finished, {}).spanContext()).toEqual(span.spanContext())
    expect(seen.length).toBe(3)
  })

  test('may write at the start and while the span is ending, and not after', ({ createTracer }) => {
    const started: SdkSpan[] = []
    const processor = createProcessor({
      onStart: (span) => {
        started.push(span)
        span.setAttribute('at start', 1)
      },
      onEnding: (span) => void span.setAttribute('while ending', 2).updateName('renamed'),
      onEnd: () => started[0]?.setAttribute('too late', 3),
    })
    const tracer = createTracer({ spanProcessors: [processor] })
    tracer.startSpan('own').end()
    expect(only(tracer)).toMatchObject({ name: 'renamed', attributes: { 'at start': 1, 'while ending': 2 } })
    expect(only(tracer).attributes).not.toHaveProperty('too late')
  })

  test('sees the context that a span starts in', ({ createTracer }) => {
    const key = Symbol('key')
    const values: unknown[] = []
    const tracer = createTracer({ spanProcessors: [createProcessor({ onStart: (_span, at) => void values.push(at.getValue(key)) })] })
    const library = tracer.provider.getTracer('library')
    library.startSpan('explicit', {}, context.active().setValue(key, 'given')).end()
    context.with(context.active().setValue(key, 'ambient'), () => library.startSpan('ambient').end())
    expect(values).toEqual(['given', 'ambient'])
  })

  test('is shown no parent for a span that has none, whatever span is active around it', ({ createTracer }) => {
    const parents: (string | undefined)[] = []
    const onStart: SpanProcessor['onStart'] = (_span, at) => void parents.push(trace.getSpanContext(at)?.spanId)
    const tracer = createTracer({ spanProcessors: [createProcessor({ onStart })] })
    const foreign = trace.wrapSpanContext({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 })
    const library = tracer.provider.getTracer('library')
    const root = library.startSpan('root', { root: true }, trace.setSpan(context.active(), foreign))
    library.startSpan('inside', {}, trace.setSpan(context.active(), root)).end()
    root.end()
    expect(parents).toEqual([undefined, root.spanContext().spanId])
  })

  test('sees the spans of its own tracer alone', ({ createTracer }) => {
    const names: string[] = []
    const tracer = createTracer({ spanProcessors: [createProcessor({ onEnd: ({ name }) => void names.push(name) })] })
    const other = createTracer()
    tracer.startActiveSpan('own', () => other.startActiveSpan('other', () => undefined))
    expect(names).toEqual(['own'])
  })

  test('that throws costs nothing: the span arrives and the next processor sees it', ({ createTracer }) => {
    const names: string[] = []
    const warnings: string[] = []
    const fail = (): never => {
      throw new RangeError(SECRET)
    }
    const tracer = createTracer({
      logger: { debug: () => undefined, warn: (message) => void warnings.push(message), error: () => undefined },
      spanProcessors: [
        createProcessor({ onStart: fail, onEnding: fail, onEnd: fail }),
        createProcessor({ onEnd: ({ name }) => void names.push(name) }),
      ],
    })
    tracer.startSpan('own').end()
    expect([names, tracer.tree()]).toEqual([['own'], [{ name: 'own' }]])
    expect(warnings.length).toBe(3)
    expect(warnings.filter((line) => !line.includes('RangeError') || line.includes(SECRET))).toEqual([])
  })
})

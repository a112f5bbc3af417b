import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { trace, traceFn } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

let tracer: TestTracer
beforeEach(() => {
  tracer = createTestTracer({ apiKey: 'key-of-this-test' })
})
afterEach(() => tracer.shutdown())
const last = (): Readonly<Record<string, unknown>> => tracer.spans.at(-1)?.attributes ?? {}
const bucket = (name: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(last())
      .filter(([key]) => key === `honeyhive_${name}` || key.startsWith(`honeyhive_${name}.`))
      .map(([key, value]) => [key.slice(`honeyhive_${name}`.length + 1), value]),
  )

describe('inputs', () => {
  const take = (options: object, ...args: unknown[]): Record<string, unknown> => {
    traceFn(tracer, (..._: unknown[]) => undefined, { eventName: 'f', ...options })(...args)
    return bucket('inputs')
  }

  test('one plain object is spread; everything else is named by argNames, else arg0, arg1, …', () => {
    expect(take({}, { q: 'x', n: 1 })).toEqual({ q: 'x', n: 1 })
    expect(take({}, 'x', 2)).toEqual({ arg0: 'x', arg1: 2 })
    expect(take({}, ['x'])).toEqual({ 'arg0.0': 'x' })
    expect(take({}, { a: 1 }, { b: 2 })).toEqual({ 'arg0.a': 1, 'arg1.b': 2 })
    expect(take({ argNames: ['q', 'n'] }, 'x', 2, true)).toEqual({ q: 'x', n: 2, arg2: true })
    expect(take({ argNames: ['options'] }, { a: 1 })).toEqual({ 'options.a': 1 })
    expect(take({})).toEqual({})
  })

  test('what is large and within its room is whole, and not marked as cut', () => {
    const text = 'é'.repeat(500_000)
    traceFn(tracer, (given: string) => given, { eventName: 'f' })(text)
    expect(bucket('inputs')).toEqual({ arg0: text })
    expect(bucket('outputs')).toEqual({ result: text })
    expect(last()).not.toHaveProperty(['honeyhive.truncated'])
  })

  test('a class instance is not spread; null prototypes are', () => {
    class Query {
      text = 'x'
    }
    expect(take({}, new Query())).toEqual({ 'arg0.text': 'x' })
    expect(take({}, Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
  })

  test('are taken before the function runs, once, and left out or replaced on request', () => {
    const order = { items: 1 }
    traceFn(
      tracer,
      (given: { items: number }) => {
        given.items = 99
      },
      { eventName: 'mutates' },
    )(order)
    expect([bucket('inputs'), order.items]).toEqual([{ items: 1 }, 99])
    expect(take({ inputs: false }, 'secret')).toEqual({})
    expect(take({ inputs: (text: string) => ({ length: text.length }) }, 'secret')).toEqual({ length: 6 })
  })

  test('fields and rules among the options are those of when the function was wrapped, at every depth', () => {
    const fields = { deep: { list: ['then'] } }
    const attributes = { list: ['then'] }
    const redact = { keys: ['then'] }
    const options = { eventName: 'w', config: fields, metadata: fields, metrics: fields, feedback: fields, userProperties: fields }
    const call = traceFn(tracer, (given: object) => given, { ...options, attributes, redact })
    fields.deep.list[0] = 'changed'
    attributes.list[0] = 'changed'
    redact.keys[0] = 'changed'
    call({ then: 1, changed: 1 })
    for (const name of ['config', 'metadata', 'metrics', 'feedback', 'user_properties'])
      expect(bucket(name)).toEqual({ 'deep.list.0': 'then' })
    expect(last().list).toEqual(['then'])
    expect(bucket('inputs')).toEqual({ then: '[REDACTED]', changed: 1 })
  })

  test('a tracer among the arguments shows its name only, never key or state', () => {
    expect(take({}, tracer, { nested: { tracer } }, [tracer])).toEqual({
      arg0: '[HoneyHiveTracer]',
      'arg1.nested.tracer': '[HoneyHiveTracer]',
      'arg2.0': '[HoneyHiveTracer]',
    })
    expect(JSON.stringify(last())).not.toContain('key-of-this-test')
  })

  test('the key is masked wherever a user puts it', () => {
    take({}, 'key-of-this-test', { deep: ['Bearer key-of-this-test'] })
    tracer.startActiveSpan('call key-of-this-test', (span) => span.setAttribute('k', 'key-of-this-test').addEvent('key-of-this-test'))
    expect(JSON.stringify(tracer.spans.map((span) => [span.name, span.attributes, span.events]))).not.toContain('key-of-this-test')
  })
})

describe('outputs', () => {
  const give = (value: unknown, options: object = {}): Record<string, unknown> => {
    traceFn(tracer, () => value, { eventName: 'f', ...options })()
    return bucket('outputs')
  }

  test('are `result`, an object too', async () => {
    expect(give({ answer: 'x', n: 1 })).toEqual({ 'result.answer': 'x', 'result.n': 1 })
    expect(give('x')).toEqual({ result: 'x' })
    expect(give([1, 2])).toEqual({ 'result.0': 1, 'result.1': 2 })
    expect(give(0)).toEqual({ result: 0 })
    expect(give(false)).toEqual({ result: false })
    expect(give(undefined)).toEqual({})
    await traceFn(tracer, async () => ({ later: true }), { eventName: 'async' })()
    expect(bucket('outputs')).toEqual({ 'result.later': true })
  })

  test('what the call said itself with enrichSpan stays, as with inputs; other fields are merged', async () => {
    const say = (outputs: unknown, result: unknown, options: object = {}): Record<string, unknown> => {
      traceFn(tracer, () => (tracer.enrichSpan({ outputs }), result), { eventName: 'f', ...options })()
      return bucket('outputs')
    }
    expect(say({ result: 'said' }, 'captured')).toEqual({ result: 'said' })
    expect(say('said', 'captured')).toEqual({ result: 'said' })
    expect(say({ result: { answer: 'said' } }, { raw: 1 })).toEqual({ 'result.answer': 'said' })
    expect(say({ score: 'said' }, 'captured')).toEqual({ score: 'said', result: 'captured' })
    expect(say({ a: 'said' }, 5, { outputs: (n: number) => ({ a: n, b: n }) })).toEqual({ a: 'said', b: 5 })
    const stream = traceFn(
      tracer,
      async function* () {
        tracer.enrichSpan({ outputs: { result: 'said' } })
        yield 'a'
        yield 'b'
      },
      { eventName: 'f' },
    )
    for await (const _ of stream());
    expect(bucket('outputs')).toEqual({ result: 'said' })
    traceFn(tracer, (text: string) => tracer.enrichSpan({ inputs: { text: 'said' } }) && text, { eventName: 'f', argNames: ['text'] })(
      'given',
    )
    expect(bucket('inputs')).toEqual({ text: 'said' })
  })

  test('are left out or replaced on request; capture is the default of the tracer', () => {
    expect(give('x', { outputs: false })).toEqual({})
    expect(give('secret', { outputs: (text: string) => ({ length: text.length }) })).toEqual({ length: 6 })
    const silent = createTestTracer({ capture: { inputs: false, outputs: false } })
    traceFn(silent, (x: string) => x, { eventName: 'f' })('x')
    traceFn(silent, (x: string) => x, { eventName: 'g', inputs: true, outputs: true })('x')
    expect(silent.spans.map((span) => Object.keys(span.attributes).filter((key) => /puts/.test(key)))).toEqual([
      [],
      ['honeyhive_inputs.arg0', 'honeyhive_outputs.result'],
    ])
    return silent.shutdown()
  })
})

describe('D-15 errors', () => {
  test('status, one exception event, error and type on the failing span; nothing more on the way up', async () => {
    const error = new RangeError('too far')
    const inner = traceFn(
      tracer,
      async () => {
        throw error
      },
      { eventName: 'inner' },
    )
    const outer = traceFn(tracer, async () => inner(), { eventName: 'outer' })
    await expect(outer()).rejects.toBe(error)
    expect(tracer.tree()).toEqual([{ name: 'outer', children: [{ name: 'inner' }] }])
    for (const span of tracer.spans) {
      expect(span.status).toEqual({ code: 2, message: 'too far' })
      expect(span.attributes).toMatchObject({ honeyhive_error: 'too far', honeyhive_error_type: 'RangeError' })
      expect(span.events.map((event) => event.name)).toEqual(['exception'])
      expect(span.events[0]?.attributes).toMatchObject({
        'exception.type': 'RangeError',
        'exception.message': 'too far',
        'exception.stacktrace': expect.stringContaining('RangeError'),
      })
    }
  })

  test('an error recorded by hand and then thrown is one event; a caught one leaves the outer span fine', () => {
    const error = new Error('once')
    expect(() =>
      tracer.startActiveSpan('s', (span) => {
        span.recordException(error)
        throw error
      }),
    ).toThrow(error)
    expect(tracer.spans[0]?.events).toHaveLength(1)
    tracer.startActiveSpan('outer', () => {
      try {
        tracer.startActiveSpan('inner', () => {
          throw error
        })
      } catch {
        /* handled */
      }
    })
    expect(tracer.spans.at(-1)?.status.code).toBe(0)
    expect(last()).not.toHaveProperty('honeyhive_error')
  })

  test.each<[string, unknown, string]>([
    ['a text', 'plain', 'plain'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', { code: 7 }, ''],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('%s that is thrown is passed on and recorded', (_, thrown, text) => {
    let caught: unknown = 'nothing'
    try {
      traceFn(
        tracer,
        () => {
          throw thrown
        },
        { eventName: 'f' },
      )()
    } catch (error) {
      caught = error
    }
    expect(caught).toBe(thrown)
    expect(tracer.spans[0]?.status.code).toBe(2)
    expect(String(last()['honeyhive_error'])).toContain(text)
  })

  test('D-19: an error that speaks of a tracer does not run the function again', () => {
    let runs = 0
    expect(() =>
      traceFn(
        tracer,
        () => {
          runs++
          throw new Error('Tracer error')
        },
        { eventName: 'f' },
      )(),
    ).toThrow('Tracer error')
    expect(runs).toBe(1)
  })
})

describe('identity and kinds', () => {
  test('D-05: identity survives 1,500 leaves; what did not fit is marked', () => {
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`k${i}`, i]))
    tracer.startActiveSpan('wide', { inputs: many }, (span) => {
      for (let i = 0; i < 1500; i++) span.setAttribute(`own.${i}`, i)
      tracer.enrichSpan({ metadata: many, outputs: many })
    })
    expect(last()).toMatchObject({
      'honeyhive.session_id': tracer.sessionId,
      'honeyhive.source': 'dev',
      honeyhive_event_type: 'tool',
      'honeyhive.truncated': true,
    })
    expect(Object.keys(last()).length).toBeLessThanOrEqual(1024)
  })

  test('identity cannot be overwritten through the OpenTelemetry API', () => {
    const span = tracer.startSpan('s', { attributes: { 'honeyhive.session_id': 'spoofed' } })
    span.setAttributes({ 'honeyhive.session_id': 'spoofed', 'honeyhive.project': 'other', 'honeyhive.source': 'x' }).end()
    expect(JSON.stringify(last())).not.toContain('spoofed')
    expect(last()).toMatchObject({ 'honeyhive.session_id': tracer.sessionId, 'honeyhive.source': 'dev' })
  })

  test('D-23: an explicit type wins; else the conventions decide at the end of the span, never the name', () => {
    tracer.startSpan('model', { eventType: 'chain' }).end()
    tracer.startSpan('generate model completion').end()
    const auto = tracer.provider.getTracer('instrumentor')
    auto.startSpan('generate report').end()
    const late = auto.startSpan('x')
    late.setAttribute('openinference.span.kind', 'LLM').end()
    auto.startSpan('y', { attributes: { 'gen_ai.operation.name': 'execute_tool' } }).end()
    auto.startSpan('z', { attributes: { 'openinference.span.kind': 'LLM', honeyhive_event_type: 'session' } }).end()
    expect(tracer.spans.map((span) => span.attributes['honeyhive_event_type'])).toEqual([
      'chain',
      'tool',
      'tool',
      'model',
      'tool',
      'session',
    ])
  })

  test('our own spans carry nothing of other conventions', () => {
    traceFn(tracer, (x: object) => x, { eventName: 'f', eventType: 'model', config: { model: 'm' } })({
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect(Object.keys(last()).filter((key) => /^(gen_ai|llm|input|output|traceloop|openinference)/.test(key))).toEqual([])
  })

  test('D-18, D-64: every bucket of the options lands once, under its own name', () => {
    const all = { config: { model: 'm' }, metadata: { a: 1 }, metrics: { b: 2 }, feedback: { c: 3 }, userProperties: { d: 4 } }
    trace({
      tracer,
      eventName: 'f',
      eventType: 'model',
      eventId: '0b6de1f2-58f6-4a7e-9c1e-000000000001',
      attributes: { own: 'x' },
      ...all,
    })(() => undefined)()
    const user = Object.entries(last()).filter(([key]) => /^honeyhive_(config|meta|metrics|feed|user)|own/.test(key))
    expect(Object.fromEntries(user)).toEqual({
      'honeyhive_config.model': 'm',
      'honeyhive_metadata.a': 1,
      'honeyhive_metrics.b': 2,
      'honeyhive_feedback.c': 3,
      'honeyhive_user_properties.d': 4,
      own: 'x',
    })
    expect(last()).toMatchObject({ honeyhive_event_type: 'model', honeyhive_event_id: '0b6de1f2-58f6-4a7e-9c1e-000000000001' })
  })

  test('spans by hand: kind, links, start time, root, nesting, and buckets', () => {
    const target = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    tracer.startActiveSpan('outer', (outer) => {
      const child = tracer.startSpan('child', {
        kind: 2,
        links: [{ context: target, attributes: { why: 'test' } }],
        startTime: new Date(1_760_000_000_000),
        metadata: { m: 1 },
      })
      child.end(1_760_000_000_250)
      tracer.startSpan('root', { root: true }).end()
      expect(tracer.spans[0]?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
    })
    const [child, root] = tracer.spans
    expect([child?.kind, child?.startTime, child?.duration]).toEqual([2, [1_760_000_000, 0], [0, 250_000_000]])
    expect(child?.links).toMatchObject([{ context: target, attributes: { why: 'test' } }])
    expect(child?.attributes['honeyhive_metadata.m']).toBe(1)
    expect(root?.parentSpanContext).toBeUndefined()
  })

  test('a tracer that is logged or serialised shows no key', () => {
    for (const text of [inspect(tracer, { depth: 10, showHidden: true }), JSON.stringify(tracer), String(tracer)])
      expect(text).not.toContain('key-of-this-test')
  })
})

import { afterEach, describe, expect, test } from 'vitest'
import type { TracerOptions } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const opened: TestTracer[] = []
const init = (limits: TracerOptions['limits']): TestTracer => {
  const tracer = createTestTracer({ limits })
  opened.push(tracer)
  return tracer
}
afterEach(() => Promise.all(opened.splice(0).map((tracer) => tracer.shutdown())))

describe('limits of a span', () => {
  test('D-06: every instance has its own, the first and the last alike', () => {
    for (const maxAttributes of [40, 60, 500]) {
      const tracer = init({ maxAttributes })
      const span = tracer.startSpan('s')
      for (let i = 0; i < 600; i++) span.setAttribute(`k${i}`, i)
      span.end()
      const [{ attributes, droppedAttributesCount } = { attributes: {}, droppedAttributesCount: 0 }] = tracer.spans
      expect(Object.keys(attributes).length).toBeLessThanOrEqual(maxAttributes)
      expect(Object.keys(attributes).length).toBeGreaterThan(maxAttributes / 3)
      expect(attributes).toMatchObject({ 'honeyhive.session_id': tracer.sessionId, 'honeyhive.truncated': true })
      expect(droppedAttributesCount + Object.keys(attributes).filter((key) => key.startsWith('k')).length).toBe(600)
    }
  })

  test('an attribute that is there already may change when the limit is reached', () => {
    const tracer = init({ maxAttributes: 20 })
    const span = tracer.startSpan('s')
    for (let i = 0; i < 30; i++) span.setAttribute(`k${i}`, 'old')
    span.setAttribute('k0', 'new').end()
    expect(tracer.spans[0]?.attributes.k0).toBe('new')
  })

  test('events and links beyond their limit are counted', () => {
    const tracer = init({ maxEvents: 3, maxLinks: 2 })
    const span = tracer.startSpan('s')
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    for (let i = 0; i < 10; i++) span.addEvent(`e${i}`).addLink({ context })
    span.end()
    const [exported] = tracer.spans
    expect([exported?.events.length, exported?.droppedEventsCount, exported?.links.length, exported?.droppedLinksCount]).toEqual([
      3, 7, 2, 8,
    ])
    expect(exported?.attributes['honeyhive.session_id']).toBe(tracer.sessionId)
  })

  test('maxAttributes 0 keeps the identity, the error and a text for each group of captured values', () => {
    const tracer = init({ maxAttributes: 0 })
    const fail = (): unknown =>
      tracer.startActiveSpan('s', { inputs: { a: 1, b: 2 } }, (span) => {
        span.setAttribute('own', 1)
        throw new Error('failed')
      })
    expect(fail).toThrow('failed')
    const { attributes = {} } = tracer.spans[0] ?? {}
    expect(attributes).toMatchObject({
      'honeyhive.session_id': tracer.sessionId,
      honeyhive_error: 'failed',
      honeyhive_inputs: '{"a":1,"b":2}',
      'honeyhive.truncated': true,
    })
    expect(attributes).not.toHaveProperty('own')
  })

  test('D-27: maxSpanBytes is enforced; the start of a long text stays, the span is marked and still has its identity', () => {
    const tracer = init({ maxSpanBytes: 10_000 })
    tracer.startActiveSpan('s', { inputs: { text: 'x'.repeat(1_000_000) } }, (span) => {
      span.setAttribute('other', 'y'.repeat(50_000))
      tracer.enrichSpan({ outputs: { list: Array.from({ length: 5000 }, (_, i) => `item ${i}`) } })
    })
    const { attributes = {} } = tracer.spans[0] ?? {}
    const bytes = Object.entries(attributes).reduce((total, [key, value]) => total + key.length + String(value).length, 0)
    expect(bytes).toBeLessThan(12_000)
    expect(String(attributes['honeyhive_inputs.text'])).toMatch(/^x{100}/)
    expect(attributes).toMatchObject({
      'honeyhive.truncated': true,
      'honeyhive.session_id': tracer.sessionId,
      honeyhive_event_type: 'tool',
    })
  })

  test('D-27: events count towards it; the exception of a failed span with large inputs stays', () => {
    const tracer = init({ maxSpanBytes: 40_000 })
    const fail = (): unknown =>
      tracer.startActiveSpan('s', { inputs: { text: 'x'.repeat(1_000_000) } }, (span) => {
        span.recordException(new Error('first'))
        for (let i = 0; i < 100; i++) span.addEvent(`e${i}`, { text: 'y'.repeat(3000) })
        throw new Error('second')
      })
    expect(fail).toThrow('second')
    const [exported] = tracer.spans
    expect(JSON.stringify([exported?.attributes, exported?.events]).length).toBeLessThan(45_000)
    expect(exported?.events[0]?.attributes).toMatchObject({ 'exception.message': 'first' })
    expect((exported?.droppedEventsCount ?? 0) + (exported?.events.length ?? 0)).toBe(102)
    expect(exported?.attributes).toMatchObject({
      'honeyhive.truncated': true,
      honeyhive_error: 'second',
      'honeyhive.session_id': tracer.sessionId,
    })
  })

  test('a span within its limits carries no mark', () => {
    const tracer = init({})
    tracer.startActiveSpan('s', { inputs: { text: 'x'.repeat(100_000) } }, () => undefined)
    expect(tracer.spans[0]?.attributes).not.toHaveProperty(['honeyhive.truncated'])
    expect(String(tracer.spans[0]?.attributes['honeyhive_inputs.text'])).toHaveLength(100_000)
  })

  test('capture.maxBytes bounds one captured value', () => {
    const tracer = createTestTracer({ capture: { maxBytes: 2000 } })
    opened.push(tracer)
    tracer.trace({ eventName: 'f' })((text: string) => text)('x'.repeat(100_000))
    for (const key of ['honeyhive_inputs.arg0', 'honeyhive_outputs.result'])
      expect(String(tracer.spans[0]?.attributes[key]).length).toBeLessThan(3000)
    expect(tracer.spans[0]?.attributes['honeyhive.truncated']).toBe(true)
  })

  test('maxAttributesPerEvent and maxAttributesPerLink hold for those alone, and follow maxAttributes when they are not given', () => {
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, i]))
    const countKept = (limits: TracerOptions['limits']): unknown[] => {
      const tracer = init(limits)
      tracer.otelTracer
        .startSpan('s', { links: [{ context, attributes: many }] })
        .setAttributes(many)
        .addEvent('e', many)
        .end()
      const [
        {
          attributes,
          events: [event],
          links: [link],
        } = { attributes: {}, events: [], links: [] },
      ] = tracer.spans
      const own = Object.keys(attributes).filter((key) => key.startsWith('k')).length
      const parts = [event, link].map((part) => [Object.keys(part?.attributes ?? {}).length, part?.droppedAttributesCount ?? 0])
      return [own, ...parts]
    }
    expect(countKept({ maxAttributesPerEvent: 2, maxAttributesPerLink: 3 })).toEqual([30, [2, 28], [3, 27]])
    expect(countKept({ maxAttributesPerEvent: 0, maxAttributesPerLink: 0 })).toEqual([30, [0, 30], [0, 30]])
    expect(countKept({ maxAttributes: 20, maxAttributesPerLink: 5 }).slice(1)).toEqual([
      [20, 10],
      [5, 25],
    ])
  })

  describe('maxValueLength', () => {
    test('cuts texts of the attributes of span, event and link, marks the span and leaves everything else', () => {
      const tracer = init({ maxValueLength: 5 })
      const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
      const given = { long: 'abcdefgh', fits: 'abcde', list: ['abcdefgh', '', 'abc'], numbers: [1_234_567], flag: true }
      const cut = { ...given, long: 'abcde', list: ['abcde', '', 'abc'] }
      const span = tracer.otelTracer.startSpan('a long name', { attributes: given, links: [{ context, attributes: given }] })
      span.addEvent('a long event', given).addLink({ context }).end()
      const [exported] = tracer.spans
      expect(exported).toMatchObject({ name: 'a long name', attributes: { ...cut, 'honeyhive.truncated': true } })
      expect(exported?.events).toMatchObject([{ name: 'a long event', attributes: cut }])
      expect(exported?.links.map(({ attributes }) => attributes)).toEqual([cut, undefined])
      expect(given.list[0]).toBe('abcdefgh')
    })

    test('holds for captured values, errors and JSON texts; identity stays whole', () => {
      const tracer = init({ maxValueLength: 8, maxAttributes: 20 })
      const wide = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`name ${i}`, 'x'.repeat(20)]))
      const run = tracer.trace({ eventName: 'f', eventType: 'chain' })((_: object) => {
        throw new Error('a message that is long')
      })
      expect(() => run(wide)).toThrow('a message')
      const { attributes = {} } = tracer.spans[0] ?? {}
      expect(attributes).toMatchObject({
        'honeyhive.session_id': tracer.sessionId,
        honeyhive_event_type: 'chain',
        honeyhive_error: 'a messag',
      })
      const whole = Object.entries(attributes).filter(([, value]) => typeof value === 'string' && value.length > 8)
      expect(whole.map(([key]) => key).filter((key) => !key.startsWith('honeyhive.'))).toEqual([])
    })

    test('cuts what was redacted: no part of a secret at the cut is seen', () => {
      const tracer = createTestTracer({ limits: { maxValueLength: 12 }, redact: { patterns: [/secret-\d{6}/], replacement: '*' } })
      opened.push(tracer)
      tracer.otelTracer.startSpan('s').setAttribute('a', 'pre secret-123456 and after').addEvent('e', { b: 'pre secret-123456' }).end()
      expect(tracer.spans[0]).toMatchObject({ attributes: { a: 'pre * and af' }, events: [{ attributes: { b: 'pre *' } }] })
    })

    test('splits no character, and marks nothing that fits', () => {
      const tracer = init({ maxValueLength: 4 })
      tracer.otelTracer.startSpan('s').setAttributes({ a: 'abc😀d', b: '😀😀' }).end()
      tracer.otelTracer.startSpan('fits').setAttribute('b', '😀😀').end()
      expect(tracer.spans[0]?.attributes).toMatchObject({ a: 'abc', b: '😀😀', 'honeyhive.truncated': true })
      expect(tracer.spans[1]?.attributes).not.toHaveProperty(['honeyhive.truncated'])
    })

    test('processors see it cut, and may still write', () => {
      const seen: unknown[] = []
      const tracer = createTestTracer({
        limits: { maxValueLength: 3 },
        spanProcessors: [
          {
            onStart: (span) => void span.setAttribute('from start', 'abcdef'),
            onEnd: (span) => void seen.push(span.attributes['from start'], span.attributes.late),
            forceFlush: async () => undefined,
            shutdown: async () => undefined,
          },
        ],
      })
      opened.push(tracer)
      tracer.otelTracer.startSpan('s').setAttribute('late', 'abcdef').end()
      expect(seen).toEqual(['abc', 'abc'])
    })
  })
})

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
})

import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { describe, expect } from 'vitest'
import type { ResolvedLimits } from '../../src/config/resolved.js'
import type { TestTracer } from '../../src/testing/index.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const TRUNCATED = 'honeyhive.truncated'

type CreateTracer = (options?: { limits?: Partial<ResolvedLimits> }) => TestTracer

/** The span that `write` makes within `limits`. */
function finish(createTracer: CreateTracer, limits: Partial<ResolvedLimits>, write: (tracer: TestTracer) => void): ReadableSpan {
  const tracer = createTracer({ limits })
  write(tracer)
  return tracer.spans.at(-1) as ReadableSpan
}

const withAttributes =
  (count: number) =>
  (tracer: TestTracer): void => {
    const span = tracer.startSpan('own')
    for (let i = 0; i < count; i++) span.setAttribute(`a${i}`, i)
    span.end()
  }

describe('places for attributes', () => {
  test('are all used before one is left out; one is kept for the mark', ({ createTracer }) => {
    const base = Object.keys(finish(createTracer, {}, withAttributes(0)).attributes).length
    const maxAttributes = base + 4
    const [full, over] = [3, 4].map((count) => finish(createTracer, { maxAttributes }, withAttributes(count))) as [
      ReadableSpan,
      ReadableSpan,
    ]
    expect([Object.keys(full.attributes).length, full.attributes[TRUNCATED], full.droppedAttributesCount]).toEqual([base + 3, undefined, 0])
    expect([Object.keys(over.attributes).length, over.attributes[TRUNCATED], over.droppedAttributesCount]).toEqual([maxAttributes, true, 1])
  })

  test('go to the fields of a bucket as well, which lose nothing where there are too few', ({ createTracer }) => {
    const write =
      (fields: number) =>
      (tracer: TestTracer): void => {
        const metadata = Object.fromEntries(Array.from({ length: fields }, (_, i) => [`f${i}`, i]))
        tracer.startSpan('own', { metadata }).end()
      }
    const base = Object.keys(finish(createTracer, {}, write(0)).attributes).length
    const maxAttributes = base + 6
    const full = finish(createTracer, { maxAttributes }, write(5))
    expect(full.attributes).toMatchObject({ 'honeyhive_metadata.f0': 0, 'honeyhive_metadata.f4': 4 })
    const over = finish(createTracer, { maxAttributes }, write(60))
    expect(Object.keys(over.attributes).length).toBeLessThanOrEqual(maxAttributes)
    expect(JSON.stringify(over.attributes)).toContain('f59')
  })
})

describe('what was left out', () => {
  test('is counted for events and links apart, and the span is marked', ({ createTracer }) => {
    const link = { context: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 } }
    const write = (tracer: TestTracer): void => {
      const span = tracer.startSpan('own')
      for (let i = 0; i < 5; i++) span.addEvent(`event ${i}`)
      for (let i = 0; i < 4; i++) span.addLink(link)
      span.end()
    }
    const span = finish(createTracer, { maxEvents: 2, maxLinks: 3 }, write)
    expect([span.events.length, span.droppedEventsCount, span.links.length, span.droppedLinksCount]).toEqual([2, 3, 3, 1])
    expect(span.attributes[TRUNCATED]).toBe(true)
    const whole = finish(createTracer, {}, write)
    expect([whole.droppedEventsCount, whole.droppedLinksCount, whole.attributes[TRUNCATED]]).toEqual([0, 0, undefined])
  })

  test('of one event or one link marks the span', ({ createTracer }) => {
    const write = (tracer: TestTracer): void => void tracer.startSpan('own').addEvent('event', { a: 1, b: 2 }).end()
    const span = finish(createTracer, { maxAttributesPerEvent: 1 }, write)
    expect([span.events[0]?.droppedAttributesCount, span.attributes[TRUNCATED]]).toEqual([1, true])
    expect(finish(createTracer, { maxAttributesPerEvent: 2 }, write).attributes).not.toHaveProperty([TRUNCATED])
  })

  test('of a long value marks the span, whose identity stays whole', ({ createTracer }) => {
    const write = (tracer: TestTracer): void => void tracer.startSpan('own').setAttribute('long', 'x'.repeat(50)).end()
    const span = finish(createTracer, { maxValueLength: 10 }, write)
    expect([String(span.attributes['long']).length <= 10, span.attributes[TRUNCATED]]).toEqual([true, true])
    expect(String(span.attributes['honeyhive.session_id'])).toHaveLength(36)
    expect(finish(createTracer, { maxValueLength: 60 }, write).attributes).not.toHaveProperty([TRUNCATED])
  })
})

test('a span has its times, kind and status', ({ tracer }) => {
  const span = tracer.otelTracer.startSpan('own', { kind: SpanKind.CLIENT, startTime: [5, 0] })
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
  span.end([7, 500])
  expect(tracer.spans[0]).toMatchObject({
    kind: SpanKind.CLIENT,
    startTime: [5, 0],
    endTime: [7, 500],
    duration: [2, 500],
    status: { code: SpanStatusCode.ERROR, message: 'no' },
    ended: true,
  })
})

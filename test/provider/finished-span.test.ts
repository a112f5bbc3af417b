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

describe('places for buckets and attributes together', () => {
  const numbers = (name: string, count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, i]))
  const write =
    (buckets: object, attributes: number) =>
    (tracer: TestTracer): void =>
      void tracer.startSpan('own', buckets).setAttributes(numbers('a', attributes)).end()
  const countOf = (span: ReadableSpan, prefix: string): number =>
    Object.keys(span.attributes).filter((key) => key.startsWith(prefix)).length

  test('are one account: attributes give way to the fields of all buckets', ({ createTracer }) => {
    const base = Object.keys(finish(createTracer, {}, write({}, 0)).attributes).length
    const both = write({ metadata: numbers('m', 3), metrics: numbers('n', 3) }, 6)
    const shown = (places: number): unknown[] => {
      const span = finish(createTracer, { maxAttributes: base + places + 1 }, both)
      const counts = [countOf(span, 'honeyhive_metadata.'), countOf(span, 'honeyhive_metrics.'), countOf(span, 'a')]
      return [...counts, span.droppedAttributesCount, span.attributes[TRUNCATED]]
    }
    expect(shown(12)).toEqual([3, 3, 6, 0, undefined])
    expect(shown(10)).toEqual([3, 3, 4, 2, true])
  })

  test('are 32 for a bucket before it gives way to attributes, as one text that loses nothing', ({ createTracer }) => {
    const base = Object.keys(finish(createTracer, {}, write({}, 0)).attributes).length
    const shown = (fields: number, attributes: number): unknown[] => {
      const span = finish(createTracer, { maxAttributes: base + 41 }, write({ metadata: numbers('m', fields) }, attributes))
      return [countOf(span, 'honeyhive_metadata.'), countOf(span, 'a'), span.attributes['honeyhive_metadata']]
    }
    expect(shown(32, 8)).toEqual([32, 8, undefined])
    expect(shown(32, 9)).toEqual([32, 8, undefined])
    expect(shown(33, 8)).toEqual([0, 8, JSON.stringify(numbers('m', 33))])
  })

  test('go to the fields of a bucket as far as they reach', ({ createTracer }) => {
    const base = Object.keys(finish(createTracer, {}, write({}, 0)).attributes).length
    const nested = write({ metadata: { first: numbers('m', 3), second: numbers('m', 3) } }, 0)
    const { attributes } = finish(createTracer, { maxAttributes: base + 6 }, nested)
    const texts = Object.values(attributes).filter((value) => value === JSON.stringify(numbers('m', 3)))
    expect([texts.length, Object.keys(attributes).filter((key) => /^honeyhive_metadata\.(first|second)\.m/.test(key)).length]).toEqual([
      1, 3,
    ])
  })
})

test('a bucket whose long names repeat in each attribute stays within the room of the span, and loses nothing', ({ createTracer }) => {
  const rows = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`row${i}`, `${i}`.padEnd(60, '.')]))
  const write = (tracer: TestTracer): void => tracer.startSpan('own', { metadata: { small: { n: 1 }, ['g'.repeat(60)]: rows } }).end()
  const { attributes } = finish(createTracer, { maxSpanBytes: 10_000 }, write)
  expect(Buffer.byteLength(JSON.stringify(attributes))).toBeLessThanOrEqual(10_000)
  expect(attributes).toMatchObject({
    'honeyhive_metadata.small.n': 1,
    [`honeyhive_metadata.${'g'.repeat(60)}`]: JSON.stringify(rows),
  })
})

describe('what was left out', () => {
  test('is all counted, whichever limit it was over', ({ createTracer }) => {
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    const attributes = { text: 'x'.repeat(1_000) }
    for (const said of [150, 600]) {
      const span = finish(createTracer, { maxSpanBytes: 20_000, maxEvents: 100, maxLinks: 100 }, (tracer) => {
        const own = tracer.startSpan('own')
        for (let i = 0; i < said; i++)
          own.setAttribute(`a${i}`, attributes.text).addEvent('event', attributes).addLink({ context, attributes })
        own.end()
      })
      const kept = Object.keys(span.attributes).filter((key) => /^a\d/.test(key)).length
      expect([kept > 0, span.events.length > 0, span.links.length > 0]).toEqual([true, true, true])
      expect([
        kept + span.droppedAttributesCount,
        span.events.length + span.droppedEventsCount,
        span.links.length + span.droppedLinksCount,
      ]).toEqual([said, said, said])
    }
  })

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
    const oneOfEach = finish(createTracer, { maxEvents: 4, maxLinks: 3 }, write)
    expect([oneOfEach.droppedEventsCount, oneOfEach.droppedLinksCount, oneOfEach.attributes[TRUNCATED]]).toEqual([1, 1, true])
    const whole = finish(createTracer, {}, write)
    expect([whole.droppedEventsCount, whole.droppedLinksCount, whole.attributes[TRUNCATED]]).toEqual([0, 0, undefined])
  })

  test('of one event or one link marks the span', ({ createTracer }) => {
    const write = (tracer: TestTracer): void => void tracer.startSpan('own').addEvent('event', { a: 1, b: 2 }).end()
    const span = finish(createTracer, { maxAttributesPerEvent: 1 }, write)
    expect([span.events[0]?.droppedAttributesCount, span.attributes[TRUNCATED]]).toEqual([1, true])
    expect(finish(createTracer, { maxAttributesPerEvent: 2 }, write).attributes).not.toHaveProperty([TRUNCATED])
  })

  test('of texts that together are over the room of the span marks it', ({ createTracer }) => {
    const text = 'x'.repeat(6_000)
    const write = (tracer: TestTracer): void => void tracer.startSpan('own').setAttributes({ first: text, second: text }).end()
    const span = finish(createTracer, { maxSpanBytes: 10_000 }, write)
    expect([String(span.attributes['second']).length < 6_000, span.droppedAttributesCount, span.attributes[TRUNCATED]]).toEqual([
      true,
      0,
      true,
    ])
    expect(finish(createTracer, { maxSpanBytes: 20_000 }, write).attributes).not.toHaveProperty([TRUNCATED])
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

test('a span says what it is, and what failed, and nothing of that where nothing did', ({ createTracer }) => {
  const failed = finish(createTracer, {}, (tracer) => {
    const span = tracer.startSpan('own', { eventType: 'chain' })
    span.setAttribute('honeyhive_event_name', 'shown')
    span.recordException(new TypeError('no such row'))
    span.setStatus({ code: SpanStatusCode.ERROR }).end()
  })
  expect(failed.attributes).toMatchObject({
    honeyhive_event_type: 'chain',
    honeyhive_event_name: 'shown',
    honeyhive_error: 'no such row',
    honeyhive_error_type: 'TypeError',
  })
  const { attributes, status } = finish(createTracer, {}, withAttributes(0))
  expect(Object.keys(attributes).filter((key) => key.startsWith('honeyhive_'))).toEqual(['honeyhive_event_type'])
  expect(status).toStrictEqual({ code: SpanStatusCode.UNSET })
})

test('a span has its name and its place, and says who made it', ({ tracer }) => {
  const library = tracer.provider.getTracer('library', '1.2.3')
  tracer.startActiveSpan('outer', () => library.startSpan('inner').end())
  const [inner, outer] = tracer.spans
  expect([inner?.name, outer?.name]).toEqual(['inner', 'outer'])
  expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
  expect(inner?.spanContext()).toMatchObject({
    traceId: outer?.spanContext().traceId,
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
  })
  expect(outer?.parentSpanContext).toBeUndefined()
  expect(inner?.instrumentationScope).toMatchObject({ name: 'library', version: '1.2.3' })
  expect(inner?.resource.attributes).toMatchObject({ 'telemetry.sdk.language': 'nodejs' })
})

describe('attributes of a span', () => {
  test('come from nobody but it, also where somebody extends every object', ({ createTracer }) => {
    Object.defineProperty(Object.prototype, 'everywhere', { value: 'x', enumerable: true, writable: true, configurable: true })
    try {
      expect(Object.keys(finish(createTracer, {}, withAttributes(1)).attributes)).not.toContain('everywhere')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'everywhere')
    }
  })

  test('of one name are those of its buckets before those that were set', ({ createTracer }) => {
    const write = (tracer: TestTracer): void =>
      void tracer
        .startSpan('own', { metadata: { model: 'asked' } })
        .setAttribute('honeyhive_metadata.model', 'set')
        .end()
    expect(finish(createTracer, {}, write).attributes).toMatchObject({ 'honeyhive_metadata.model': 'asked' })
  })
})

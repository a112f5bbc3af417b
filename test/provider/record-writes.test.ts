import { context as contextApi, type Span, type SpanOptions, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { describe, expect } from 'vitest'
import { processState } from '../../src/context/globals.js'
import type { TestTracer } from '../../src/testing/index.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const only = ({ spans }: TestTracer): ReadableSpan => {
  expect(spans.length).toBe(1)
  return spans[0] as ReadableSpan
}

describe('what is written to an open span', () => {
  test('is the field of the event, where an attribute stands for one and is a text', ({ tracer }) => {
    const library = tracer.provider.getTracer('library')
    const fieldsOf = (write: Readonly<Record<string, string | number>>): unknown => {
      library.startSpan('own').setAttributes(write).end()
      const { attributes = {} } = tracer.spans.at(-1) ?? {}
      return Object.keys(write).map((name) => attributes[name])
    }
    const fields = { honeyhive_event_type: 'tool', honeyhive_event_name: 'search', honeyhive_event_id: 'e-1' }
    expect(fieldsOf(fields)).toEqual(['tool', 'search', 'e-1'])
    library.startSpan('own').setAttribute('honeyhive.event_type', 'chain').end()
    expect(tracer.spans.at(-1)?.attributes).toMatchObject({ honeyhive_event_type: 'chain' })
    expect(tracer.spans.at(-1)?.attributes).not.toHaveProperty(['honeyhive.event_type'])
  })

  test('marks the span where a name or a message is cut, and not where it fits', ({ tracer }) => {
    const markOf = (write: (text: string) => void, chars: number): unknown => {
      write('x'.repeat(chars))
      return tracer.spans.at(-1)?.attributes['honeyhive.truncated']
    }
    const writes: ((text: string) => void)[] = [
      (text) => tracer.otelTracer.startSpan('own').updateName(text).end(),
      (text) => tracer.otelTracer.startSpan('own').addEvent(text).end(),
      (text) => tracer.otelTracer.startSpan('own').setStatus({ code: SpanStatusCode.ERROR, message: text }).end(),
      (text) => tracer.otelTracer.startSpan('own').setAttribute('honeyhive_event_name', text).end(),
      (text) => {
        const span = tracer.otelTracer.startSpan('own')
        span.recordException({ message: text })
        span.end()
      },
    ]
    expect(writes.map((write) => [markOf(write, 100), markOf(write, 100_000)])).toEqual(writes.map(() => [undefined, true]))
  })

  test('is one exception, where it was recorded by hand and is thrown out of the traced function', ({ tracer }) => {
    const error = new Error('refused')
    const call = (): unknown =>
      tracer.startActiveSpan('own', (span) => {
        span.recordException(error)
        throw error
      })
    expect(call).toThrow(error)
    expect(only(tracer).events.map(({ name }) => name)).toEqual(['exception'])
  })

  test('is a status without a message as well as one with', ({ tracer }) => {
    tracer.otelTracer.startSpan('own').setStatus({ code: SpanStatusCode.ERROR, message: 'failed' }).end()
    tracer.otelTracer.startSpan('own').setStatus({ code: SpanStatusCode.ERROR }).end()
    expect(tracer.spans.map(({ status }) => status)).toStrictEqual([
      { code: SpanStatusCode.ERROR, message: 'failed' },
      { code: SpanStatusCode.ERROR },
    ])
  })

  test('counts by what the span holds of it, however it was written and as often as it was replaced', ({ createTracer }) => {
    const tracer = createTracer({ limits: { maxEvents: 2, maxLinks: 2 } })
    const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    const text = 'x'.repeat(4_000)
    const attributes = { text }
    const library = tracer.provider.getTracer('library')
    const heldAfter = (write: (span: Span) => unknown, options: SpanOptions = {}): number => {
      const before = processState.openBytes ?? 0
      const span = library.startSpan('own', options)
      contextApi.with(trace.setSpan(contextApi.active(), span), () => write(span))
      // A span is weighed when the next one starts.
      const next = library.startSpan('next')
      const held = (processState.openBytes ?? 0) - before
      for (const each of [next, span]) each.end()
      expect(processState.openBytes ?? 0).toBe(before)
      return held
    }
    const nothing = heldAfter(() => undefined)
    const holdsOnce = (write: (span: Span) => unknown, options?: SpanOptions): void => {
      const [held, again] = [heldAfter(write, options), heldAfter((span) => [write(span), write(span)], options)]
      expect(again).toBe(held)
      expect(held - nothing).toBeGreaterThanOrEqual(text.length - 'own'.length)
      expect(held - nothing).toBeLessThan(text.length + 500)
    }
    holdsOnce((span) => span.setAttribute('text', text))
    holdsOnce((span) => span.setAttribute('text', 'x').setAttribute('text', text))
    const [event, link] = [(span: Span) => span.addEvent('event', attributes), (span: Span) => span.addLink({ context, attributes })]
    for (const add of [event, link]) {
      const [one, two, three] = [[0], [0, 0], [0, 0, 0]].map((times) => heldAfter((span) => times.map(() => add(span))) - nothing)
      expect([two, three]).toEqual([2 * (one as number), 2 * (one as number)])
      expect(one).toBeGreaterThanOrEqual(text.length)
    }
    holdsOnce((span) => span.setStatus({ code: SpanStatusCode.ERROR, message: text }))
    holdsOnce((span) => span.updateName(text))
    holdsOnce(() => undefined, { attributes })
    holdsOnce(() => undefined, { links: [{ context, attributes }] })
    holdsOnce(() => tracer.enrichSpan({ metadata: { text } }))
    expect(heldAfter((span) => span.updateName(text).updateName('own'))).toBe(nothing)
    expect(heldAfter((span) => span.setAttribute('text', 'x'))).toBe(heldAfter(() => undefined, { attributes: { text: 'x' } }))
  })
})

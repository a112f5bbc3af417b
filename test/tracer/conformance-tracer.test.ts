import { SpanStatusCode } from '@opentelemetry/api'
import { expect, it } from 'vitest'
import { createTestTracer, type TestTracer } from '../../src/testing/test-tracer.js'
import { traceFn } from '../../src/tracer/tracing.js'
import { describeWrapper, type SeenSpan } from '../fixtures/conformance.js'

/** Ended spans of a tracer in order of their start, then one entry for each span that is still open. */
function seen(tracer: TestTracer): SeenSpan[] {
  const ended = tracer.spans
    .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
    .map((span): SeenSpan => {
      const parent = tracer.spans.find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId)
      const outputs = Object.entries(span.attributes).filter(([key]) => key.startsWith('honeyhive_outputs'))
      const isError = span.status.code === SpanStatusCode.ERROR
      return { name: span.name, parent: parent?.name, state: isError ? 'error' : 'ok', inputs: undefined, output: toText(outputs), ends: 1 }
    })
  const open = Array.from(
    { length: tracer.stats().open },
    (): SeenSpan => ({ name: '', parent: undefined, state: 'open', inputs: undefined, ends: 0 }),
  )
  return [...ended, ...open]
}

/** Values only, in their order: an array is one attribute or several, depending on its items. */
function toText(entries: readonly (readonly [string, unknown])[]): string {
  return entries.map(([, value]) => (Array.isArray(value) ? value.join(', ') : String(value))).join(', ')
}

describeWrapper('traceFn with a tracer', () => {
  const tracer = createTestTracer({ deterministic: true })
  return { wrap: (fn) => traceFn(tracer, fn), seen: () => seen(tracer) }
})

describeWrapper('tracer.trace()(fn)', () => {
  const tracer = createTestTracer({ deterministic: true })
  return { wrap: (fn) => tracer.trace()(fn), seen: () => seen(tracer) }
})

it('D-15: one failure two levels deep gives two failed spans and nothing else', async () => {
  const tracer = createTestTracer()
  const inner = traceFn(
    tracer,
    async () => {
      throw new Error('Tracer error')
    },
    { eventName: 'inner' },
  )
  await expect(traceFn(tracer, async () => await inner(), { eventName: 'outer' })()).rejects.toThrow('Tracer error')
  expect(tracer.tree()).toEqual([{ name: 'outer', children: [{ name: 'inner' }] }])
  expect(tracer.spans.map(({ status, events }) => [status.code, events.map(({ name }) => name)])).toEqual([
    [SpanStatusCode.ERROR, ['exception']],
    [SpanStatusCode.ERROR, ['exception']],
  ])
  expect(tracer.spans[0]?.attributes).toMatchObject({ honeyhive_error: 'Tracer error', honeyhive_error_type: 'Error' })
})

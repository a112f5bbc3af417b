import { context, type Span, trace } from '@opentelemetry/api'
import { NoopSpanProcessor } from '@opentelemetry/sdk-trace'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect } from 'vitest'
import { createRoutingProvider } from '../../src/index.js'
import { isRecordingSpan, readSpanContext } from '../../src/provider/foreign-span.js'
import { ensureContextManager } from '../../src/provider/host.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const IDS = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }

function refuse(): never {
  throw new Error('refused')
}

const SPANS: readonly [kind: string, span: Span][] = [
  ['has its ids and nothing else', { spanContext: () => IDS } as Span],
  ['has nothing', {} as Span],
  ['throws', { spanContext: refuse, isRecording: refuse } as unknown as Span],
  ['gives no ids', { spanContext: () => undefined } as unknown as Span],
]

afterEach(() => {
  trace.disable()
  context.disable()
})

test('a whole span and a partial one say their ids, others none', () => {
  expect(SPANS.map(([, span]) => readSpanContext(span))).toEqual([IDS, undefined, undefined, undefined])
  expect(readSpanContext(undefined)).toBeUndefined()
  expect(readSpanContext(trace.wrapSpanContext({ ...IDS, spanId: '' }))).toBeUndefined()
})

test('only a span that says so does not record', () => {
  expect(SPANS.map(([, span]) => isRecordingSpan(span))).toEqual([true, true, true, true])
  expect(isRecordingSpan(trace.wrapSpanContext(IDS))).toBe(false)
})

describe.for(SPANS)('inside a span of another library that %s', ([, foreign]) => {
  test.for(['alone', 'beside a host'])('all of ours goes on, %s', (company, { createTracer }) => {
    ensureContextManager()
    if (company !== 'alone') new NodeTracerProvider().register()
    // A processor of the user sees the context, so that it is passed on.
    const tracer = createTracer({ spanProcessors: [new NoopSpanProcessor()] })
    const library = createRoutingProvider({ fallback: tracer }).getTracer('library')
    const result = context.with(trace.setSpan(context.active(), foreign), () => {
      tracer.propagator.inject(context.active(), {}, { set: () => undefined })
      return tracer.startActiveSpan('own', () =>
        library.startActiveSpan('routed', (span) => {
          library.startSpan('chosen', {}, trace.setSpan(context.active(), foreign)).end()
          span.end()
          return 'as without us'
        }),
      )
    })
    expect(result).toBe('as without us')
    expect(tracer.spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['own', 'routed', 'chosen']))
  })
})

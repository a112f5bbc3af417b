import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRoutingPropagator, type HoneyHiveTracer, setDefaultTracer } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const SESSION = '0b6de1f2-58f6-4a7e-9c1e-000000000001'
const CARRIER = { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: `session_id=${SESSION}` }

let a: TestTracer
let b: TestTracer
beforeEach(() => {
  a = createTestTracer({ source: 'src-a' })
  b = createTestTracer({ source: 'src-b' })
  propagation.setGlobalPropagator(createRoutingPropagator())
})
afterEach(() => {
  setDefaultTracer(undefined)
  propagation.disable()
  context.disable()
  return Promise.all([a.shutdown(), b.shutdown()])
})

const injected = (at = context.active()): Record<string, string> => {
  const carrier: Record<string, string> = {}
  propagation.inject(at, carrier)
  return carrier
}

/** What a server does with a request: the trace it came with is current while it is handled. */
const handle = (run: () => void): void => context.with(propagation.extract(context.active(), CARRIER), run)

describe('inject', () => {
  test('writes the trace and the session of the innermost tracer, and nothing of another', () => {
    const headers = a.startActiveSpan('outer', () =>
      b.startActiveSpan('inner', (span) => {
        const carrier = injected()
        expect(carrier['traceparent']).toBe(`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`)
        return carrier
      }),
    )
    expect(headers['baggage']).toBe(`session_id=${b.sessionId},source=src-b`)
  })

  test('a span of ours in the context that is given says whose it is', () => {
    const span = a.startSpan('call')
    const carrier = b.startActiveSpan('request', () => injected(trace.setSpan(ROOT_CONTEXT, span)))
    expect(carrier).toEqual({
      traceparent: `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`,
      baggage: `session_id=${a.sessionId},source=src-a`,
    })
  })

  test('without an active tracer it writes for the default one, or nothing where two could be meant', () => {
    expect(injected()).toEqual({})
    setDefaultTracer(a as HoneyHiveTracer)
    expect(injected()['baggage']).toBe(`session_id=${a.sessionId},source=src-a`)
  })
})

describe('extract', () => {
  test('the trace goes on in the tracer that is active there, and in no other', () => {
    b.withSession({ sessionName: 'server' }, () => handle(() => b.startActiveSpan('serve', () => a.startActiveSpan('other', () => {}))))
    const [served] = b.spans
    expect(served?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN })
    expect(served?.attributes['honeyhive.session_id']).toBe(SESSION)
    const [other] = a.spans
    expect(other?.spanContext().traceId).not.toBe(TRACE)
    expect(other?.attributes['honeyhive.session_id']).toBe(a.sessionId)
  })

  test('nothing that came over the wire picks one of two tracers', () => {
    handle(() => a.startActiveSpan('serve', () => {}))
    expect(a.spans[0]?.attributes['honeyhive.session_id']).toBe(a.sessionId)
  })

  test('the only tracer goes on without being active', async () => {
    await b.shutdown()
    handle(() => a.startActiveSpan('serve', () => {}))
    expect(a.spans[0]?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN })
    expect(a.spans[0]?.attributes['honeyhive.session_id']).toBe(SESSION)
  })

  test('registers the standard context manager where there is none, unless the tracer forbids it', async () => {
    await b.shutdown()
    context.disable()
    handle(() => a.startActiveSpan('serve', () => {}))
    expect(a.spans[0]?.spanContext().traceId).toBe(TRACE)
    await a.shutdown()
    context.disable()
    const strict = createTestTracer({ registerContextManager: false })
    handle(() => strict.startActiveSpan('serve', () => {}))
    expect(strict.spans[0]?.spanContext().traceId).not.toBe(TRACE)
    await strict.shutdown()
  })
})

test('it names the headers it writes', () => {
  expect(createRoutingPropagator().fields()).toEqual(['traceparent', 'tracestate', 'baggage'])
})

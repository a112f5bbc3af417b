import { type Context, context, INVALID_SPAN_CONTEXT, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect } from 'vitest'
import { createRoutingProvider } from '../../src/index.js'
import {
  callInContext,
  callWithActiveSpan,
  ensureContextManager,
  hasContextManager,
  hasHost,
  toShownContext,
} from '../../src/provider/host.js'
import { tracerTest as test } from '../fixtures/tracer.js'

afterEach(() => {
  trace.disable()
  context.disable()
})

describe('hasHost', () => {
  test('is false where nothing is registered, also with tracers of ours', ({ tracer }) => {
    tracer.startActiveSpan('own', () => expect(hasHost()).toBe(false))
  })

  test("is true with the application's own SDK, until it is taken away", () => {
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    expect(hasHost()).toBe(true)
    trace.disable()
    expect(hasHost()).toBe(false)
    new NodeTracerProvider().register()
    expect(hasHost()).toBe(true)
  })

  test('is false with a provider of ours as the global one', ({ tracer }) => {
    trace.setGlobalTracerProvider(createRoutingProvider())
    expect(hasHost()).toBe(false)
    trace.disable()
    trace.setGlobalTracerProvider(tracer.provider)
    expect(hasHost()).toBe(false)
  })
})

describe('ensureContextManager', () => {
  test('registers one where there is none, and leaves another alone', () => {
    expect(hasContextManager()).toBe(false)
    ensureContextManager()
    expect(hasContextManager()).toBe(true)
    context.disable()

    let asked = 0
    const own = new AsyncLocalStorageContextManager().enable()
    const active = own.active.bind(own)
    own.active = (): Context => {
      asked++
      return active()
    }
    context.setGlobalContextManager(own)
    ensureContextManager()
    context.active()
    expect(asked).toBe(1)
  })

  test('happens with the first span of an instrumentor, and with no getter and no traced function', ({ tracer }) => {
    const library = tracer.provider.getTracer('library')
    expect([tracer.otelTracer, tracer.propagator, tracer.sessionId]).not.toContain(undefined)
    tracer.startActiveSpan('own', () => tracer.startSpan('by hand').end())
    tracer.withSession({}, () => undefined)
    expect(hasContextManager()).toBe(false)
    library.startSpan('model').end()
    expect(hasContextManager()).toBe(true)
  })

  test('never happens with `registerContextManager: false`', ({ createTracer }) => {
    const tracer = createTracer({ registerContextManager: false })
    tracer.provider.getTracer('library').startActiveSpan('model', (span) => span.end())
    expect(hasContextManager()).toBe(false)
    expect(tracer.tree()).toEqual([{ name: 'model' }])
  })
})

describe('toShownContext', () => {
  test('is what stands in the context, in an object of its own each time', () => {
    const around = { traceId: 'a4cda95b652f4a1592b449d5929fda1b', spanId: 'ae0c63257de34c92', traceFlags: 1 }
    const at = trace.setSpanContext(ROOT_CONTEXT, around)
    expect(toShownContext(at)).toEqual(around)
    expect(toShownContext(at)).not.toBe(toShownContext(at))
  })

  test('keeps the class of a vendor, and gives the ids of one that cannot be copied', () => {
    const ids = { traceId: 'a4cda95b652f4a1592b449d5929fda1b', spanId: 'ae0c63257de34c92', traceFlags: 1 }
    class WithFields {
      readonly _ids = ids
      get traceId(): string {
        return this._ids.traceId
      }
      get spanId(): string {
        return this._ids.spanId
      }
      readonly traceFlags = 1
    }
    class WithPrivateFields {
      readonly #ids = ids
      get traceId(): string {
        return this.#ids.traceId
      }
      get spanId(): string {
        return this.#ids.spanId
      }
      get traceFlags(): number {
        return this.#ids.traceFlags
      }
    }
    expect(toShownContext(trace.setSpanContext(ROOT_CONTEXT, new WithFields()))).toBeInstanceOf(WithFields)
    expect(toShownContext(trace.setSpanContext(ROOT_CONTEXT, new WithPrivateFields()))).toEqual(ids)
  })

  test('is invalid in a context without a span, or with an invalid one', () => {
    expect(toShownContext(ROOT_CONTEXT)).toEqual(INVALID_SPAN_CONTEXT)
    expect(toShownContext(trace.setSpanContext(ROOT_CONTEXT, { ...INVALID_SPAN_CONTEXT, traceFlags: 1 }))).toEqual(INVALID_SPAN_CONTEXT)
  })
})

describe('callWithActiveSpan', () => {
  const activeIn = (of: Parameters<typeof callWithActiveSpan>[0]): unknown =>
    callWithActiveSpan(of, (...given: unknown[]) => [trace.getActiveSpan(), ...given], undefined, [1, 2])

  test('makes the span the active one where no host would see it', ({ tracer }) => {
    ensureContextManager()
    const span = tracer.startSpan('own')
    expect(activeIn(span)).toEqual([span, 1, 2])
  })

  test('only calls beside a host, and where contexts do not stick', ({ tracer }) => {
    const span = tracer.startSpan('own')
    expect(activeIn(span)).toEqual([undefined, 1, 2])
    new NodeTracerProvider().register()
    expect(activeIn(span)).toEqual([undefined, 1, 2])
  })
})

describe('callInContext', () => {
  test('runs in the context that was chosen, beside a host without our span', ({ tracer }) => {
    const key = Symbol('key')
    const at = ROOT_CONTEXT.setValue(key, 'value')
    const span = tracer.startSpan('own')
    const seen = (isOwned: boolean): unknown[] =>
      callInContext(at, span, isOwned, (given) => [given === span, trace.getActiveSpan() === span, context.active().getValue(key)])
    ensureContextManager()
    expect(seen(true)).toEqual([true, true, 'value'])
    expect(seen(false)).toEqual([true, false, 'value'])
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    expect(seen(true)).toEqual([true, false, 'value'])
  })
})

describe('the application beside us', () => {
  test('starts its SDK after ours was used, and keeps its own trees from then on', ({ tracer }) => {
    tracer.provider.getTracer('library').startSpan('model').end()
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    tracer.startActiveSpan('own', () => expect(trace.getActiveSpan()).toBeUndefined())
  })

  test('has a span around one of ours, which can be written to all the same', ({ tracer }) => {
    new NodeTracerProvider().register()
    trace.getTracer('app').startActiveSpan('request', (request) => {
      const span = tracer.provider.getTracer('library').startSpan('model')
      span.setAttribute('a', 1).setAttributes({ b: 2 }).addEvent('event').recordException(new Error('no'))
      span.end()
      request.end()
    })
    expect(tracer.spans[0]?.attributes).toMatchObject({ a: 1, b: 2 })
    expect(tracer.spans[0]?.events.map(({ name }) => name)).toEqual(['event', 'exception'])
  })
})

import { type Context, context, ROOT_CONTEXT, type Span, trace as otel } from '@opentelemetry/api'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRoutingProvider, trace } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

/** The rules of `docs/which-tracer-gets-this-span.md`, each in the smallest program. */

let a: TestTracer
let b: TestTracer
beforeEach(() => {
  a = createTestTracer({ project: 'a', source: 'a' })
  b = createTestTracer({ project: 'b', source: 'b' })
})
afterEach(async () => {
  await Promise.all([a.shutdown(), b.shutdown()])
  otel.disable()
  context.disable()
})

const helper = trace({ eventName: 'helper' })(() => undefined)
/** What an instrumentor records where it runs, set up with the provider of A. */
const instrumented = (at?: Context): void => void a.otelTracer.startSpan('library', {}, at).end()
/** Its trees, by name: spans of one test start and end in different orders. */
const names = (tracer: TestTracer): unknown => tracer.tree().sort((one, other) => one.name.localeCompare(other.name))

describe('an explicit context decides', () => {
  test('a span in it is the parent, whoever is active', () => {
    const kept = a.otelTracer.startSpan('kept')
    b.startActiveSpan('active', () => instrumented(otel.setSpan(ROOT_CONTEXT, kept)))
    kept.end()
    expect([names(a), names(b)]).toEqual([[{ name: 'kept', children: [{ name: 'library' }] }], [{ name: 'active' }]])
  })

  test('context.active() handed on chooses nothing', () => {
    b.startActiveSpan('active', () => instrumented(context.active()))
    expect([names(a), names(b)]).toEqual([[], [{ name: 'active', children: [{ name: 'library' }] }]])
  })

  test('a context without a span makes a root of the active tracer', () => {
    b.otelTracer.startActiveSpan('active', (span) => {
      instrumented(otel.deleteSpan(context.active()))
      instrumented(ROOT_CONTEXT)
      span.end()
    })
    expect([names(a), names(b)]).toEqual([[], [{ name: 'active' }, { name: 'library' }, { name: 'library' }]])
  })
})

describe('the latest entered wins', () => {
  test('an outer OpenTelemetry context that a library restores is older than the scope inside of it', () => {
    a.otelTracer.startActiveSpan('server', (server) => {
      const outer = context.active()
      b.startActiveSpan('handler', () =>
        context.with(outer, () => {
          instrumented()
          helper()
        }),
      )
      server.end()
    })
    expect(names(a)).toEqual([{ name: 'server' }])
    expect(names(b)).toEqual([{ name: 'handler', children: [{ name: 'library' }, { name: 'helper' }] }])
  })

  test('a callback that was bound inside an open span of another tracer belongs there', () => {
    let bound = (): void => undefined
    const own = a.otelTracer.startSpan('own')
    context.with(otel.setSpan(context.active(), own), () => {
      bound = context.bind(context.active(), () => {
        instrumented()
        helper()
      })
    })
    b.startActiveSpan('elsewhere', () => bound())
    own.end()
    expect(names(a)).toEqual([{ name: 'own', children: [{ name: 'library' }, { name: 'helper' }] }])
    expect(names(b)).toEqual([{ name: 'elsewhere' }])
  })

  test('once that span has ended there is no answer: nothing is recorded, and it is said', () => {
    const own = a.otelTracer.startSpan('own')
    const kept = otel.setSpan(ROOT_CONTEXT, own)
    own.end()
    const provider = createRoutingProvider()
    b.startActiveSpan('elsewhere', () =>
      context.with(kept, () => {
        provider.getTracer('lib').startSpan('library').end()
        helper()
      }),
    )
    expect(provider.unowned).toBe(1)
    expect([names(a), names(b)]).toEqual([[{ name: 'own' }], [{ name: 'elsewhere' }]])
  })
})

describe('a span of ours is known', () => {
  const child = (parent: Span): void => instrumented(otel.setSpan(ROOT_CONTEXT, parent))
  const whole = [{ name: 'parent', children: [{ name: 'library' }] }]

  test('by what it is', () => {
    const parent = b.startSpan('parent')
    child(parent)
    parent.end()
    expect([names(a), names(b)]).toEqual([[], whole])
  })

  test('by its ids, for a while after its end too', () => {
    const parent = b.startSpan('parent')
    const ids = { ...parent.spanContext() }
    parent.end()
    child(otel.wrapSpanContext(ids))
    expect([names(a), names(b)]).toEqual([[], whole])
  })

  test('inside another library’s wrapper', () => {
    const parent = b.startSpan('parent')
    class Wrapper {
      readonly span = parent
      spanContext = (): object => ({ traceId: '', spanId: '', traceFlags: 0 })
    }
    child(new Wrapper() as unknown as Span)
    parent.end()
    expect([names(a), names(b)]).toEqual([[], whole])
  })
})

describe('beside another SDK', () => {
  const besideHost = (act: (hostTracer: ReturnType<NodeTracerProvider['getTracer']>) => void): void => {
    const host = new NodeTracerProvider()
    host.register()
    act(host.getTracer('host'))
  }

  test('its active span stays its own inside wrappers and instrumentor spans', () => {
    besideHost((hostTracer) =>
      hostTracer.startActiveSpan('request', (request) => {
        a.startActiveSpan('ours', () => expect(otel.getActiveSpan()).toBe(request))
        a.otelTracer.startActiveSpan('routed', (span) => {
          expect(otel.getActiveSpan()).toBe(request)
          expect(span.spanContext()).toMatchObject({ ...request.spanContext() })
          instrumented()
          span.end()
        })
        request.end()
      }),
    )
    expect(names(a)).toEqual([{ name: 'ours' }, { name: 'routed', children: [{ name: 'library' }] }])
    expect(
      a.spans.every(
        (span) =>
          span.parentSpanContext === undefined || a.spans.some((one) => one.spanContext().spanId === span.parentSpanContext?.spanId),
      ),
    ).toBe(true)
  })

  test('an instrumentor span that is made active by hand shows the host’s ids and is still the parent of what it starts', () => {
    besideHost((hostTracer) =>
      hostTracer.startActiveSpan('request', (request) => {
        const span = a.otelTracer.startSpan('by instrumentor')
        context.with(otel.setSpan(context.active(), span), () => {
          expect(otel.getActiveSpan()?.spanContext()).toMatchObject({ ...request.spanContext() })
          instrumented()
        })
        span.end()
        request.end()
      }),
    )
    expect(names(a)).toEqual([{ name: 'by instrumentor', children: [{ name: 'library' }] }])
  })

  test('a span started by hand shows its own ids', () => {
    besideHost((hostTracer) =>
      hostTracer.startActiveSpan('request', (request) => {
        const span = a.startSpan('by hand')
        expect(span.spanContext().traceId).not.toBe(request.spanContext().traceId)
        span.end()
        expect(a.spans[0]?.spanContext()).toEqual(span.spanContext())
        request.end()
      }),
    )
  })

  test('without a span of the host, what an instrumentor gets shows no valid ids', () => {
    besideHost(() => {
      const span = a.otelTracer.startSpan('s')
      expect([span.isRecording(), Number(`0x${span.spanContext().traceId}`)]).toEqual([true, 0])
      span.end()
    })
    expect(a.spans.length).toBe(1)
  })
})

import { type Context, context, ROOT_CONTEXT, type Span, type TracerProvider, trace as otel } from '@opentelemetry/api'
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

  test('also where the tracer of that context is shut down, as long as the other one lives', async () => {
    const server = a.provider.getTracer('server')
    await a.shutdown()
    const request = server.startSpan('request')
    context.with(otel.setSpan(context.active(), request), () => {
      const next = context.bind(context.active(), () => {
        instrumented()
        helper()
      })
      context.with(otel.setSpan(context.active(), server.startSpan('middleware')), () => b.withSession({}, next))
    })
    expect([names(a), names(b)]).toEqual([[], [{ name: 'helper' }, { name: 'library' }]])
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

describe('an outer context that a library keeps and names again', () => {
  /** What @fastify/otel does: a span for the request, and every span of a hook or of the handler is started in that one's context. */
  function serve(provider: TracerProvider, hook: (next: () => void) => void): void {
    const server = provider.getTracer('server')
    const request = server.startSpan('request')
    const kept = otel.setSpan(context.active(), request)
    const inSpan = (name: string, fn: () => void): void => {
      const span = server.startSpan(name, {}, kept)
      context.with(otel.setSpan(kept, span), fn)
      span.end()
    }
    const handler = (): void => {
      instrumented()
      helper()
    }
    context.with(kept, () =>
      inSpan('hook', () =>
        hook(() => {
          inSpan('one', handler)
          inSpan('two', handler)
        }),
      ),
    )
    request.end()
  }
  const inside = [{ name: 'library' }, { name: 'helper' }]
  const handlers = [
    { name: 'one', children: inside },
    { name: 'two', children: inside },
  ]
  const outside = { name: 'request', children: [{ name: 'hook' }] }

  test('is older than the scope inside of it: what starts in it is the tenant’s, by every entrance', () => {
    serve(a.provider, (next) => b.startActiveSpan('tenant', next))
    serve(a.provider, (next) => b.withSession({}, () => next()))
    serve(a.provider, (next) => b.withRemoteContext({ traceparent: '00-d4cda95b652f4a1592b449d5929fda1b-6e0c63257de34c92-01' }, next))
    expect(names(a)).toEqual([outside, outside, outside])
    expect(names(b)).toEqual(
      [...handlers, ...handlers, { name: 'tenant', children: handlers }].sort((x, y) => x.name.localeCompare(y.name)),
    )
  })

  test('and is the session’s that was entered inside of it, with the same tracer', () => {
    serve(a.provider, (next) => a.withSession({ sessionName: 'request' }, () => a.startActiveSpan('tenant', next)))
    expect(names(a)).toEqual([outside, { name: 'tenant', children: handlers }])
    const [session] = a.sessions.filter(({ sessionName }) => sessionName === 'request')
    const sessionOf = (name: string): unknown => a.spans.find((span) => span.name === name)?.attributes['honeyhive.session_id']
    expect(['one', 'library', 'helper'].map(sessionOf)).toEqual(Array(3).fill(session?.sessionId))
    expect(sessionOf('hook')).not.toBe(session?.sessionId)
  })

  test('also where nobody records that span: no tracer was active, or its tracer is shut down', async () => {
    const provider = createRoutingProvider()
    serve(provider, (next) => b.startActiveSpan('tenant', next))
    await a.shutdown()
    serve(a.provider, (next) => b.startActiveSpan('tenant', next))
    const tenant = { name: 'tenant', children: handlers }
    expect([names(a), names(b)]).toEqual([[], [tenant, tenant]])
    expect(provider.unowned).toBe(2)
  })

  test('is the parent as before where no scope was entered', () => {
    serve(a.provider, (next) => next())
    expect(names(a)).toEqual([{ name: 'request', children: [{ name: 'hook' }, ...handlers] }])
  })

  test('while one made by hand inside of the scope decides, each time', () => {
    a.otelTracer.startActiveSpan('outer', (outer) => {
      b.startActiveSpan('tenant', () => {
        const chosen = otel.setSpan(context.active(), outer)
        instrumented(chosen)
        b.startActiveSpan('step', () => instrumented(chosen))
        instrumented(otel.setSpanContext(context.active(), outer.spanContext()))
      })
      outer.end()
    })
    expect(names(a)).toEqual([{ name: 'outer', children: Array(3).fill({ name: 'library' }) }])
    expect(names(b)).toEqual([{ name: 'tenant', children: [{ name: 'step' }] }])
  })

  test('and a context that cannot be written to decides as one made by hand', () => {
    a.otelTracer.startActiveSpan('outer', (outer) => {
      const frozen = Object.freeze(otel.setSpan(ROOT_CONTEXT, outer))
      context.with(frozen, () => b.startActiveSpan('tenant', () => instrumented(frozen)))
      outer.end()
    })
    expect([names(a), names(b)]).toEqual([[{ name: 'outer', children: [{ name: 'library' }] }], [{ name: 'tenant' }]])
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

import { type Context, context, INVALID_SPAN_CONTEXT, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeAll, describe, expect, vi } from 'vitest'
import { createRoutingProvider, trace as traced } from '../../src/index.js'
import { frameOf } from '../../src/context/scope.js'
import { ensureContextManager } from '../../src/provider/host.js'
import { findInnermost, findOwned, innermostSpanOf, readSurroundings, routeSpan } from '../../src/provider/owner.js'
import type { TestTracer } from '../../src/testing/index.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const remote = { traceId: 'd4cda95b652f4a1592b449d5929fda1b', spanId: '6e0c63257de34c92', traceFlags: 1, isRemote: true }
const foreign = { traceId: 'a4cda95b652f4a1592b449d5929fda1b', spanId: 'ae0c63257de34c92', traceFlags: 1 }
const withSpan = (span: Span): Context => trace.setSpan(context.active(), span)
const ownerNow = (): unknown => findInnermost(readSurroundings()).instance

beforeAll(() => ensureContextManager())
afterEach(() => trace.disable())

describe('findOwned', () => {
  test('knows a span of ours as itself, by its ids, and inside a wrapper', ({ tracer }) => {
    const span = tracer.startSpan('own')
    const wrapper = Object.assign(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), { span })
    const copy = trace.wrapSpanContext({ ...span.spanContext() })
    const double = Object.assign(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), { span: copy, _span: 'none', otelSpan: span })
    for (const carrier of [span, new Proxy(span, {}), copy, wrapper, double]) {
      expect(findOwned(carrier)?.owner).toBe(tracer.instance)
      expect(findOwned(carrier)?.context.spanId).toBe(span.spanContext().spanId)
    }
  })

  test('knows a span by its ids after it ended', ({ tracer }) => {
    const span = tracer.startSpan('own')
    const ids = { ...span.spanContext() }
    span.end()
    expect(findOwned(trace.wrapSpanContext(ids))).toMatchObject({ owner: tracer.instance, hasEnded: true })
  })

  test('is nothing for ids that came over the wire, which anybody may have written', ({ tracer }) => {
    const ids = tracer.startSpan('own').spanContext()
    expect(findOwned(trace.wrapSpanContext({ ...ids }))?.owner).toBe(tracer.instance)
    expect(findOwned(trace.wrapSpanContext({ ...ids, isRemote: true }))).toBeUndefined()
  })

  test('is nothing for no span, a span of somebody else, ids of another trace, and what refuses to be read', ({ tracer }) => {
    const { spanId } = tracer.startSpan('own').spanContext()
    const hostile = new Proxy(trace.wrapSpanContext(foreign), {
      get: () => {
        throw new Error('no')
      },
    })
    for (const other of [undefined, trace.wrapSpanContext(foreign), trace.wrapSpanContext({ ...foreign, spanId }), hostile])
      expect(findOwned(other)).toBeUndefined()
  })
})

describe('readSurroundings', () => {
  test('tells the scope, the context and the span around, and whose it is', ({ tracer }) => {
    const library = tracer.provider.getTracer('library')
    library.startActiveSpan('model', (span) => {
      const at = readSurroundings()
      expect(at.context).toBe(context.active())
      expect(at.span).toBe(span)
      expect(at.owned?.owner).toBe(tracer.instance)
      expect(at.scope?.frame.instance).toBe(tracer.instance)
    })
    expect(readSurroundings()).toMatchObject({ scope: undefined, span: undefined, owned: undefined })
  })
})

describe('findInnermost', () => {
  test('is who was entered last, by a scope or by a span', ({ tracer, createTracer }) => {
    const other = createTracer()
    const library = tracer.provider.getTracer('library')
    expect(ownerNow()).toBeUndefined()
    tracer.startActiveSpan('own', () => {
      expect(ownerNow()).toBe(tracer.instance)
      other.withSession({}, () => expect(ownerNow()).toBe(other.instance))
      const span = library.startSpan('model')
      other.startActiveSpan('other', () => {
        expect(ownerNow()).toBe(other.instance)
        // It was not active where the other tracer was entered, so making it active is no way back to the outside.
        context.with(withSpan(span), () => expect(ownerNow()).toBe(tracer.instance))
      })
    })
  })

  test('stays with a scope when a library restores the context of outside', ({ tracer, createTracer }) => {
    const other = createTracer()
    tracer.provider.getTracer('server').startActiveSpan('request', () => {
      const outer = context.active()
      other.withSession({}, () => context.with(outer, () => expect(ownerNow()).toBe(other.instance)))
    })
  })

  test('is the request that bound a callback, where a pool runs it in another one of the same tracer', ({ tracer }) => {
    const library = tracer.provider.getTracer('library')
    const [spans, callbacks]: [Span[], (() => void)[]] = [[], []]
    const serve = (name: string, handle: () => void): void =>
      context.with(withSpan(library.startSpan(`GET ${name}`, { root: true })), () =>
        tracer.withSession({ sessionName: name }, () => {
          const answer = library.startSpan(name)
          spans.push(answer)
          context.with(withSpan(answer), handle)
        }),
      )
    const query = (): void => {
      library.startSpan('query').end()
      tracer.startSpan('by hand').end()
      traced({ eventName: 'row' })(() => undefined)()
    }
    serve('one', () => callbacks.push(context.bind(context.active(), query)))
    serve('two', () => callbacks[0]?.())
    for (const span of spans) span.end()
    const [one, two] = tracer.tree().filter(({ name }) => name === 'one' || name === 'two')
    expect(one).toEqual({ name: 'one', children: [{ name: 'query' }, { name: 'by hand' }, { name: 'row' }] })
    expect(two).toEqual({ name: 'two' })
    const sessionOf = (name: string): unknown => tracer.spans.find((span) => span.name === name)?.attributes['honeyhive.session_id']
    expect(['query', 'by hand', 'row'].map(sessionOf)).toEqual(Array(3).fill(sessionOf('one')))
    expect(sessionOf('two')).not.toBe(sessionOf('one'))
  })

  test('is who bound a callback, in whose scope it may run', async ({ tracer, createTracer }) => {
    const { bound } = await bindIn(tracer)
    createTracer().startActiveSpan('elsewhere', () => bound(() => expect(ownerNow()).toBe(tracer.instance)))
  })

  test('is who was entered inside of a bound callback', async ({ tracer, createTracer }) => {
    const { bound } = await bindIn(tracer)
    const other = createTracer()
    const enter = (): void => other.withSession({}, () => expect(ownerNow()).toBe(other.instance))
    other.startActiveSpan('elsewhere', () => bound(enter))
  })

  test('is nobody, with both named, once the span that bound the callback has ended', async ({ tracer, createTracer }) => {
    const { bound, span } = await bindIn(tracer)
    span.end()
    const other = createTracer()
    other.startActiveSpan('elsewhere', () =>
      bound(() => {
        const { instance, conflict } = findInnermost(readSurroundings())
        expect(instance).toBeUndefined()
        expect(conflict).toEqual([tracer.instance, other.instance])
      }),
    )
  })

  test('records nothing of such a callback and says why, once', async ({ tracer, createTracer }) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { bound, span } = await bindIn(tracer)
    span.end()
    const other = createTracer()
    const library = createRoutingProvider()
    const model = (): void => library.getTracer('library').startSpan('model of nobody').end()
    const lonely = traced({ eventName: 'of nobody' })(() => undefined)
    other.startActiveSpan('elsewhere', () => bound(() => [model(), model(), lonely()]))
    const lines = written.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('model of nobody'))
    written.mockRestore()
    expect(lines).toEqual([expect.stringContaining('Bind the callback to one of them')])
    expect(library.unowned).toBe(2)
    expect([tracer.tree(), other.tree()]).toEqual([[{ name: 'bound' }], [{ name: 'elsewhere' }]])
  })
})

describe('innermostSpanOf', () => {
  test('is the later of the active span and the one the frame holds, for that tracer alone', ({ tracer, createTracer }) => {
    const other = createTracer()
    const spanOf = ({ instance }: TestTracer): unknown => {
      const { scope, owned } = readSurroundings()
      return innermostSpanOf(instance, frameOf(instance, scope), owned)
    }
    const outer = tracer.provider.getTracer('library').startSpan('outer')
    context.with(withSpan(outer), () => {
      expect(spanOf(tracer)).toBe(outer)
      expect(spanOf(other)).toBeUndefined()
      tracer.startActiveSpan('inner', (inner) => {
        expect(spanOf(tracer)).toBe(inner)
        context.with(withSpan(outer), () => expect(spanOf(tracer)).toBe(inner))
        other.startActiveSpan('other', () => expect(spanOf(tracer)).toBe(inner))
      })
    })
  })
})

describe('routeSpan', () => {
  const route = (at: Context = context.active(), isRoot = false): ReturnType<typeof routeSpan> => routeSpan(at, isRoot, readSurroundings())

  test('goes to the innermost tracer where nothing was chosen, and is free where none is active', ({ tracer }) => {
    expect(route()).toMatchObject({ owner: undefined, isFree: true })
    tracer.startActiveSpan('own', () =>
      expect(route()).toMatchObject({ owner: tracer.instance, isFree: false, place: { isChosen: false } }),
    )
  })

  test('goes under a span of ours that was chosen, also inside another tracer', ({ tracer, createTracer }) => {
    const chosen = tracer.startSpan('chosen')
    createTracer().startActiveSpan('elsewhere', () => {
      const { owner, place } = route(trace.setSpanContext(context.active(), chosen.spanContext()))
      expect(owner).toBe(tracer.instance)
      expect(place).toMatchObject({ parent: { context: chosen.spanContext() }, isChosen: true })
      const root = { owner: tracer.instance, place: { parent: undefined, remoteParent: undefined, isChosen: true } }
      expect(route(withSpan(chosen), true)).toMatchObject(root)
    })
  })

  test('goes to the session that was entered after a context was named, and under the span in it before', ({ tracer, createTracer }) => {
    const other = createTracer()
    tracer.provider.getTracer('library').startActiveSpan('outer', (outer) =>
      other.withSession({}, () => {
        const chosen = trace.setSpan(context.active(), outer)
        const owner = (): unknown => context.with(trace.deleteSpan(context.active()), () => route(chosen).owner)
        expect([owner(), owner()].map((one) => one === tracer.instance)).toEqual([true, true])
        expect(other.withSession({}, owner) === other.instance).toBe(true)
      }),
    )
  })

  test('leaves to no fallback what is put under a span that nobody records', ({ tracer }) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const unrecorded = createRoutingProvider().getTracer('library').startSpan('of nobody')
    expect(route(withSpan(unrecorded))).toMatchObject({ owner: undefined, isFree: false })
    createRoutingProvider({ fallback: tracer }).getTracer('library').startSpan('below', {}, withSpan(unrecorded)).end()
    written.mockRestore()
    expect(tracer.tree()).toEqual([])
  })

  test('makes a root of the innermost tracer in a context without a span, and when one is asked for', ({ tracer }) => {
    const root = { owner: tracer.instance, place: { parent: undefined, remoteParent: undefined, isChosen: true } }
    tracer.startActiveSpan('own', () => {
      context.with(withSpan(tracer.startSpan('active')), () => {
        expect(route(ROOT_CONTEXT)).toMatchObject(root)
        expect(route(trace.deleteSpan(context.active()))).toMatchObject(root)
        expect(route(context.active(), true)).toMatchObject(root)
      })
    })
  })

  test('continues a remote parent that was chosen or is active, and not one that is further out than the scope', ({ tracer }) => {
    const carried = trace.setSpanContext(ROOT_CONTEXT, remote)
    const continued = { owner: tracer.instance, place: { remoteParent: remote } }
    tracer.startActiveSpan('own', () => {
      expect(route(carried)).toMatchObject(continued)
      context.with(carried, () => expect(route()).toMatchObject(continued))
    })
    context.with(carried, () =>
      tracer.withSession({}, () => expect(route()).toMatchObject({ owner: tracer.instance, place: { remoteParent: undefined } })),
    )
  })

  test('takes a span of the application for no parent and no choice of a place', ({ tracer }) => {
    const at = trace.setSpanContext(ROOT_CONTEXT, foreign)
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    const anywhere = { owner: tracer.instance, place: { parent: undefined, remoteParent: undefined, isChosen: false } }
    tracer.startActiveSpan('own', () => {
      expect(route(at)).toMatchObject(anywhere)
      context.with(trace.setSpanContext(ROOT_CONTEXT, remote), () => expect(route(at)).toMatchObject(anywhere))
    })
  })

  test('continues no span of ours that has ended as if it were a caller, where a library restores its context', ({
    tracer,
    createTracer,
  }) => {
    const other = createTracer()
    const library = tracer.provider.getTracer('library')
    library.startActiveSpan('request', (request) => {
      const outer = context.active()
      const restored = (): ReturnType<typeof route> => context.with(outer, () => route())
      library.startActiveSpan('inside', () =>
        other.withSession({}, () => {
          request.end()
          expect(restored()).toMatchObject({ owner: other.instance, place: { remoteParent: undefined, isChosen: false } })
        }),
      )
    })
  })

  test('goes under a span of another nest that was named, after its end too', ({ tracer, createTracer }) => {
    const span = tracer.provider.getTracer('library').startSpan('bound')
    const at = withSpan(span)
    const under = { owner: tracer.instance, place: { parent: { context: span.spanContext() } }, conflict: undefined }
    expect(route(at)).toMatchObject(under)
    span.end()
    createTracer().withSession({}, () => expect(route(at)).toMatchObject(under))
  })

  test('continues ids that are marked as remote beside an application, too', ({ tracer }) => {
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    const carried = trace.setSpanContext(ROOT_CONTEXT, remote)
    tracer.startActiveSpan('own', () => expect(route(carried)).toMatchObject({ owner: tracer.instance, place: { remoteParent: remote } }))
  })

  test('continues ids that are marked as nothing where no application could have made them', ({ tracer }) => {
    const at = trace.setSpanContext(ROOT_CONTEXT, foreign)
    tracer.startActiveSpan('own', () => expect(route(at)).toMatchObject({ owner: tracer.instance, place: { remoteParent: foreign } }))
  })
})

/** A span of a library of that tracer, and what runs a function in its context. */
async function bindIn(tracer: TestTracer): Promise<{ readonly span: Span; readonly bound: (fn: () => unknown) => unknown }> {
  const span = tracer.provider.getTracer('library').startSpan('bound')
  return { span, bound: context.bind(withSpan(span), (fn: () => unknown) => fn()) }
}

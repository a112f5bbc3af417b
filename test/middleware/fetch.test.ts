import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it, vi } from 'vitest'
import { traceFetchHandler } from '../../src/middleware/fetch.js'
import { createTestTracer } from '../../src/testing/index.js'
import { findRoute, respondRoute, serveFetch } from './fetch-server.js'
import { describeServer } from './shared-spec.js'

describeServer({
  name: 'a fetch handler over node:http',
  knowsRoutes: false,
  seesErrors: true,
  start: ({ choose, options, routes, middleware }) =>
    serveFetch(
      traceFetchHandler(
        (request: Request) => choose(Object.fromEntries(request.headers)),
        async (request: Request): Promise<Response> => {
          middleware?.()
          const route = findRoute(routes, request)
          return route === undefined ? new Response('', { status: 404 }) : await respondRoute(route, request)
        },
        options,
      ),
    ),
})

describe('traceFetchHandler', () => {
  const request = (method = 'GET'): Request => new Request('http://localhost/api/chat?key=hidden', { method })

  it('keeps the type, name and further arguments of a Next.js route handler', async () => {
    const tracer = createTestTracer()
    async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
      return Response.json({ id: (await params).id })
    }
    const traced = traceFetchHandler(tracer, GET, { route: '/api/chat/[id]' })
    expect(traced.name).toBe('GET')
    expect(traced.length).toBe(2)
    const response = await traced(request(), { params: Promise.resolve({ id: '7' }) })
    expect(tracer.tree()).toMatchObject([{ name: 'GET /api/chat/[id]' }])
    expect(await response.json()).toEqual({ id: '7' })
  })

  it('ends at once when the body is there already, read or not', async () => {
    const tracer = createTestTracer()
    for (const make of [
      () => new Response('text'),
      () => Response.json({}),
      () => new Response(null, { status: 204 }),
      () => new Response(new Uint8Array(3)),
    ]) {
      const response = traceFetchHandler(tracer, () => make())(request()) as Response
      expect(response.headers.get('x-session-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(tracer.stats().open).toBe(0)
    }
    await traceFetchHandler(tracer, async () => new Response(new ReadableStream()))(request('HEAD'))
    expect(tracer.stats()).toMatchObject({ open: 0, ended: 5 })
  })

  it('stays synchronous for a synchronous handler, and rethrows what it throws', () => {
    const tracer = createTestTracer()
    const error = new RangeError('no')
    const failing = traceFetchHandler(tracer, (): Response => {
      throw error
    })
    expect(traceFetchHandler(tracer, () => new Response('ok'))(request())).toBeInstanceOf(Response)
    expect(() => failing(request())).toThrow(error)
    expect(tracer.spans.map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.ERROR])
  })

  it('gives back the very response of the handler, or a copy when its headers refuse changes', async () => {
    const tracer = createTestTracer()
    const response = new Response('mine')
    expect(traceFetchHandler(tracer, () => response)(request())).toBe(response)
    const redirect = traceFetchHandler(tracer, () => Response.redirect('http://localhost/else', 303))(request()) as Response
    expect([redirect.status, redirect.headers.get('location')]).toEqual([303, 'http://localhost/else'])
    expect(redirect.headers.get('x-session-id')).toMatch(/^[0-9a-f-]{36}$/)
    const broken = Response.error()
    expect(traceFetchHandler(tracer, () => broken)(request())).toBe(broken)
    expect(traceFetchHandler(tracer, (() => 'no response') as never)(request())).toBe('no response')
    expect(tracer.stats()).toMatchObject({ open: 0, ended: 4 })
  })

  it('leaves a response that answers several requests as it is: each of two tracers answers its own session, and an untraced request none', async () => {
    const tracers = { one: createTestTracer(), two: createTestTracer() }
    const nothing = new Response(null, { status: 204 })
    const handler = traceFetchHandler(
      ({ url }: Request) => tracers[new URL(url).pathname.slice(1) as 'one' | 'two'],
      async () => nothing,
      { ignore: ({ url }) => url.endsWith('/health') },
    )
    const answers = await Promise.all(['one', 'two', 'health'].map((path) => handler(new Request(`http://localhost/${path}`))))
    const sessions = [tracers.one, tracers.two].map(({ spans }) => spans[0]?.attributes['honeyhive.session_id'])
    expect(answers.map(({ headers }) => headers.get('x-session-id'))).toEqual([...sessions, null])
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204])
  })

  it('leaves a session header that the handler answers, and answers the outermost of two tracers', async () => {
    const [outer, inner] = [createTestTracer(), createTestTracer()]
    const nest = (response: () => Response): Response => traceFetchHandler(outer, traceFetchHandler(inner, response))(request()) as Response
    expect(nest(() => new Response('x', { headers: { 'x-session-id': 'of the host' } })).headers.get('x-session-id')).toBe('of the host')
    for (const body of ['text', null]) {
      outer.clear()
      expect(nest(() => new Response(body)).headers.get('x-session-id')).toBe(outer.sessions[0]?.sessionId)
    }
  })

  it('ends when a stream fails, is cancelled or is left behind by an aborted request', async () => {
    const tracer = createTestTracer()
    const stream =
      (source: UnderlyingDefaultSource): (() => Response) =>
      () =>
        new Response(new ReadableStream(source))
    const failing = traceFetchHandler(tracer, stream({ pull: () => Promise.reject(new Error('mid-stream')) }))(request()) as Response
    await expect(failing.text()).rejects.toThrow('mid-stream')
    await vi.waitFor(() => expect(tracer.spans[0]?.status.message).toBe('mid-stream'), 60_000)
    const cancelled = traceFetchHandler(tracer, stream({}))(request()) as Response
    await cancelled.body?.cancel()
    expect(tracer.spans).toHaveLength(2)
    const controller = new AbortController()
    traceFetchHandler(tracer, stream({}))(new Request('http://localhost/', { signal: controller.signal }))
    expect(tracer.stats().open).toBe(1)
    controller.abort()
    expect(tracer.spans[2]?.attributes['honeyhive_metadata.aborted']).toBe(true)
  })

  it('ends when a streamed body is thrown away unread', async () => {
    setFlagsFromString('--expose_gc')
    const collect: () => void = runInNewContext('gc')
    const tracer = createTestTracer()
    traceFetchHandler(tracer, () => new Response(new ReadableStream()))(request())
    expect(tracer.stats().open).toBe(1)
    await vi.waitFor(async () => {
      collect()
      await delay(1)
      expect(tracer.spans[0]?.attributes['honeyhive_metadata.aborted']).toBe(true)
    }, 60_000)
  })

  it('flushes after the response and tells the platform at the start', async () => {
    const tracer = createTestTracer()
    const flush = vi.spyOn(tracer, 'forceFlush')
    const waiting: Promise<boolean>[] = []
    const handler = traceFetchHandler(
      tracer,
      async () => {
        expect(waiting).toHaveLength(1)
        expect(flush).not.toHaveBeenCalled()
        return new Response('ok')
      },
      { flush: true, waitUntil: (flushed) => waiting.push(flushed) },
    )
    await handler(request())
    expect(await waiting[0]).toBe(true)
    expect(flush).toHaveBeenCalledTimes(1)
  })

  it('records a request once when one tracer sees it twice, and for two tracers each its own', async () => {
    const [one, other] = [createTestTracer(), createTestTracer()]
    const handler = traceFetchHandler(
      one,
      traceFetchHandler(
        other,
        traceFetchHandler(one, async () => {
          one.startSpan('inner of one').end()
          other.startSpan('inner of other').end()
          return new Response('ok')
        }),
      ),
    )
    await handler(request())
    expect(one.tree()).toMatchObject([{ name: 'GET /api/chat', children: [{ name: 'inner of one' }] }])
    expect(other.tree()).toMatchObject([{ name: 'GET /api/chat', children: [{ name: 'inner of other' }] }])
  })

  it('refuses a missing tracer and unknown options where it is set up', () => {
    expect(() => traceFetchHandler(undefined as never, () => new Response(''), { sesionName: 1 } as never)).toThrow(
      /Invalid "tracer"[\s\S]*Unknown option "sesionName" from code\. Did you mean "sessionName"/,
    )
  })

  it('refuses wrong values where it is set up, all of them', () => {
    const wrong = { sessionName: 'chat', continueRemote: 'no', route: 1 } as never
    expect(() => traceFetchHandler(createTestTracer(), () => new Response(''), wrong)).toThrow(
      [
        'traceFetchHandler: 3 invalid settings.',
        '  - Invalid "sessionName": expected a function, got "chat" from code. Give (request) => the name of its session.',
        '  - Invalid "continueRemote": expected true, false or a function, got "no" from code. Give false, or (request) => true for callers you trust.',
        '  - Invalid "route": expected a string, got 1 from code. Give a pattern, e.g. "/api/chat/[id]".',
      ].join('\n'),
    )
  })
})

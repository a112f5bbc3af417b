import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { describe, expect, it } from 'vitest'
import { honeyHive, traceFetchHandler } from '../../src/middleware/fetch.js'
import { createTestTracer } from '../../src/testing/index.js'
import { respondRoute } from './fetch-server.js'
import { listen } from './node-routes.js'
import { describeServer, type Setup } from './shared-spec.js'

function createApp({ routes, middleware }: Setup, app = new Hono()): Hono {
  app.use(async (_context, next) => {
    middleware?.()
    await next()
  })
  for (const route of routes) app.on(route.method, route.path, ({ req }) => respondRoute(route, req.raw))
  return app
}

async function listenHono(fetch: Parameters<typeof serve>[0]['fetch']): Promise<{ url: string; close(): Promise<void> }> {
  const server = await new Promise<Server>((resolve) => {
    const made = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made as Server))
  })
  return await listen(server)
}

describeServer({
  name: 'Hono with the middleware',
  knowsRoutes: true,
  seesErrors: true,
  start: (setup) => {
    const app = new Hono()
    app.use(honeyHive(({ req }) => setup.choose(Object.fromEntries(req.raw.headers)), setup.options))
    app.onError((_error, context) => context.text('failed', 500))
    return listenHono(createApp(setup, app).fetch)
  },
})

describeServer({
  name: 'Hono inside traceFetchHandler',
  knowsRoutes: false,
  seesErrors: false,
  start: (setup) => {
    const app = createApp(setup)
    app.onError((_error, context) => context.text('failed', 500))
    return listenHono(traceFetchHandler((request: Request) => setup.choose(Object.fromEntries(request.headers)), app.fetch, setup.options))
  },
})

describe('honeyHive for Hono', () => {
  it('takes the app as it is in tests, streams included', async () => {
    const tracer = createTestTracer()
    const app = new Hono()
    app.use(honeyHive(tracer))
    app.get('/stream/:id', (context) =>
      streamText(context, async (stream) => {
        await tracer.startActiveSpan('chunk', () => stream.write('text'))
      }),
    )
    const response = await app.request('/stream/1')
    expect(await response.text()).toBe('text')
    expect(tracer.tree()).toMatchObject([{ name: 'GET /stream/:id', children: [{ name: 'chunk' }] }])
    expect(response.headers.get('x-session-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('leaves what Hono answers: a session header, cookies, a response that several requests share, and that nobody answered', async () => {
    const tracer = createTestTracer()
    const shared = new Response(null, {
      status: 204,
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    })
    const build = (app: Hono): Hono => {
      app.get('/own', (context) => context.text('x', 200, { 'x-session-id': 'of the host' }))
      app.get('/shared', () => shared)
      app.get('/silent', (() => undefined) as never)
      app.onError((error, context) => context.text(error.message, 500))
      return app
    }
    const [traced, plain] = [
      build(new Hono().use(honeyHive(tracer)) as Hono),
      build(new Hono().use(async (_context, next) => void (await next())) as Hono),
    ]
    expect((await traced.request('/own')).headers.get('x-session-id')).toBe('of the host')
    const ids = [await traced.request('/shared'), await traced.request('/shared')].map(({ headers }) => {
      expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      return headers.get('x-session-id')
    })
    expect(ids).toEqual(tracer.sessions.slice(1).map(({ sessionId }) => sessionId))
    expect(shared.headers.has('x-session-id')).toBe(false)
    const read = async (app: Hono): Promise<unknown[]> => {
      const response = await app.request('/silent')
      return [response.status, await response.text()]
    }
    expect(await read(traced)).toEqual(await read(plain))
    expect(tracer.stats().open).toBe(0)
  })

  describe('a request that is passed on as a copy', () => {
    const tracers = () => ({ outside: createTestTracer(), inside: createTestTracer() })

    it('is recorded once by a tracer outside and inside of `mount`, in one session', async () => {
      const { outside: tracer } = tracers()
      const inner = new Hono().use(honeyHive(tracer)).post('/ask', async ({ req, text }) => {
        return text(`${tracer.sessionId} ${await req.text()}`)
      })
      const outer = new Hono().use(honeyHive(tracer)).mount('/chat', inner.fetch)
      const answers = [0, 1].map((i) =>
        outer.request('/chat/ask?q=1', { method: 'POST', body: `body ${i}`, headers: { 'x-tenant': String(i) } }),
      )
      for (const [i, response] of (await Promise.all(answers)).entries())
        expect(await response.text()).toBe(`${response.headers.get('x-session-id')} body ${i}`)
      expect(tracer.spans.map(({ name }) => name)).toEqual(['POST /chat/ask', 'POST /chat/ask'])
      expect(tracer.sessions).toHaveLength(2)
    })

    it('is recorded by each tracer for itself, and leaves what is current where the inner one ignores it', async () => {
      const { outside, inside } = tracers()
      const answer = (fetch: (request: Request) => Response | Promise<Response>) =>
        new Hono().use(honeyHive(outside)).mount('/chat', fetch).request('/chat/ask')
      const app = (ignore: boolean) =>
        new Hono()
          .use(honeyHive(inside, { ignore: () => ignore }))
          .get('/ask', ({ text }) => text(outside.startActiveSpan('inner', () => outside.sessionId)))
      for (const ignore of [false, true]) {
        const response = await answer(app(ignore).fetch)
        expect(await response.text()).toBe(response.headers.get('x-session-id'))
      }
      expect(outside.tree()).toMatchObject([1, 2].map(() => ({ name: 'GET /chat/ask', children: [{ name: 'inner' }] })))
      expect(inside.spans.map(({ name }) => name)).toEqual(['GET /ask'])
    })

    it('is one request for `traceFetchHandler` too, until it is answered', async () => {
      const { outside: tracer } = tracers()
      const inner = traceFetchHandler(tracer, () => new Response(tracer.sessionId))
      let kept: Request | undefined
      const outer = traceFetchHandler(tracer, (request: Request) => {
        kept = request
        return inner(new Request(request))
      })
      await outer(new Request('http://host.test/a', { headers: { accept: 'text/html' } }))
      expect(tracer.spans).toHaveLength(1)
      await inner(new Request(kept as Request))
      expect(tracer.spans).toHaveLength(2)
    })

    it('is not what a handler asks of its own application', async () => {
      const { outside: tracer } = tracers()
      const app = new Hono().use(honeyHive(tracer))
      app.get('/count', ({ text }) => text('7'))
      app.get('/api/count', async ({ text }) => text(await (await app.request('/count')).text()))
      app.get('/api/count/other', async ({ text, req }) =>
        text(await (await app.request(new Request('http://localhost/count', req.raw))).text()),
      )
      await app.request('/api/count', { headers: { accept: 'text/plain' } })
      await app.request('/api/count/other', { headers: { accept: 'text/plain' } })
      expect(tracer.spans.map(({ name }) => name).sort()).toEqual(['GET /api/count', 'GET /api/count/other', 'GET /count', 'GET /count'])
    })
  })
})

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
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { context, trace } from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { honeyHive, honeyHiveErrors } from '../../src/middleware/express.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { answerRoute, listen, toContext } from './node-routes.js'
import { describeServer, type Setup } from './shared-spec.js'

function createApp({ choose, options, routes, middleware }: Setup): express.Express {
  const app = express()
  app.use(honeyHive((request) => choose(request.headers), options))
  app.use((_request, _response, next) => {
    middleware?.()
    next()
  })
  for (const route of routes) {
    app[route.method === 'GET' ? 'get' : 'post'](route.path, (request, response) => answerRoute(route, toContext(request), response))
  }
  return app
}

describeServer({
  name: 'Express',
  knowsRoutes: true,
  seesErrors: true,
  start: (setup) => {
    const app = createApp(setup)
    app.use(honeyHiveErrors())
    app.use(
      (_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) =>
        void response.sendStatus(500),
    )
    return listen(createServer(app))
  },
})

describe('honeyHive for Express', () => {
  let close = async (): Promise<void> => undefined
  afterEach(() => close())

  async function start(app: express.Express): Promise<string> {
    const server = await listen(createServer(app))
    close = server.close
    return server.url
  }

  const isOver = (tracer: TestTracer): Promise<void> => vi.waitFor(() => expect(tracer.stats()).toMatchObject({ open: 0 }), 60_000)

  it('names a request after the whole pattern of nested routers', async () => {
    const tracer = createTestTracer()
    const app = express().use(honeyHive(tracer))
    const router = express.Router().get('/:id/parts', async (_request, response) => void response.json({}))
    const url = await start(app.use('/items', router))
    await fetch(`${url}/items/7/parts?q=1`)
    await isOver(tracer)
    expect(tracer.tree()).toMatchObject([{ name: 'GET /items/:id/parts' }])
  })

  it('records a request for each of two tracers, the listeners of the request included', async () => {
    const tracers = [createTestTracer(), createTestTracer()]
    const app = express()
    for (const tracer of [...tracers, tracers[0]]) app.use(honeyHive(tracer as TestTracer))
    app.post('/', (request, response) => {
      request.on('end', () => {
        for (const tracer of tracers) tracer.startSpan('step').end()
        response.end()
      })
      request.resume()
    })
    const url = await start(app)
    await fetch(url, { method: 'POST', body: 'x'.repeat(200_000) })
    for (const tracer of tracers) {
      await isOver(tracer)
      expect(tracer.tree()).toMatchObject([{ name: 'POST /', children: [{ name: 'step' }] }])
      expect(tracer.sessions).toHaveLength(1)
    }
  })

  it('records requests of plain node:http2 as well', async () => {
    const tracer = createTestTracer()
    const record = honeyHive(tracer)
    const server = createHttp2Server((request, response) =>
      record(request as never, response as never, () => response.end(tracer.sessionId)),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = client.request({ ':path': '/two?q=1' })
    const [headers] = await once(stream, 'response')
    expect(String(await stream.setEncoding('utf8').toArray())).toBe(headers['x-session-id'])
    await isOver(tracer)
    expect(tracer.tree()).toMatchObject([{ name: 'GET /two' }])
    expect(tracer.spans[0]?.attributes['honeyhive_metadata.aborted']).toBeUndefined()
    client.close()
    server.close()
  })

  it('sees that a client of node:http2 reset its request', async () => {
    const tracer = createTestTracer()
    const record = honeyHive(tracer)
    const server = createHttp2Server((request, response) => record(request as never, response as never, () => client.destroy()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    client.request({ ':path': '/' }).on('error', () => undefined)
    await vi.waitFor(() => expect(tracer.spans).toHaveLength(1), 60_000)
    expect(tracer.spans[0]?.attributes).toMatchObject({ 'honeyhive_metadata.aborted': true })
    server.close()
  })

  it('leaves a session header that the host answers, before or after, and answers the innermost of two tracers', async () => {
    const tracers = [createTestTracer(), createTestTracer()] as const
    const app = express()
    app.use('/own', (_request, response, next) => {
      response.setHeader('x-session-id', 'of the host')
      next()
    })
    for (const tracer of tracers) app.use(honeyHive(tracer))
    app.get(['/', '/own'], (_request, response) => void response.send(tracers[1].sessionId))
    const url = await start(app)
    expect((await fetch(`${url}/own`)).headers.get('x-session-id')).toBe('of the host')
    const answer = await fetch(url)
    expect(answer.headers.get('x-session-id')).toBe(await answer.text())
  })

  it('ends where the route cannot be told, and nothing of that reaches the process', async () => {
    const tracer = createTestTracer({ logger: { debug() {}, warn() {}, error() {} } })
    const app = express().use(honeyHive(tracer))
    const path = {
      toString: () => {
        throw new Error('no text')
      },
    }
    app.get('/', (request, response) => {
      Object.assign(request, { route: { path } })
      response.send('done')
    })
    const url = await start(app)
    expect(await (await fetch(url)).text()).toBe('done')
    await vi.waitFor(() => expect(tracer.tree()).toMatchObject([{ name: 'GET /' }]), 60_000)
  })

  it('runs the listeners of an untraced request in nothing that was current where the port was opened', async () => {
    const tracer = createTestTracer()
    const app = express().use(honeyHive(() => undefined))
    // As an upload parser goes on.
    app.use((request, _response, next) => void request.resume().on('end', () => next()))
    app.post('/', (_request, response) => void response.send(tracer.sessionId))
    const url = await tracer.withSession({ sessionName: 'main' }, () => start(app))
    const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(200_000) })
    expect(await answer.text()).toBe(tracer.instance.ownSession.id)
  })

  it('keeps an error that was answered with 4xx as an event, not as a failure', async () => {
    const tracer = createTestTracer()
    const app = express().use(honeyHive(tracer))
    app.post('/', express.json(), (_request, response) => void response.end())
    app.use(honeyHiveErrors())
    app.use(
      (_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) =>
        void response.sendStatus(400),
    )
    const url = await start(app)
    await fetch(url, { method: 'POST', body: '{broken', headers: { 'content-type': 'application/json' } })
    await isOver(tracer)
    expect(tracer.spans[0]?.status.code).toBe(0)
    expect(tracer.spans[0]?.events.map(({ name }) => name)).toEqual(['exception'])
  })

  it('starts from nothing where the server was started inside a session and a span', async () => {
    const tracer = createTestTracer()
    const other = createTestTracer()
    const app = express().use(honeyHive(tracer, { ignore: ({ url }) => url === '/ignored' }))
    const seen: string[] = []
    app.get(['/', '/ignored'], (_request, response) => {
      other.startSpan('of other').end()
      seen.push(tracer.sessionId)
      response.end()
    })
    await other.startActiveSpan('main', () =>
      tracer.withSession({ sessionName: 'main' }, () =>
        tracer.startActiveSpan('main', async () => {
          const url = await start(app)
          await fetch(url)
          await fetch(`${url}/ignored`)
        }),
      ),
    )
    await isOver(tracer)
    expect(tracer.tree()).toMatchObject([{ name: 'main' }, { name: 'GET /|/ignored' }])
    expect(other.tree()).toMatchObject([{ name: 'main' }, { name: 'of other' }, { name: 'of other' }])
    expect(tracer.spans.find(({ name }) => name.startsWith('GET'))?.links).toEqual([])
    expect(seen[1]).toBe(tracer.instance.ownSession.id)
  })

  it('lets instrumentors nest below the request, and leaves the span of the host active', async () => {
    const tracer = createTestTracer()
    const { otelTracer } = tracer
    const host = new BasicTracerProvider().getTracer('host').startSpan('host')
    const app = express()
    app.use('/host', (_request, _response, next) => context.with(trace.setSpan(context.active(), host), next))
    app.use(honeyHive(tracer))
    const active: unknown[] = []
    app.use((request, response) => {
      request.on('end', () => {
        active.push(trace.getSpan(context.active()) === host)
        otelTracer.startSpan('auto').end()
        response.end()
      })
      request.resume()
    })
    const url = await start(app)
    await fetch(url)
    await fetch(`${url}/host/x`)
    await isOver(tracer)
    expect(tracer.tree()).toMatchObject(['GET /', 'GET /host/x'].map((name) => ({ name, children: [{ name: 'auto' }] })))
    expect(active[0]).toBe(false)
  })
})

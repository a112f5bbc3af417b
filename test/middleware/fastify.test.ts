import { Readable } from 'node:stream'
import fastify, { type FastifyPluginCallback } from 'fastify'
import { describe, expect, it } from 'vitest'
import { honeyHivePlugin } from '../../src/middleware/fastify.js'
import { createTestTracer } from '../../src/testing/index.js'
import { listen } from './node-routes.js'
import { describeServer, type Setup } from './shared-spec.js'

async function start({ choose, options, routes, middleware }: Setup): Promise<{ url: string; close(): Promise<void> }> {
  const app = fastify({ forceCloseConnections: true })
  await app.register(honeyHivePlugin, { tracer: (request) => choose(request.headers), ...options })
  app.addHook('onRequest', async () => middleware?.())
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const context = { header: (name: string) => request.headers[name] as string | undefined, body: async () => String(request.body) }
        const { status = 200, text = '', chunks } = await route.run(context)
        return await reply.code(status).send(chunks === undefined ? text : Readable.from(chunks))
      },
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { url } = await listen(app.server)
  return { url, close: () => app.close() }
}

describeServer({ name: 'Fastify', knowsRoutes: true, seesErrors: true, start })

describe('honeyHivePlugin', () => {
  it('covers the routes of every plugin and works with injected requests', async () => {
    const tracer = createTestTracer()
    const app = fastify()
    app.register(honeyHivePlugin, { tracer, sessionName: ({ method }) => `${method} by inject` })
    const routes: FastifyPluginCallback = (child, _options, done) => {
      child.get('/inner/:id', async () => ({ session: tracer.sessionId }))
      done()
    }
    app.register(routes, { prefix: '/v1' })
    const seen: string[] = []
    app.addHook('onResponse', async () => void seen.push(tracer.sessionId))
    const reply = await app.inject('/v1/inner/7')
    expect(reply.headers['x-session-id']).toBe(reply.json().session)
    expect(seen).toEqual([reply.json().session])
    expect(tracer.tree()).toMatchObject([{ name: 'GET /v1/inner/:id' }])
    expect(tracer.spans[0]?.attributes['honeyhive_metadata.aborted']).toBeUndefined()
    expect(tracer.sessions[0]?.sessionName).toBe('GET by inject')
    expect((await app.inject('/nowhere')).statusCode).toBe(404)
    expect(tracer.spans[1]?.name).toBe('GET /nowhere')
    await app.close()
  })

  it('refuses a missing tracer when the application gets ready', async () => {
    const app = fastify()
    app.register(honeyHivePlugin, {} as never)
    await expect(app.ready()).rejects.toThrow(/expected a tracer/)
  })
})

import { Readable } from 'node:stream'
import fastify from 'fastify'
import { honeyHivePlugin } from '../../src/middleware/fastify.js'
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

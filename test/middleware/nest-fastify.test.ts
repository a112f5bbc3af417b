import { Readable } from 'node:stream'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { honeyHivePlugin } from '../../src/middleware/fastify.js'
import { createModule, listenNest } from './nest-routes.js'
import { describeServer } from './shared-spec.js'

describeServer({
  name: 'Nest on Fastify',
  knowsRoutes: true,
  seesErrors: false,
  start: async ({ choose, options, routes, middleware }) => {
    const module = createModule(routes, async (route, request, reply) => {
      const context = { header: (name: string) => request.headers[name], body: async () => String(request.body) }
      const { status = 200, text = '', chunks } = await route.run(context)
      await reply.code(status).send(chunks === undefined ? text : Readable.from(chunks))
    })
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false })
    await app.register(honeyHivePlugin, { tracer: (request) => choose(request.headers), ...options })
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRequest', async () => middleware?.())
    return await listenNest(app)
  },
})

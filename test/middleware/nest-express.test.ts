import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import type { Request } from 'express'
import { honeyHive } from '../../src/middleware/express.js'
import { createModule, listenNest } from './nest-routes.js'
import { answerRoute, readBody, toContext } from './node-routes.js'
import { describeServer } from './shared-spec.js'

describeServer({
  name: 'Nest on Express',
  knowsRoutes: true,
  seesErrors: false,
  start: async ({ choose, options, routes, middleware }) => {
    const module = createModule(routes, (route, request, response) =>
      answerRoute(
        route,
        toContext(request, () => readBody(request)),
        response,
      ),
    )
    const app = await NestFactory.create<NestExpressApplication>(module, { logger: false })
    app.use(honeyHive((request: Request) => choose(request.headers), options))
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      middleware?.()
      next()
    })
    return await listenNest(app)
  },
})

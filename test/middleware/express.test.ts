import { createServer } from 'node:http'
import express from 'express'
import { honeyHive, honeyHiveErrors } from '../../src/middleware/express.js'
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

import 'reflect-metadata'
import { Controller, Get, type INestApplication, Module, Post, Req, Res } from '@nestjs/common'
import type { Route, Setup } from './shared-spec.js'

/** A module with one controller that has a method for each route of the spec. */
export function createModule(
  routes: Setup['routes'],
  run: (route: Route, request: any, response: any) => Promise<unknown>,
): new () => object {
  class RoutesController {}
  for (const [i, route] of routes.entries()) {
    const key = `route${i}`
    Object.defineProperty(RoutesController.prototype, key, {
      configurable: true,
      writable: true,
      value: (request: unknown, response: unknown) => run(route, request, response),
    })
    const decorate = route.method === 'GET' ? Get(route.path) : Post(route.path)
    decorate(RoutesController.prototype, key, Object.getOwnPropertyDescriptor(RoutesController.prototype, key) as PropertyDescriptor)
    Req()(RoutesController.prototype, key, 0)
    Res()(RoutesController.prototype, key, 1)
  }
  Controller()(RoutesController)
  class AppModule {}
  Module({ controllers: [RoutesController] })(AppModule)
  return AppModule
}

/** Starts an application on a free port. */
export async function listenNest(app: INestApplication): Promise<{ url: string; close(): Promise<void> }> {
  await app.listen(0, '127.0.0.1')
  const server = app.getHttpServer()
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: async () => {
      server.closeAllConnections()
      await app.close()
    },
  }
}

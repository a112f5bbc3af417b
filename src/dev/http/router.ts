import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from './call.js'

/** One request and its answer as Node knows them. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Method, path, handler. */
export type Route = readonly [method: string, path: string, handler: (exchange: Exchange) => Promise<void>]

/** Puts routes of that kind into an app. */
export function addNodeRoutes(app: App, routes: readonly Route[]): void {
  for (const [method, path, handler] of routes)
    app.on(method, path, async (c) => {
      await handler({ request: c.env.incoming, response: c.env.outgoing as ServerResponse })
      return RESPONSE_ALREADY_SENT
    })
}

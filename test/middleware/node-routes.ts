import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Route, RouteContext } from './shared-spec.js'

/** Reads a body with listeners, as many handlers do. */
export function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => resolve(text))
    request.on('error', reject)
  })
}

/** Runs a route of the spec and answers it on Node's response. */
export async function answerRoute(route: Route, context: RouteContext, response: ServerResponse): Promise<void> {
  const { status = 200, text = '', chunks } = await route.run(context)
  response.statusCode = status
  if (chunks === undefined) response.end(text)
  // A client that leaves is part of the spec.
  else await pipeline(Readable.from(chunks), response).catch(() => undefined)
}

/** The context of a route for Node's request. */
export function toContext(request: IncomingMessage, body: () => Promise<string> = () => readBody(request)): RouteContext {
  return { header: (name) => request.headers[name] as string | undefined, body }
}

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

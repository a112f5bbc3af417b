import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from '../../builtins.js'
import { HoneyHiveError } from '../../errors.js'
import type { App } from './call.js'
import { type Guard, SECURITY_HEADERS } from './guard.js'
import { HttpError } from './http-error.js'
import { toErrorBody, toHttpError } from './reply.js'

/** How long a refused client may go on sending before its connection is cut. */
const LINGER_MS = 500

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/**
 * What Node calls with each request: those that `guard` refuses never reach `app`.
 *
 * @throws HoneyHiveError `DEV_SERVER` where Node's own `Request` is missing, as in test environments that stand in for a browser.
 */
export async function createListener(app: App, guard: Guard): Promise<Listener> {
  if (typeof Request !== 'function') {
    throw new HoneyHiveError(
      'DEV_SERVER',
      'The local server needs `Request` of Node, which this environment lacks. Start it outside of jsdom: in a process of its own, or in a test file for Node.',
    )
  }
  // Its classes extend those of the environment as it is loaded.
  const { getRequestListener } = await import('@hono/node-server')
  // The globals `Request` and `Response` belong to the host.
  const answer = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: () => toResponse(new HttpError(400, 'The path is not valid')),
  })
  return (request, response) => {
    try {
      guard(request)
    } catch (error) {
      refuse(request, response, toHttpError(error))
      return
    }
    void answer(request, response)
  }
}

/** Answers what comes before the database is open: senders try again. */
export function refuseEarly(request: IncomingMessage, response: ServerResponse): void {
  refuse(request, response, new HttpError(503, 'The local server is starting', { headers: { 'retry-after': '1' } }))
}

function toResponse(error: HttpError): Response {
  return Response.json(toErrorBody(error), { status: error.status, headers: { ...SECURITY_HEADERS, 'cache-control': 'no-store' } })
}

/** A body that is still coming is not waited for. */
function refuse(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  if (!request.complete) {
    response.shouldKeepAlive = false
    request.resume()
    response.on('finish', () => setTimeout(() => request.socket.destroy(), LINGER_MS).unref())
  }
  response.writeHead(error.status, {
    ...SECURITY_HEADERS,
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(JSON.stringify(toErrorBody(error)))
}

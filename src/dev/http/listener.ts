import { getRequestListener } from '@hono/node-server'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from '../../builtins.js'
import type { App } from './call.js'
import { type Guard, SECURITY_HEADERS } from './guard.js'
import { HttpError } from './http-error.js'
import { toErrorBody, toHttpError } from './reply.js'

/** How long a refused client may go on sending before its connection is cut. */
const LINGER_MS = 500

/** What Node calls with each request: those that `guard` refuses never reach `app`. */
export function createListener(app: App, guard: Guard): (request: IncomingMessage, response: ServerResponse) => void {
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

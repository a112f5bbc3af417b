import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerSession, endWithResponse, runListenersIn, runListenersNowhere } from './node-response.js'
import { REQUEST_OPTIONS, type RequestOptions, type TracerChoice } from './options.js'
import { createRequestTracing, type RequestTrace, toPath } from './request.js'

export type { Fields, OfRequest, RequestOptions, TracerChoice } from './options.js'

/** What this adapter reads of a request; Express's own fits, Node's own as well. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl?: string
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown } | undefined
}

/** Continues with the next handler. */
export type NextFunction = (error?: unknown) => void

/** A middleware; Express, Connect and Nest take it, and plain `node:http` can call it. */
export type ExpressMiddleware<Req, Res> = (request: Req, response: Res, next: NextFunction) => void

/** A middleware for errors, as Express takes it. */
export type ExpressErrorMiddleware = (error: unknown, request: IncomingMessage, response: ServerResponse, next: NextFunction) => void

const traces = new WeakMap<object, RequestTrace[]>()

/**
 * Records each request: a session of its own, continued from the caller's headers, and a span around everything that comes
 * after this middleware, until the response is over. Put it behind a body parser when `inputs` reads the body.
 *
 * @throws HoneyHiveConfigError for a missing tracer, unknown options and wrong values.
 */
export function honeyHive<Req extends ExpressRequest = ExpressRequest, Res extends ServerResponse = ServerResponse>(
  tracer: TracerChoice<Req>,
  options: RequestOptions<Req, Res> = {},
): ExpressMiddleware<Req, Res> {
  const tracing = createRequestTracing<Req, Res>({ where: 'honeyHive (express)', tracer, options, specs: REQUEST_OPTIONS })
  return (request, response, next) => {
    const trace = tracing.start(request, request, () => ({
      method: request.method ?? 'GET',
      path: toPath(request.originalUrl ?? request.url),
      headers: request.headers,
    }))
    if (trace === undefined) {
      if (tracing.isAtBorder(request)) runListenersNowhere(request, response)
      return tracing.runUntraced(request, () => next())
    }
    trace.tracer.instance.guard('honeyHive (express)', undefined, () => follow(trace, request, response))
    trace.run(() => next())
  }
}

/**
 * Records the errors that handlers pass on or throw; without it a failed request shows its status alone. Put it behind all
 * routes and before your own error handlers; it passes every error on.
 */
export function honeyHiveErrors(): ExpressErrorMiddleware {
  return (error, request, _response, next) => {
    for (const trace of traces.get(request) ?? []) trace.fail(error)
    next(error)
  }
}

function follow<Res extends ServerResponse>(trace: RequestTrace<Res>, request: ExpressRequest, response: Res): void {
  traces.set(request, [...(traces.get(request) ?? []), trace])
  endWithResponse(trace, response, (isAborted) => ({
    isAborted,
    statusCode: isAborted && !response.headersSent ? undefined : response.statusCode,
    route: routeOf(request),
    outputs: isAborted ? undefined : trace.readOutputs(response),
  }))
  runListenersIn(trace, request)
  runListenersIn(trace, response)
  answerSession(response, trace.sessionId)
}

function routeOf({ baseUrl, route }: ExpressRequest): string | undefined {
  const path = route?.path
  if (path === undefined) return undefined
  return `${baseUrl ?? ''}${Array.isArray(path) ? path.join('|') : String(path)}`
}

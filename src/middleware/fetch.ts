import { types } from 'node:util'
import { NativePromise, reflectApply, NativeProxy } from '../builtins.js'
import type { HeaderCarrier } from '../context/propagation.js'
import { watchLateResult } from '../wrap/late-result.js'
import type { Recording } from '../wrap/recorder.js'
import { isComplete } from '../wrap/web-stream.js'
import { type NodeResponse, onResponseOver } from './node-response.js'
import { knowCopies, originalOf } from './passed-on.js'
import { functionSpec, isText, type Specs } from '../options/spec.js'
import { checkHandler, REQUEST_OPTIONS, type RequestOptions, type TracerChoice } from './options.js'
import {
  createRequestTracing,
  isHostsAnswer,
  noteAnswer,
  type RequestFacts,
  type RequestOutcome,
  type RequestTrace,
  type RequestTracing,
  SESSION_HEADER,
  toPath,
} from './request.js'

export type { Fields, OfRequest, RequestOptions, TracerChoice } from './options.js'

/** Any function from a request to a response; what else it takes is the framework's business. */
export type FetchHandler<
  Req extends Request = Request,
  Rest extends unknown[] = unknown[],
  R extends Response | Promise<Response> = Response | Promise<Response>,
> = (request: Req, ...rest: Rest) => R

/** Settings of {@link traceFetchHandler}. */
export interface FetchOptions<Req> extends RequestOptions<Req, Response> {
  /** Pattern that the path matches, e.g. `/api/chat/[id]`, where the framework does not pass it on. @defaultValue the path */
  readonly route?: string | undefined
  /** Told of the flush that `flush: true` starts, for platforms that freeze after the response (`waitUntil`, Next's `after`). */
  readonly waitUntil?: ((flushed: Promise<boolean>) => void) | undefined
}

/** What this middleware reads of a Hono context; Hono's own fits. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly method: string
    readonly path: string
    readonly matchedRoutes?: readonly { readonly path: string }[]
  }
  res: Response
  /** False while nothing answered. */
  readonly finalized?: boolean
  readonly error?: Error | undefined
  readonly env?: unknown
}

/** A Hono middleware. */
export type HonoMiddleware<C> = (context: C, next: () => Promise<void>) => Promise<void>

const OPTIONS: Specs = {
  ...REQUEST_OPTIONS,
  route: { accepts: isText, expected: 'a string', remedy: 'Give a pattern, e.g. "/api/chat/[id]".' },
  waitUntil: functionSpec('Give a function of one promise, e.g. `after` of Next.js.'),
}

/**
 * The same handler, each call of it recorded: a session of its own, continued from the caller's headers, and a span until
 * the response's body is finished. For Next.js route handlers, `serve({ fetch })` of Hono, and any `(Request) => Response`.
 *
 * @throws HoneyHiveConfigError for a missing tracer, unknown options and wrong values.
 */
export function traceFetchHandler<Req extends Request, Rest extends unknown[], R extends Response | Promise<Response>>(
  tracer: TracerChoice<Req>,
  handler: FetchHandler<Req, Rest, R>,
  options: FetchOptions<Req> = {},
): FetchHandler<Req, Rest, R> {
  const tracing = createTracing<Req>('traceFetchHandler', tracer, options)
  checkHandler('traceFetchHandler', handler)
  return new NativeProxy(handler, {
    apply(target, self, args: [Req, ...Rest]) {
      const [request, bindings] = args
      const call = (): R => reflectApply(target, self, args)
      if (!isObject(request)) return call()
      const trace = tracing.start(request, request, () => toFacts(request, options.route))
      if (trace === undefined) return tracing.runUntraced(request, call)
      const exchange = openExchange(trace, request, bindings)
      return settle(trace, call, (response) => answer(exchange, response, options.route))
    },
  })
}

/**
 * The Hono middleware: `app.use(honeyHive(tracer))`. Records each request: a session of its own, continued from the caller's
 * headers, and a span around everything that comes after it, until the response's body is finished.
 *
 * @throws HoneyHiveConfigError for a missing tracer, unknown options and wrong values.
 */
export function honeyHive<C extends HonoContext = HonoContext>(tracer: TracerChoice<C>, options: FetchOptions<C> = {}): HonoMiddleware<C> {
  const tracing = createTracing<C>('honeyHive (hono)', tracer, options)
  return async (context, next) => {
    const { raw } = context.req
    const trace = tracing.start(context, raw, () => toFacts(raw, options.route))
    if (trace === undefined) return await tracing.runUntraced(raw, next)
    const exchange = openExchange(trace, raw, context.env)
    try {
      await trace.run(next)
    } catch (error) {
      trace.fail(error)
      trace.end({})
      throw error
    }
    trace.tracer.instance.guard('honeyHive (hono)', undefined, () => {
      if (context.error !== undefined) trace.fail(context.error)
      const route = options.route ?? matchedRoute(context)
      // Nobody answered, which is for Hono to say; its `res` would make an answer.
      if (context.finalized === false) return trace.end({ route })
      const { res } = context
      const answered = answer(exchange, res, route)
      if (answered !== res) replaceResponse(context, answered)
    })
  }
}

/** Hono would write the headers of the response before over those of the new one. */
function replaceResponse(context: { res: Response | undefined }, response: Response): void {
  context.res = undefined
  context.res = response
}

function createTracing<Req>(where: string, tracer: TracerChoice<Req>, options: FetchOptions<Req>): RequestTracing<Req, Response> {
  const tracing = createRequestTracing<Req, Response>({ where, tracer, options: { ...options, flush: false }, specs: OPTIONS })
  return {
    ...tracing,
    start(context, request, readFacts) {
      const started = tracing.start(context, originalOf(request as Request), readFacts)
      if (started === undefined) return undefined
      const trace = knowCopies(started, request as Request)
      return options.flush === true ? flushAfter(trace, options.waitUntil) : trace
    },
    runUntraced: (request, fn) => tracing.runUntraced(originalOf(request as Request), fn),
  }
}

/** The platform hears of the flush when the request arrives: afterwards it may no longer listen. */
function flushAfter<Res>(trace: RequestTrace<Res>, waitUntil: FetchOptions<never>['waitUntil']): RequestTrace<Res> {
  let startFlush: () => void = () => undefined
  const over = new NativePromise<void>((resolve) => {
    startFlush = resolve
  })
  const flushed = over.then(() => trace.tracer.forceFlush())
  if (waitUntil !== undefined) trace.tracer.instance.guard('waitUntil', undefined, () => waitUntil(flushed))
  return {
    ...trace,
    end(outcome) {
      trace.end(outcome)
      startFlush()
    },
  }
}

function toFacts(request: Request, route: string | undefined): RequestFacts {
  // The same class, declared twice by Node's types.
  const headers = request.headers as unknown as HeaderCarrier
  return { method: request.method, path: toPath(request.url), route, headers }
}

/** Calls the handler once, in the request's scope, and lets `respond` see what it answers; failures pass on unchanged. */
function settle(
  trace: RequestTrace<Response>,
  call: () => Response | Promise<Response>,
  respond: (response: Response) => Response,
): Response | Promise<Response> {
  try {
    const result = trace.run(call)
    return types.isPromise(result) ? result.then(respond, (error: unknown) => failWith(trace, error)) : respond(result as Response)
  } catch (error) {
    return failWith(trace, error)
  }
}

function failWith(trace: RequestTrace<Response>, error: unknown): never {
  trace.fail(error)
  trace.end({})
  throw error
}

/** One request with what is known of its answer so far. */
interface Exchange {
  readonly trace: RequestTrace<Response>
  readonly method: string
  /** Whether the server tells when the response is over, so that the body need not. */
  readonly isServerTold: boolean
  /** Set when the response is there; the client may leave before or after. */
  outcome: RequestOutcome
}

/** Follows the client from the start: through Node's response where the server passes it on, else through the request's signal. */
function openExchange(trace: RequestTrace<Response>, request: Request, bindings: unknown): Exchange {
  const outgoing = toOutgoing(bindings)
  const exchange: Exchange = { trace, method: request.method, isServerTold: outgoing !== undefined, outcome: {} }
  const end = (isAborted: boolean): void => trace.end({ ...exchange.outcome, isAborted })
  trace.tracer.instance.guard('request', undefined, () => {
    if (outgoing !== undefined) onResponseOver(outgoing, end)
    else request.signal?.addEventListener('abort', () => end(true), { once: true })
  })
  return exchange
}

/** Answers the session's id and lets the span live as long as the response. */
function answer(exchange: Exchange, response: Response, route: string | undefined): Response {
  const { trace } = exchange
  return trace.tracer.instance.guard('response', response, () => {
    if (!isObject(response) || !isObject(response.headers)) {
      trace.end({ route })
      return response
    }
    const answered = withSessionHeader(response, trace.sessionId)
    exchange.outcome = { statusCode: answered.status, route, outputs: trace.readOutputs(answered) }
    followBody(exchange, answered)
    return answered
  })
}

/**
 * Some responses refuse changes (`fetch`, `Response.redirect`), and one without a body may be a constant of the program, which answers
 * other requests as well: those are copied, with their body as it is.
 */
function withSessionHeader(response: Response, sessionId: string): Response {
  const present = response.headers.get(SESSION_HEADER)
  if (isHostsAnswer(response, present)) return response
  const isShared = response.body === null && (present !== null || Object.getPrototypeOf(response) === Response.prototype)
  if (isShared) return copyWithHeader(response, sessionId)
  try {
    response.headers.set(SESSION_HEADER, sessionId)
    return noteAnswer(response, sessionId)
  } catch {
    return copyWithHeader(response, sessionId)
  }
}

function copyWithHeader(response: Response, sessionId: string): Response {
  try {
    const copy = new Response(response.body, response)
    copy.headers.set(SESSION_HEADER, sessionId)
    return noteAnswer(copy, sessionId)
  } catch {
    // A response that cannot be copied, such as a switch of protocols, goes out as it is.
    return response
  }
}

function followBody({ trace, outcome, method, isServerTold }: Exchange, response: Response): void {
  const { body } = response
  const end = (how: RequestOutcome): void => (isServerTold ? undefined : trace.end(how))
  const isThere = body === null || method === 'HEAD' || isComplete(body, response.headers.get('content-type'))
  if (isThere || !watchLateResult(body, toRecording(trace, outcome, end))) end(outcome)
}

/** A follower of the body that keeps none of it. */
function toRecording(trace: RequestTrace<Response>, outcome: RequestOutcome, end: (how: RequestOutcome) => void): Recording {
  return {
    maxBytes: 0,
    run: trace.recording.run.bind(trace.recording),
    enter: (isPartEnough) => trace.recording.enter(isPartEnough),
    leave: (before) => trace.recording.leave(before),
    succeed: () => end(outcome),
    abandon: () => end({ ...outcome, isAborted: true }),
    fail(error) {
      trace.fail(error)
      end(outcome)
    },
  }
}

/** Node's response where the server passes it on, as `@hono/node-server` does. */
function toOutgoing(bindings: unknown): NodeResponse | undefined {
  if (!isObject(bindings) || !('outgoing' in bindings)) return undefined
  const { outgoing } = bindings
  return isObject(outgoing) && 'once' in outgoing && 'writableFinished' in outgoing ? (outgoing as NodeResponse) : undefined
}

/** The last pattern that is more than a middleware's; Hono lists all that matched, in order. */
function matchedRoute({ req }: HonoContext): string | undefined {
  return req.matchedRoutes?.findLast(({ path }) => !path.endsWith('*'))?.path
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

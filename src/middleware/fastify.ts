import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerSession, endWithResponse, runListenersIn, runListenersNowhere } from './node-response.js'
import { ANYTHING, type Specs } from '../options/spec.js'
import { REQUEST_OPTIONS, type RequestOptions, type TracerChoice } from './options.js'
import { createRequestTracing, type RequestTrace, toPath } from './request.js'

export type { Fields, OfRequest, RequestOptions, TracerChoice } from './options.js'

/** What this plugin reads of a request; Fastify's own fits. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly routeOptions?: { readonly url?: string | undefined } | undefined
}

/** What this plugin reads of a reply; Fastify's own fits. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse
}

/** What this plugin uses of an application; Fastify's own fits. */
export interface FastifyLike {
  /** Adds a function to one point in the life of every request. */
  addHook(name: string, hook: (...args: never[]) => void): unknown
}

/** Settings of {@link honeyHivePlugin}. */
export interface HoneyHivePluginOptions<Req = FastifyRequestLike, Reply = FastifyReplyLike> extends RequestOptions<Req, Reply> {
  /** Who records: one tracer, or a function asked at each request. */
  readonly tracer: TracerChoice<Req>
}

/** A Fastify plugin. */
export type HoneyHivePlugin = (
  fastify: FastifyLike,
  // biome-ignore lint/suspicious/noExplicitAny: option functions may be written for Fastify's own request and reply types
  options: HoneyHivePluginOptions<any, any>,
  done: (error?: Error) => void,
) => void

const WHERE = 'honeyHivePlugin'
/** What Fastify itself puts among the options of a plugin. */
const FASTIFY_OPTIONS = ['prefix', 'logLevel', 'logSerializers', 'encapsulate'].map((name) => [name, ANYTHING] as const)
const OPTIONS: Specs = { ...REQUEST_OPTIONS, ...Object.fromEntries(FASTIFY_OPTIONS) }

/**
 * Records each request of the whole application: a session of its own, continued from the caller's headers, and a span
 * around everything from `onRequest` on, until the response is over. Register it before your routes:
 * `await app.register(honeyHivePlugin, { tracer })`. An `inputs` function runs before the body is parsed.
 *
 * @throws HoneyHiveConfigError from `register` for a missing tracer, unknown options and wrong values.
 */
export const honeyHivePlugin: HoneyHivePlugin = Object.assign(register, {
  // The hooks are for the application that registers the plugin, not for a context of its own.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: WHERE,
})

function register(fastify: FastifyLike, options: HoneyHivePluginOptions, done: (error?: Error) => void): void {
  try {
    addHooks(fastify, options)
    done()
  } catch (error) {
    // Thrown here, it would end the process instead of failing the start of the application.
    done(error as Error)
  }
}

function addHooks(fastify: FastifyLike, options: HoneyHivePluginOptions): void {
  const { tracer, ...rest } = options
  const tracing = createRequestTracing<FastifyRequestLike, FastifyReplyLike>({ where: WHERE, tracer, options: rest, specs: OPTIONS })
  const traces = new WeakMap<object, RequestTrace<FastifyReplyLike>>()

  fastify.addHook('onRequest', (request: FastifyRequestLike, reply: FastifyReplyLike, next: () => void) => {
    const trace = tracing.start(request, request.raw, () => ({
      method: request.method,
      path: toPath(request.url),
      route: request.routeOptions?.url,
      headers: request.headers,
    }))
    if (trace === undefined) {
      if (tracing.isAtBorder(request.raw)) runListenersNowhere(request.raw, reply.raw)
      return tracing.runUntraced(request.raw, next)
    }
    traces.set(request, trace)
    trace.tracer.instance.guard(WHERE, undefined, () => follow(trace, request, reply))
    trace.run(next)
  })
  fastify.addHook('onError', (request: FastifyRequestLike, _reply: FastifyReplyLike, error: unknown, next: () => void) => {
    traces.get(request)?.fail(error)
    next()
  })
}

function follow(trace: RequestTrace<FastifyReplyLike>, request: FastifyRequestLike, reply: FastifyReplyLike): void {
  const { raw } = reply
  endWithResponse(trace, raw, (isAborted) => ({
    isAborted,
    statusCode: isAborted && !raw.headersSent ? undefined : raw.statusCode,
    outputs: isAborted ? undefined : trace.readOutputs(reply),
  }))
  runListenersIn(trace, request.raw)
  runListenersIn(trace, raw)
  answerSession(raw, trace.sessionId)
}

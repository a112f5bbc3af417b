import { reflectApply, NativeProxy } from '../builtins.js'
import { types } from 'node:util'
import type { HeaderCarrier } from '../context/propagation.js'
import { withinMs } from '../time.js'
import { isPlainObject } from '../tracer/call-capture.js'
import { functionSpec, type Specs } from '../options/spec.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import { checkHandler, type Fields, REQUEST_OPTIONS, type RequestOptions } from './options.js'
import {
  createRequestTracing,
  isHostsAnswer,
  noteAnswer,
  type RequestFacts,
  type RequestOutcome,
  type RequestTrace,
  SESSION_HEADER,
} from './request.js'

export type { Fields, OfRequest, RequestOptions } from './options.js'

/** A handler of any style: `(event, context)`, `(event, context, callback)` or `(event, responseStream, context)`. */
// biome-ignore lint/suspicious/noExplicitAny: events, contexts and results are typed by the platform's own packages
export type LambdaHandler = (...args: any[]) => any

/** What is read of the platform's context; the platform's own fits. */
export interface LambdaContext {
  readonly awsRequestId?: string
  readonly functionName?: string
  /** Milliseconds until the platform ends the invocation. */
  getRemainingTimeInMillis?(): number
}

/** The event type of a handler. */
export type EventOf<H extends LambdaHandler> = Parameters<H>[0]

/** Who records an invocation: a tracer, or a function that makes or finds it, which may keep it for warm starts. */
export type LambdaTracer<Event> = HoneyHiveTracer | ((event: Event, context: LambdaContext) => HoneyHiveTracer | undefined)

/** Settings of {@link traceHandler}. */
export interface LambdaOptions<Event> extends RequestOptions<Event> {
  /** Where the caller's trace headers are. @defaultValue `event.headers` */
  readonly headers?: ((event: Event) => HeaderCarrier | undefined) | undefined
  /** Sends what was recorded before the invocation ends, because the platform then freezes the process. @defaultValue true */
  readonly flush?: boolean | undefined
  /**
   * Longest wait for that, in milliseconds. Never longer than the time that remains to the invocation, less 100 ms; what was
   * not sent stays queued for the next one.
   *
   * @defaultValue 2_000
   */
  readonly flushTimeoutMs?: number | undefined
}

const WHERE = 'traceHandler'
const DEFAULT_FLUSH_MS = 2_000
/** Left to the platform at the end of an invocation, in milliseconds. */
const MARGIN_MS = 100
const OPTIONS: Specs = {
  ...REQUEST_OPTIONS,
  headers: functionSpec('Give (event) => the headers of the caller.'),
  flushTimeoutMs: { accepts: (value) => typeof value === 'number' && value >= 0, expected: 'milliseconds', remedy: 'Give e.g. 2_000.' },
}

/** One invocation. */
interface Invocation {
  readonly event: unknown
  readonly context: LambdaContext
}

/**
 * The same handler, each invocation recorded: a session of its own, continued from the caller's headers, a span, and a flush
 * before the platform freezes the process. The tracer outlives the invocation, so warm starts reuse it. Wrap the function
 * inside `awslambda.streamifyResponse(…)` or its result, whichever reads better.
 *
 * @throws HoneyHiveConfigError for a missing tracer, unknown options and wrong values.
 */
export function traceHandler<H extends LambdaHandler>(
  tracer: LambdaTracer<EventOf<H>>,
  handler: H,
  options: LambdaOptions<EventOf<H>> = {},
): H {
  const tracing = createRequestTracing<Invocation, unknown>({
    where: WHERE,
    tracer: typeof tracer === 'function' ? ({ event, context }) => tracer(event, context) : tracer,
    options: toInvocationOptions(options),
    specs: OPTIONS,
  })
  checkHandler(WHERE, handler)
  let isCold = true
  return new NativeProxy(handler, {
    apply(target, self, args: unknown[]) {
      const invocation = toInvocation(args)
      const isColdStart = isCold
      isCold = false
      const trace = tracing.start(invocation, invocation, () => toFacts(invocation, isColdStart, options))
      if (trace === undefined) return tracing.runUntraced(invocation, () => reflectApply(target, self, args))
      return invoke(trace, {
        event: invocation.event,
        args,
        call: (given) => reflectApply(target, self, given),
        flush: createFlush(trace, invocation, options),
        // The platform hands a callback to every handler; only those that name it answer through it.
        takesCallback: target.length >= 3,
      })
    },
  })
}

function toInvocationOptions<Event>(options: LambdaOptions<Event>): RequestOptions<Invocation> {
  const { outputs } = options
  const ofEvent = <R>(fn: ((event: Event) => R) | undefined): ((invocation: Invocation) => R) | undefined =>
    // What is no function is left for the check.
    typeof fn === 'function' ? ({ event }) => fn(event as Event) : fn
  const { continueRemote } = options
  return {
    ...options,
    sessionName: ofEvent(options.sessionName),
    sessionId: ofEvent(options.sessionId),
    inputs: ofEvent(options.inputs),
    metadata: ofEvent(options.metadata),
    userProperties: ofEvent(options.userProperties),
    ignore: ofEvent(options.ignore),
    outputs: typeof outputs === 'function' ? ({ event }, result) => outputs(event as Event, result) : outputs,
    continueRemote: typeof continueRemote === 'function' ? ofEvent(continueRemote) : continueRemote,
    flush: false,
  }
}

function toInvocation(args: readonly unknown[]): Invocation {
  const [event, second, third] = args
  return { event, context: (toStream(second) === undefined ? second : third) ?? {} }
}

/** What ends when the response is streamed. */
interface ResponseStream {
  readonly writableEnded?: boolean
  once(event: string, listener: () => void): unknown
}

function toStream(value: unknown): ResponseStream | undefined {
  return typeof value === 'object' && value !== null && 'write' in value && 'once' in value ? (value as ResponseStream) : undefined
}

/** Waits until everything recorded was sent, or the time for it is up. */
type Flush = () => Promise<void>

interface InvokeParts {
  readonly event: unknown
  readonly args: unknown[]
  readonly call: (args: unknown[]) => unknown
  readonly flush: Flush
  readonly takesCallback: boolean
}

function invoke(trace: RequestTrace, { event, args, call, flush, takesCallback }: InvokeParts): unknown {
  const stream = toStream(args[1])
  const close = (outcome: RequestOutcome): Promise<void> => {
    trace.end(outcome)
    return flush()
  }
  const complete = (result: unknown): unknown => trace.tracer.instance.guard(WHERE, result, () => answer(trace, event, result))
  const describe = (result: unknown): RequestOutcome => ({ statusCode: statusOf(event, result), outputs: trace.readOutputs(result) })
  const given = withCallback(args, trace, (result) => [complete(result), () => close(describe(result))])
  let result: unknown
  try {
    result = trace.run(() => call(given))
  } catch (error) {
    trace.fail(error)
    void close({})
    throw error
  }
  if (types.isPromise(result)) {
    return result.then(
      async (value: unknown) => {
        if (stream !== undefined && stream.writableEnded !== true) onStreamOver(stream, () => void close({}))
        else await close(stream === undefined ? describe(value) : {})
        return stream === undefined ? complete(value) : value
      },
      async (error: unknown) => {
        trace.fail(error)
        await close({})
        throw error
      },
    )
  }
  if (takesCallback && result === undefined) return result
  void close(describe(result))
  return complete(result)
}

function onStreamOver(stream: ResponseStream, onOver: () => void): void {
  stream.once('finish', onOver)
  stream.once('close', onOver)
}

/** Puts a callback in the place of the platform's that passes the answer on when what was recorded is sent, in order. */
function withCallback(
  args: unknown[],
  trace: RequestTrace,
  finish: (result: unknown) => [answered: unknown, close: () => Promise<void>],
): unknown[] {
  const [event, context, callback] = args
  if (typeof callback !== 'function') return args
  let closed: Promise<void> | undefined
  const passOn = (error: unknown, result?: unknown, ...rest: unknown[]): void => {
    if (error !== undefined && error !== null) trace.fail(error)
    const [answered, close] = finish(result)
    closed ??= close()
    void closed.then(() => {
      reflectApply(callback, undefined, [error, answered, ...rest])
    })
  }
  return [event, context, passOn, ...args.slice(3)]
}

function createFlush<Event>(
  trace: RequestTrace,
  { context }: Invocation,
  { flush = true, flushTimeoutMs = DEFAULT_FLUSH_MS }: LambdaOptions<Event>,
): Flush {
  return async () => {
    if (!flush) return
    const waitMs = Math.min(flushTimeoutMs, readRemainingMs(context) - MARGIN_MS)
    if (!(waitMs > 0)) return
    // Waiting keeps the process alive: the platform would end one with nothing left to wait for.
    await withinMs(trace.tracer.forceFlush(waitMs), waitMs)
  }
}

function readRemainingMs(context: LambdaContext): number {
  try {
    const remainingMs: unknown = context.getRemainingTimeInMillis?.()
    return typeof remainingMs === 'number' ? remainingMs : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** The events of API Gateway (both formats), function URLs and load balancers. */
interface HttpEvent {
  readonly headers?: HeaderCarrier | undefined
  readonly httpMethod?: string
  readonly path?: string
  readonly resource?: string
  readonly rawPath?: string
  readonly routeKey?: string
  readonly requestContext?: { readonly http?: { readonly method?: string; readonly path?: string } }
}

function toFacts<Event>({ event, context }: Invocation, isColdStart: boolean, options: LambdaOptions<Event>): RequestFacts {
  const { awsRequestId, functionName } = context
  const http = toHttpEvent(event)
  const method = http?.httpMethod ?? http?.requestContext?.http?.method
  const headers = options.headers === undefined ? http?.headers : options.headers(event as Event)
  return {
    name: method === undefined ? (functionName ?? 'lambda') : undefined,
    sessionName: awsRequestId === undefined ? undefined : `lambda-${awsRequestId}`,
    method,
    path: method === undefined ? undefined : (http?.path ?? http?.rawPath ?? http?.requestContext?.http?.path),
    route: method === undefined ? undefined : routeOf(http),
    headers,
    metadata: { coldStart: isColdStart, requestId: awsRequestId, functionName },
  }
}

/** `/items/{id}` from either format; a catch-all says no more than the path. */
function routeOf(http: HttpEvent | undefined): string | undefined {
  const route = http?.resource ?? http?.routeKey?.replace(/^\S+ /, '')
  return route === undefined || route === '$default' || route.includes('{proxy+}') ? undefined : route
}

function toHttpEvent(event: unknown): HttpEvent | undefined {
  return typeof event === 'object' && event !== null ? event : undefined
}

function statusOf(event: unknown, result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) return undefined
  const { statusCode } = result
  return isHttp(event) && typeof statusCode === 'number' ? statusCode : undefined
}

function isHttp(event: unknown): boolean {
  const http = toHttpEvent(event)
  return (http?.httpMethod ?? http?.requestContext?.http?.method) !== undefined
}

/** An HTTP answer with the session's id among its headers, unless the host answers one itself; any other result as it is. */
function answer(trace: RequestTrace, event: unknown, result: unknown): unknown {
  if (statusOf(event, result) === undefined || !isPlainObject(result)) return result
  const { headers, ...rest } = result as { readonly headers?: Fields; readonly multiValueHeaders?: Fields }
  if ([headers, rest.multiValueHeaders].some((all) => isHostsAnswer(result, findSessionHeader(all)))) return result
  return noteAnswer({ ...rest, headers: { ...headers, [SESSION_HEADER]: trace.sessionId } }, trace.sessionId)
}

function findSessionHeader(headers: Fields | undefined): unknown {
  const name = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === SESSION_HEADER.toLowerCase())
  return name === undefined ? undefined : headers?.[name]
}

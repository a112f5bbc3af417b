import { HoneyHiveConfigError } from '../errors.js'
import { readOptions, toProblem } from '../options/check.js'
import { toKind } from '../options/shown.js'
import { functionSpec, isBoolean, isFunction, type OptionSpec, type Specs } from '../options/spec.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'

/** A group of fields sent with an event. */
export type Fields = Readonly<Record<string, unknown>>

/** A function of the request; it may be written for the framework's own request type. */
export type OfRequest<Req, R> = {
  /** Called once for each request. */
  call(request: Req): R
}['call']

/** Who records a request: one tracer for all of them, or a function asked at each request. `undefined` leaves that request untraced. */
export type TracerChoice<Req> = HoneyHiveTracer | OfRequest<Req, HoneyHiveTracer | undefined>

/**
 * What is recorded of a request. Method, path, route and status always are; headers, query and bodies only where one of
 * these functions returns them. Each is called once, must answer at once, and may fail without harm to the request.
 */
export interface RequestOptions<Req, Res = unknown> {
  /** Name of the request's session. @defaultValue method and route, else method and path */
  readonly sessionName?: OfRequest<Req, string | undefined> | undefined
  /** Session the request belongs to, by any text; wins over the headers. @defaultValue from the headers, else a new UUID */
  readonly sessionId?: OfRequest<Req, string | undefined> | undefined
  /** Further inputs of session and span, read when the request arrives. */
  readonly inputs?: OfRequest<Req, Fields | undefined> | undefined
  /** Further outputs of the span, read when the response is ready. */
  readonly outputs?: { call(request: Req, response: Res): Fields | undefined }['call'] | undefined
  /** Metadata of session and span, read when the request arrives. */
  readonly metadata?: OfRequest<Req, Fields | undefined> | undefined
  /** Who asked; on session and span, read when the request arrives. */
  readonly userProperties?: OfRequest<Req, Fields | undefined> | undefined
  /** True leaves a request untraced, e.g. a health check. @defaultValue never */
  readonly ignore?: OfRequest<Req, boolean> | undefined
  /**
   * Whether a caller's `traceparent`, its session in `baggage`, and `X-Session-ID` are continued. Switch it off, or decide by
   * request, where strangers can reach the server: they could write into a session whose id they know.
   *
   * @defaultValue true
   */
  readonly continueRemote?: boolean | OfRequest<Req, boolean> | undefined
  /** Sends what was recorded as soon as the response is over, in the background. @defaultValue false */
  readonly flush?: boolean | undefined
}

/** What {@link RequestOptions} may be. */
export const REQUEST_OPTIONS: Readonly<Record<keyof RequestOptions<unknown>, OptionSpec>> = {
  sessionName: functionSpec('Give (request) => the name of its session.'),
  sessionId: functionSpec('Give (request) => the id of its session.'),
  inputs: functionSpec('Give (request) => fields.'),
  outputs: functionSpec('Give (request, response) => fields.'),
  metadata: functionSpec('Give (request) => fields.'),
  userProperties: functionSpec('Give (request) => fields.'),
  ignore: functionSpec('Give (request) => true for those to leave out.'),
  continueRemote: {
    accepts: (value) => isBoolean(value) || isFunction(value),
    expected: 'true, false or a function',
    remedy: 'Give false, or (request) => true for callers you trust.',
  },
  flush: { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' },
}

const TRACER: OptionSpec = {
  accepts: (value) => isTracer(value) || isFunction(value),
  expected: 'a tracer, or a function of the request that returns one',
  remedy: 'Give e.g. HoneyHiveTracer.init().',
}

/** True for a tracer, of any copy of this package. */
export function isTracer(value: unknown): value is HoneyHiveTracer {
  return typeof value === 'object' && value !== null && 'instance' in value && 'withSession' in value
}

/** @throws HoneyHiveConfigError for a handler that is no function */
export function checkHandler(where: string, handler: unknown): void {
  if (isFunction(handler)) return
  const message = `Expected a handler as second argument, got ${toKind(handler)}. Write ${where}(tracer, handler).`
  throw new HoneyHiveConfigError([{ option: 'handler', message }], where)
}

/**
 * Checks what an adapter was set up with.
 *
 * @throws HoneyHiveConfigError listing every problem at once.
 */
export function checkRequestOptions(where: string, tracer: unknown, options: unknown, specs: Specs): void {
  const problems = TRACER.accepts(tracer) ? [] : [toProblem('tracer', TRACER, tracer)]
  readOptions(options, specs, { problems })
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, where)
}

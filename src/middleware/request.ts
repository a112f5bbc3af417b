// One request of a server, whatever the framework: its tracer, its session, its span and its end.
import { type Attributes, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { ATTRIBUTE, EventType } from '../semantics/attributes.js'
import { type HeaderCarrier, readHeader, readRemoteContext } from '../context/propagation.js'
import { currentScope, runInScope } from '../context/scope.js'
import { createDiagnostics } from '../diagnostics.js'
import { silencePromise } from '../promises.js'
import { isErrorLike } from '../values/realm.js'
import { builtInRedactor } from '../values/redact.js'
import { describeThrown } from '../values/thrown.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { enrichSpan } from '../tracer/enrich.js'
import type { Recording } from '../wrap/recorder.js'
import { readSessionId } from '../tracer/remote.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import type { HoneyHiveTracer, WithSessionOptions } from '../tracer/tracer.js'
import type { Specs } from '../options/spec.js'
import { checkRequestOptions, type Fields, isTracer, type RequestOptions, type TracerChoice } from './options.js'

/** Header in which a caller may name its session, and in which the session of the request is answered, unless the host answers one itself. */
export const SESSION_HEADER = 'X-Session-ID'

/** The session id that was answered with a response. */
const answered = new WeakMap<object, string>()

/** Whether `present`, what stands under {@link SESSION_HEADER} in a response, was put there by the host, whose it stays. */
export function isHostsAnswer(response: object, present: unknown): boolean {
  return present !== undefined && present !== null && present !== answered.get(response)
}

/** Remembers that `response` answers `sessionId`. */
export function noteAnswer<R extends object>(response: R, sessionId: string): R {
  answered.set(response, sessionId)
  return response
}

/** What an adapter tells of a request when it arrives. */
export interface RequestFacts {
  /** Name of span and session while no route is known. @defaultValue method and route, else method and path */
  readonly name?: string | undefined
  readonly sessionName?: string | undefined
  readonly method?: string | undefined
  /** Without query. */
  readonly path?: string | undefined
  /** Pattern that the path matched, e.g. `/users/:id`. */
  readonly route?: string | undefined
  readonly headers?: HeaderCarrier | undefined
  readonly metadata?: Fields | undefined
}

/** What an adapter tells of a request when it is over. */
export interface RequestOutcome {
  readonly statusCode?: number | undefined
  readonly route?: string | undefined
  readonly outputs?: Fields | undefined
  /** The client went away before the response was finished. */
  readonly isAborted?: boolean | undefined
}

/** A request being recorded. None of its methods throws, except what `fn` throws in `run`. */
export interface RequestTrace<Res = unknown> {
  readonly tracer: HoneyHiveTracer
  readonly sessionId: string
  /** Calls `fn` with the request's session and span current. */
  run<R>(fn: () => R): R
  /** Remembers what went wrong; the span shows it when it ends. */
  fail(error: unknown): void
  /** What the user's `outputs` function says of the response. */
  readOutputs(response: Res): Fields | undefined
  /** Ends the span; only the first call counts. */
  end(outcome: RequestOutcome): void
  /** The span of the request, for {@link Recording}s of its stream. */
  readonly recording: Recording
}

/** The tracing of one adapter that was set up. */
export interface RequestTracing<Req, Res> {
  /**
   * Opens session and span of a request; `undefined` means it runs untraced.
   *
   * @param identity the request's own object: one tracer records it once, however many adapters see it.
   */
  start(request: Req, identity: object, readFacts: () => RequestFacts): RequestTrace<Res> | undefined
  /** Calls `fn` for a request that runs untraced: nothing of another request is current. */
  runUntraced<R>(identity: object, fn: () => R): R
  /** Whether what is current here is not of the request, but of whoever opened the port or used the connection before. */
  isAtBorder(identity: object): boolean
}

/** Settings of {@link createRequestTracing}. */
export interface RequestTracingOptions<Req, Res> {
  /** Name of the adapter, for messages. */
  readonly where: string
  readonly tracer: TracerChoice<Req>
  readonly options: RequestOptions<Req, Res>
  /** All options the adapter understands. */
  readonly specs: Specs
}

/** What the host threw may tell of its request. */
function describe(error: unknown): string {
  return builtInRedactor().line('error', describeThrown(error).message)
}

/** Which tracers record a request already. Keyed by the request: it holds nothing alive. */
const recordedBy = new WeakMap<object, Set<HoneyHiveTracer>>()

/**
 * Sets up one adapter.
 *
 * @throws HoneyHiveConfigError for a missing tracer, unknown options and wrong values.
 */
export function createRequestTracing<Req, Res>(settings: RequestTracingOptions<Req, Res>): RequestTracing<Req, Res> {
  const { where, tracer: choice, options, specs } = settings
  checkRequestOptions(where, choice, options, specs)
  const diagnostics = createDiagnostics()

  function choose(request: Req): HoneyHiveTracer | undefined {
    if (isTracer(choice)) return choice
    try {
      const chosen: unknown = choice(request)
      if (isTracer(chosen)) return chosen
      silencePromise(chosen)
      diagnostics.warnOnce(
        'tracer',
        `${where}: the tracer function returned no tracer, so the request runs untraced. Return a tracer, or use "ignore" for such requests.`,
      )
    } catch (error) {
      diagnostics.warnOnce('tracer', `${where}: the tracer function threw, so the request runs untraced: ${describe(error)}`)
    }
    return undefined
  }

  function isIgnored(request: Req): boolean {
    try {
      return options.ignore?.(request) === true
    } catch (error) {
      diagnostics.warnOnce('ignore', `${where}: "ignore" threw, so the request is traced: ${describe(error)}`)
      return false
    }
  }

  return {
    start(request, identity, readFacts) {
      if (isIgnored(request)) return undefined
      const tracer = choose(request)
      if (tracer === undefined || recordedBy.get(identity)?.has(tracer) === true) return undefined
      return tracer.instance.guard<RequestTrace<Res> | undefined>(where, undefined, () => {
        const trace = runAtBorder(identity, () => openRequest(tracer, request, readFacts(), options, where))
        if (trace !== undefined) recordedBy.set(identity, (recordedBy.get(identity) ?? new Set()).add(tracer))
        return trace
      })
    },
    runUntraced: runAtBorder,
    isAtBorder,
  }
}

/**
 * Only headers continue a request: what happens to be current where a server calls its handlers belongs to whoever opened
 * the port or used the connection before. Within a request that is recorded already, its scope stays.
 */
function runAtBorder<R>(identity: object, fn: () => R): R {
  return isAtBorder(identity) ? runInScope(undefined, fn) : fn()
}

function isAtBorder(identity: object): boolean {
  return !recordedBy.has(identity) && currentScope() !== undefined
}

function openRequest<Req, Res>(
  tracer: HoneyHiveTracer,
  request: Req,
  facts: RequestFacts,
  options: RequestOptions<Req, Res>,
  where: string,
): RequestTrace<Res> | undefined {
  const ask = createAsk(tracer, where)
  const { method, path, route, headers } = facts
  const name = facts.name ?? toName(method, route ?? path)
  const inputs: Fields = { ...withoutMissing({ method, path }), ...ask('inputs', () => options.inputs?.(request)) }
  const metadata = merge(
    facts.metadata,
    ask('metadata', () => options.metadata?.(request)),
  )
  const userProperties = ask('userProperties', () => options.userProperties?.(request))
  const call = toCall(name, toAttributes(facts), { inputs, metadata, userProperties })
  // A tracer that is off counts what it refuses, and the request runs as if it were not there.
  if (!tracer.isEnabled) return void tracer.instance.record(call, undefined, [])
  const isContinued = ask('continueRemote', () => toFlag(options.continueRemote, request)) ?? false
  const session: WithSessionOptions = {
    sessionName: ask('sessionName', () => options.sessionName?.(request)) ?? facts.sessionName ?? name,
    sessionId: ask('sessionId', () => options.sessionId?.(request)),
    inputs,
    metadata,
    userProperties,
  }
  return runInSession(tracer, session, isContinued ? headers : undefined, () => {
    const recording = tracer.instance.record(call, undefined, [])
    if (recording?.span === undefined) return undefined
    const readOutputs = (response: Res): Fields | undefined => ask('outputs', () => options.outputs?.(request, response))
    return createTrace({ tracer, recording, span: recording.span, facts, readOutputs, isFlushed: options.flush === true })
  })
}

/** Calls a user's function and takes what it returned; whatever goes wrong is reported and leaves that part out. */
function createAsk(tracer: HoneyHiveTracer, where: string): <R>(option: string, fn: () => R) => R | undefined {
  return (option, fn) =>
    tracer.instance.guard(`${where}: "${option}"`, undefined, () => {
      const answer = fn()
      if (!silencePromise(answer)) return answer
      throw new TypeError('it returned a promise, but must answer at once')
    })
}

function toFlag<Req>(option: RequestOptions<Req>['continueRemote'], request: Req): boolean {
  return typeof option === 'function' ? option(request) === true : (option ?? true)
}

/** Runs `fn` in the session that code named, else the caller's, else one of its own; parent and baggage are the caller's. */
function runInSession<R>(tracer: HoneyHiveTracer, session: WithSessionOptions, headers: HeaderCarrier | undefined, fn: () => R): R {
  if (headers === undefined) return tracer.withSession(session, fn)
  const named = session.sessionId ?? toText(readHeader(headers, SESSION_HEADER.toLowerCase()))
  const own: WithSessionOptions = { ...session, sessionId: named }
  const remote = readRemoteContext(headers)
  if (remote.parent === undefined && remote.baggage.size === 0) return tracer.withSession(own, fn)
  const isRemoteSession = session.sessionId === undefined && readSessionId(remote.baggage) !== undefined
  return tracer.withRemoteContext(headers, () => (isRemoteSession ? fn() : tracer.withSession({ ...own, linkCarrier: headers }, fn)))
}

interface TraceParts<Res> {
  readonly tracer: HoneyHiveTracer
  readonly recording: Recording
  readonly span: Span
  readonly facts: RequestFacts
  readonly readOutputs: (response: Res) => Fields | undefined
  readonly isFlushed: boolean
}

function createTrace<Res>({ tracer, recording, span, facts, readOutputs, isFlushed }: TraceParts<Res>): RequestTrace<Res> {
  let isOver = false
  let failure: { readonly error: unknown } | undefined
  const session = recording.run(() => tracer.instance.current().session, undefined, [])
  return {
    tracer,
    recording,
    readOutputs,
    sessionId: session.id,
    run: (fn) => recording.run(fn, undefined, []),
    fail(error) {
      failure ??= { error }
    },
    end(outcome) {
      if (isOver) return
      isOver = true
      const outputs = toOutputs(outcome)
      tracer.instance.guard('request', undefined, () => describeOutcome(tracer, span, facts, { ...outcome, outputs }, failure))
      recording.succeed(undefined)
      // The caller's session, or one that is somebody else's to keep, is not ours to answer for.
      if (session.isCreatedHere && outputs !== undefined) void tracer.updateEvent(session.id, { outputs })
      if (isFlushed) void tracer.forceFlush()
    },
  }
}

function describeOutcome(
  tracer: HoneyHiveTracer,
  span: Span,
  facts: RequestFacts,
  outcome: RequestOutcome,
  failure: { readonly error: unknown } | undefined,
): void {
  if (!(span instanceof GuardedSpan) || !span.isRecording()) return
  const { statusCode, isAborted, outputs } = outcome
  const route = outcome.route ?? facts.route
  if (route !== undefined) span.updateName(toName(facts.method, route)).setAttribute('http.route', route)
  if (statusCode !== undefined) span.setAttribute('http.response.status_code', statusCode)
  const metadata = isAborted === true ? { aborted: true } : undefined
  enrichSpan(span, { outputs, metadata }, (value) => tracer.instance.snapshot(value))
  if (failure !== undefined && !isClientError(statusCode)) return span.fail(failure.error)
  if (failure !== undefined) span.recordException(describeError(failure.error))
  if (statusCode !== undefined && statusCode >= 500)
    span.setStatus({ code: SpanStatusCode.ERROR, message: `HTTP ${statusCode}` }).setAttribute(ATTRIBUTE.error, `HTTP ${statusCode}`)
}

/** What the span and its session say of the answer. */
function toOutputs({ statusCode, outputs }: RequestOutcome): Fields | undefined {
  const all: Fields = { ...withoutMissing({ statusCode }), ...outputs }
  return Object.keys(all).length === 0 ? undefined : all
}

/** An error that was answered as the client's own fault is worth knowing and no failure of the server. */
function isClientError(statusCode: number | undefined): boolean {
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
}

function describeError(error: unknown): Error {
  const isError = typeof error === 'object' && error !== null && isErrorLike(error)
  return isError ? error : new Error(describeThrown(error).message)
}

function toCall(
  name: string,
  attributes: Attributes,
  buckets: { inputs: Fields; metadata: Fields | undefined; userProperties: Fields | undefined },
): CompiledCall {
  const { inputs, metadata, userProperties } = buckets
  const hasInputs = Object.keys(inputs).length > 0
  return {
    name,
    eventType: EventType.chain,
    argNames: undefined,
    options: { kind: SpanKind.SERVER, attributes, metadata, userProperties, inputs: hasInputs ? () => inputs : false, outputs: false },
  }
}

function toAttributes({ method, path, route }: RequestFacts): Attributes {
  return withoutMissing({ 'http.request.method': method, 'url.path': path, 'http.route': route }) as Attributes
}

function toName(method: string | undefined, target: string | undefined): string {
  return [method, target].filter((part) => part !== undefined && part !== '').join(' ')
}

function merge(one: Fields | undefined, other: Fields | undefined): Fields | undefined {
  return one === undefined || other === undefined ? (one ?? other) : { ...one, ...other }
}

function withoutMissing(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function toText(value: string | undefined): string | undefined {
  const text = value?.trim()
  return text === '' ? undefined : text
}

/** The path of a request target or URL, without query: what stands behind a `?` may be a secret. */
export function toPath(url: string | undefined): string {
  if (url === undefined) return '/'
  if (!url.startsWith('/')) return URL.canParse(url) ? new URL(url).pathname : '/'
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

import { NativePromise, reflectGet } from '../builtins.js'
import {
  type Context,
  INVALID_SPAN_CONTEXT,
  INVALID_SPANID,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import { activeContext } from '../context/active.js'
import type { Instance, InstrumentationLibrary, RoutedSpan } from '../context/instance.js'
import type { Diagnostics } from '../diagnostics.js'
import { inferLibrary } from '../semantics/library.js'
import { createFace } from './face.js'
import { readSpanContext } from './foreign-span.js'
import { keepsContext, toCallersContext } from './kept-contexts.js'
import { builtInRedactor, type Redactor } from '../values/redact.js'
import { isStackUsedUp } from '../stack-used-up.js'
import { describeThrown } from '../values/thrown.js'
import { callInContext, ensureContextManager, findHostSpan, hasHost, toShownContext } from './host.js'
import { findInnermost, findOwned, originOf, readSurroundings, type Routing, routeSpan } from './owner.js'
import { describeQueue, isContextOfTheQueue, startsInCallbacks } from './queued-callbacks.js'
import { nameText } from './span-arguments.js'
import { UnrecordedSpan } from './unrecorded-span.js'

/** Settings of {@link RoutingProvider}. */
export interface RoutingOptions {
  /** Takes the spans that start where no tracer is active; without one they are not recorded, and counted. */
  readonly fallback?: Instance | undefined
  /** Shows the name of a span that nobody owns in a line. @defaultValue the built-in rules */
  readonly redactor?: Pick<Redactor, 'line'> | undefined
  readonly diagnostics: Diagnostics
  /** Spans about our own requests are not recorded, whatever instrumented them. */
  readonly isOwnEndpoint?: ((url: string) => boolean) | undefined
  /** Whether the standard context manager may be registered with the first span, when the process has none. @defaultValue true */
  readonly registerContextManager?: boolean | undefined
  /** Flushes where nobody is active and there is no fallback; what did not arrive is told by its result. */
  readonly flushAll?: ((timeoutMs: number) => Promise<boolean>) | undefined
}

/** What {@link FlushableTracerProvider.forceFlush} takes, as the SDK's. */
export interface FlushOptions {
  /** Longest wait, milliseconds. @defaultValue 30_000 */
  readonly timeoutMillis?: number | undefined
}

/** A tracer provider that can be flushed, for libraries that do so before their platform freezes the process. */
export interface FlushableTracerProvider extends TracerProvider {
  /** A tracer for a library; see {@link HoneyHiveTracer.provider} for where its spans go. */
  getTracer(name: string, version?: string, options?: TracerOptions): Tracer
  /**
   * Flushes the tracer that is active where this is called, else the one behind the provider, else all, as OpenTelemetry's SDK
   * does: rejects with a list of errors where something did not arrive. Nobody has to wait for it.
   */
  forceFlush(options?: FlushOptions): Promise<void>
}

const DEFAULT_FLUSH_MS = 30_000

/**
 * A tracer provider for instrumentors that serves every tracer of the process: which tracer records is decided where a
 * span starts, never when an instrumentor fetches its tracer, because instrumentors keep what they fetched.
 */
export class RoutingProvider implements FlushableTracerProvider {
  readonly #options: RoutingOptions
  #unowned = 0

  constructor(options: RoutingOptions) {
    this.#options = options
  }

  /** @internal As the global provider it is no host; every copy of this package looks for this name. */
  get isHoneyHiveProvider(): true {
    return true
  }

  /** Spans that started where no tracer was active and that were therefore not recorded. */
  get unowned(): number {
    return this.#unowned
  }

  getTracer(name: string, version?: string, options?: { schemaUrl?: string }): Tracer {
    return new RoutingTracer(this, toLibrary(name, version, options))
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    const { fallback, flushAll } = this.#options
    const { instance } = findInnermost(readSurroundings())
    const taker = instance?.flushRouted === undefined ? fallback : instance
    const timeoutMs = readTimeout(options)
    const flushed = taker?.flushRouted?.(timeoutMs) ?? flushOrReject(flushAll, timeoutMs)
    // A library that does not wait would end the process otherwise.
    flushed.catch(() => undefined)
    return flushed
  }

  /** A tracer for libraries that take one and so cannot name themselves: `library` stands for those whose spans do not tell. */
  getUnnamedTracer(library: InstrumentationLibrary): Tracer {
    return new RoutingTracer(this, library, true)
  }

  /**
   * Starts `name` in `at` on the tracer that owns it; used by the tracers this provider gives out.
   *
   * @param isQueued whether it may start in a context that a queue of the library runs it in.
   */
  route(name: string, options: SpanOptions, at: Context, library: InstrumentationLibrary, isQueued: boolean): Span {
    try {
      return this.#route(name, options, at, library, isQueued)
    } catch (error) {
      // As where the stack is used up: the library's own call fails as well.
      if (isStackUsedUp(error)) throw error
      this.#unowned++
      this.#options.diagnostics.warn('route', `${this.#describe(name)}: ${describeThrown(error).message}.`)
      return new UnrecordedSpan(undefined, ROOT_CONTEXT)
    }
  }

  #route(name: string, options: SpanOptions, at: Context, library: InstrumentationLibrary, isQueued: boolean): Span {
    if (isTracingSuppressed(at) || this.#isOwnRequest(options)) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    if (this.#options.registerContextManager !== false) ensureContextManager()
    const routing = routeSpan(at, isRoot(options), readSurroundings())
    const { owner, place, isFree } = routing
    const isBesideHost = hasHost()
    const shownContext = isBesideHost ? toShownContext(hasOwnIds(at) ? ROOT_CONTEXT : at) : undefined
    const isUnsure = isQueued && !routing.isNamed && isContextOfTheQueue()
    const taker = isUnsure ? undefined : (owner ?? (isFree ? newestOf(this.#options.fallback) : undefined))
    const { span: around, owned } = routing.surroundings
    const request: RoutedSpan = { name, options, library, place, context: at, around, owned, shownContext }
    const span = taker === undefined ? this.#refuse(name, at, routing, isUnsure) : taker.startRoutedSpan(request)
    const host = isBesideHost ? findHostSpan(at) : undefined
    return host === undefined ? span : createFace(span, host)
  }

  #refuse(name: string, at: Context, { place, conflict, surroundings }: Routing, isUnsure: boolean): Span {
    this.#unowned++
    const { diagnostics } = this.#options
    const what = this.#describe(name)
    if (isUnsure) diagnostics.warnOnce('callbacks', `${what}: ${describeQueue()}.`)
    // What starts inside a span that nobody records goes the same way without a word.
    else if (conflict !== undefined) diagnostics.warn('conflict', `${what}: ${describeConflict(conflict)}.`)
    else if (place.parent === undefined) diagnostics.warn('unowned', `${what}: ${NOBODY_ACTIVE}.`)
    return new UnrecordedSpan(undefined, hasOwnIds(at) ? ROOT_CONTEXT : at, originOf(surroundings))
  }

  #describe(name: string): string {
    const { redactor = builtInRedactor() } = this.#options
    return `"${redactor.line('name', nameText(name))}" is not recorded`
  }

  #isOwnRequest(options: SpanOptions): boolean {
    const { isOwnEndpoint } = this.#options
    const url = readUrl(options)
    return isOwnEndpoint !== undefined && typeof url === 'string' && isOwnEndpoint(url)
  }
}

/** Who took the place of a tracer whose module was evaluated again: an instrumentation may keep the provider that it was given first. */
function newestOf(fallback: Instance | undefined): Instance | undefined {
  let newest = fallback
  while (newest?.successor?.isLive === true) newest = newest.successor
  return newest
}

const NOBODY_ACTIVE = 'no tracer is active where it starts. Run it inside a traced function, or give the routing provider a fallback tracer'

function describeConflict([one, other]: NonNullable<Routing['conflict']>): string {
  return `its OpenTelemetry context belongs to ${one.label} and runs in the scope of ${other.label}, so either could own it. Bind the callback to one of them`
}

/** Whether `at` holds a span of ours that was made active by hand and shows its own ids, which are nothing to a host. */
function hasOwnIds(at: Context): boolean {
  const span = trace.getSpan(at)
  const owned = findOwned(span)
  return owned !== undefined && readSpanContext(span)?.spanId === owned.context.spanId
}

function toLibrary(name: unknown, version: unknown, options: unknown): InstrumentationLibrary {
  const schemaUrl = readSchemaUrl(options)
  return {
    name: typeof name === 'string' ? name : nameText(name),
    ...(typeof version === 'string' ? { version } : {}),
    ...(schemaUrl === undefined ? {} : { schemaUrl }),
  }
}

function readSchemaUrl(options: unknown): string | undefined {
  try {
    const schemaUrl: unknown = typeof options === 'object' && options !== null ? reflectGet(options, 'schemaUrl') : undefined
    return typeof schemaUrl === 'string' && schemaUrl !== '' ? schemaUrl : undefined
  } catch {
    return undefined
  }
}

function readTimeout(options: FlushOptions | undefined): number {
  try {
    const timeoutMs = options?.timeoutMillis
    return typeof timeoutMs === 'number' && timeoutMs >= 0 ? timeoutMs : DEFAULT_FLUSH_MS
  } catch {
    return DEFAULT_FLUSH_MS
  }
}

async function flushOrReject(flush: RoutingOptions['flushAll'], timeoutMs: number): Promise<void> {
  if ((await flush?.(timeoutMs)) === false) await NativePromise.reject([toFlushError(timeoutMs)])
}

/** Says that something did not arrive; what it was say the messages and the numbers of its tracer. */
export function toFlushError(timeoutMs: number): Error {
  return new Error(`something was lost, or did not arrive within ${timeoutMs} ms. See the messages before and stats() of the tracer.`)
}

function readLibrary(options: SpanOptions | undefined): InstrumentationLibrary | undefined {
  try {
    const attributes = options?.attributes
    return attributes === undefined ? undefined : inferLibrary(attributes)
  } catch {
    return undefined
  }
}

function readUrl(options: SpanOptions): unknown {
  try {
    const { attributes } = options
    return attributes?.['url.full'] ?? attributes?.['http.url']
  } catch {
    return undefined
  }
}

function isRoot(options: SpanOptions): boolean {
  try {
    return options.root === true
  } catch {
    return false
  }
}

/** A caller's context, or the current one in place of something that is none. */
function toContext(at: Context | undefined): Context {
  try {
    if (typeof at?.getValue === 'function' && typeof at.setValue === 'function') {
      trace.getSpan(at)
      return at
    }
  } catch {
    // Something that refuses to be read is no context.
  }
  return activeContext()
}

class RoutingTracer implements Tracer {
  readonly #provider: RoutingProvider
  readonly #library: InstrumentationLibrary
  readonly #keepsContext: boolean
  readonly #isQueued: boolean
  readonly #isUnnamed: boolean

  constructor(provider: RoutingProvider, library: InstrumentationLibrary, isUnnamed = false) {
    this.#provider = provider
    this.#library = library
    this.#keepsContext = keepsContext(library.name)
    this.#isQueued = startsInCallbacks(library.name)
    this.#isUnnamed = isUnnamed
  }

  startSpan(name: string, options?: SpanOptions, at?: Context): Span {
    const given = toContext(at)
    const place = this.#keepsContext ? toCallersContext(given) : given
    const told = this.#isUnnamed ? readLibrary(options) : undefined
    const isQueued = told === undefined ? this.#isQueued : startsInCallbacks(told.name)
    return this.#provider.route(name, options ?? {}, place, told ?? this.#library, isQueued)
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, at: Context, fn: F): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest[rest.length - 1] as F
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {}
    const at = toContext(rest.length > 2 ? (rest[1] as Context) : undefined)
    const span = this.startSpan(name, options, at)
    const owned = findOwned(span)
    // Ours are valid, or those of a span that nobody records.
    const isOwned = owned !== undefined && owned.context.spanId !== INVALID_SPANID
    const call = (): ReturnType<F> => callInContext(at, span, isOwned, fn as (span: Span) => ReturnType<F>)
    return owned?.owner === undefined ? call() : owned.owner.runWithSpan(owned, call)
  }
}

import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type { Diagnostics } from '../diagnostics.js'
import { currentScope, type Instance } from '../context/scope.js'
import { nameText } from './span.js'
import { innermostOf, isSuppressed, ownerOf, withActiveSpan } from './owner.js'

/** Settings of {@link RoutingProvider}. */
export interface RoutingOptions {
  /** Takes the spans that start where no tracer is active; without one they are not recorded, and counted. */
  readonly fallback?: Instance | undefined
  readonly diagnostics: Diagnostics
  /** Spans about our own requests are not recorded, whatever instrumented them. */
  readonly isOwnEndpoint?: ((url: string) => boolean) | undefined
}

/**
 * A tracer provider for instrumentors that serves every tracer of the process: which tracer records is decided where a
 * span starts, never when an instrumentor fetches its tracer, because instrumentors keep what they fetched.
 */
export class RoutingProvider implements TracerProvider {
  readonly #options: RoutingOptions
  #unowned = 0

  constructor(options: RoutingOptions) {
    this.#options = options
  }

  /** Spans that started where no tracer was active and that were therefore not recorded. */
  get unowned(): number {
    return this.#unowned
  }

  getTracer(name: string, version?: string): Tracer {
    return new RoutingTracer(this, nameText(name), typeof version === 'string' ? version : undefined)
  }

  /** Starts `name` on the tracer that owns it; used by the tracers this provider gives out. */
  route(name: string, options: SpanOptions, at: Context, scopeName: string, scopeVersion: string | undefined): Span {
    if (isSuppressed(at) || this.#isOwnRequest(options)) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    const { owner, parent } = findOwner(at, this.#options.fallback)
    if (owner === undefined) return this.#refuse(name)
    return owner.startRoutedSpan({ name, options, parent: isRoot(options) ? undefined : parent, scopeName, scopeVersion })
  }

  #refuse(name: string): Span {
    this.#unowned++
    this.#options.diagnostics.warn(
      'unowned',
      `no tracer is active where "${nameText(name)}" starts, so it is not recorded. Run it inside a traced function, or give the routing provider a fallback tracer.`,
    )
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  }

  #isOwnRequest(options: SpanOptions): boolean {
    const { isOwnEndpoint } = this.#options
    const url = readUrl(options)
    return isOwnEndpoint !== undefined && typeof url === 'string' && isOwnEndpoint(url)
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
  return context.active()
}

/**
 * The owner of a span that starts in `at`. A context that the instrumentor passed on by hand decides, and its span is the
 * parent; in the current context the innermost tracer decides, and finds the parent itself. A foreign span says nothing
 * about our tracers.
 */
function findOwner(at: Context, fallback: Instance | undefined): { owner: Instance | undefined; parent: Span | undefined } {
  const active = trace.getSpan(at)
  const owner = ownerOf(active)
  if (owner !== undefined && active !== trace.getSpan(context.active())) return { owner, parent: active }
  return { owner: innermostOf(active, currentScope()) ?? fallback, parent: undefined }
}

class RoutingTracer implements Tracer {
  readonly #provider: RoutingProvider
  readonly #name: string
  readonly #version: string | undefined

  constructor(provider: RoutingProvider, name: string, version: string | undefined) {
    this.#provider = provider
    this.#name = name
    this.#version = version
  }

  startSpan(name: string, options?: SpanOptions, at?: Context): Span {
    return this.#provider.route(name, options ?? {}, toContext(at), this.#name, this.#version)
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
    const call = (): ReturnType<F> => context.with(withActiveSpan(at, span), fn as (span: Span) => ReturnType<F>, undefined, span)
    const owner = ownerOf(span)
    return owner === undefined ? call() : owner.runWithSpan(span, call)
  }
}

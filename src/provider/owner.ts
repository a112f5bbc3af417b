import { type Context, context, isSpanContextValid, type Span } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { frameOf, type Instance, type Scope } from '../context/scope.js'

/** Every span of this package, of any copy of it, names its owner under this property. */
export interface OwnedSpan {
  readonly honeyhiveInstance: Instance
}

// The keys of the OpenTelemetry API and SDK: `createContextKey` is `Symbol.for` in every 1.x version of the API.
const SPAN_KEY = Symbol.for('OpenTelemetry Context Key SPAN')
const SUPPRESS_KEY = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/** The owner of `span` when it is one of ours. */
export function ownerOf(span: Span | undefined): Instance | undefined {
  return span === undefined ? undefined : (span as Partial<OwnedSpan>).honeyhiveInstance
}

/**
 * The innermost tracer: the owner of the active span, unless another one was entered inside that span without opening one of
 * its own (a session, a remote context, a pool).
 */
export function innermostOf(active: Span | undefined, scope: Scope | undefined): Instance | undefined {
  const owner = ownerOf(active)
  const entered = scope?.frame.instance
  if (owner === undefined || entered === undefined || entered === owner) return owner ?? entered
  return frameOf(owner, scope)?.span === active ? entered : owner
}

/** True for a valid span of somebody else: Sentry, Datadog, the application's own SDK. */
export function isForeign(span: Span | undefined): boolean {
  return span !== undefined && ownerOf(span) === undefined && isSpanContextValid(span.spanContext())
}

/** True where instrumentation asked not to be traced. */
export function isSuppressed(at: Context): boolean {
  return at.getValue(SUPPRESS_KEY) === true
}

/** `base` with `span` as its active span; one small object instead of a copied map and three closures. */
export function withActiveSpan(base: Context, span: Span): Context {
  return new SpanOnContext(base, span)
}

/** Calls `fn` with `span` as the active OpenTelemetry span. Without a context manager this is a plain call. */
export function callWithActiveSpan<R>(span: Span, fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
  return context.with(withActiveSpan(context.active(), span), Reflect.apply as typeof applyTo<R>, undefined, fn, self, args)
}

declare function applyTo<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R

/** Registers the standard context manager when the process has none, so that instrumentors can nest their spans. */
export function ensureContextManager(): void {
  if (hasContextManager()) return
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
}

/** Whether contexts stick in this process at all. */
export function hasContextManager(): boolean {
  const probe = context.active().setValue(PROBE_KEY, true)
  return context.with(probe, () => context.active().getValue(PROBE_KEY) === true)
}

const PROBE_KEY = Symbol('honeyhive-tracer.probe')

class SpanOnContext implements Context {
  readonly #base: Context
  readonly #span: Span

  constructor(base: Context, span: Span) {
    this.#base = base
    this.#span = span
  }

  getValue(key: symbol): unknown {
    return key === SPAN_KEY ? this.#span : this.#base.getValue(key)
  }

  setValue(key: symbol, value: unknown): Context {
    return key === SPAN_KEY ? this.#base.setValue(key, value) : this.#base.setValue(SPAN_KEY, this.#span).setValue(key, value)
  }

  deleteValue(key: symbol): Context {
    return key === SPAN_KEY ? this.#base.deleteValue(key) : this.#base.setValue(SPAN_KEY, this.#span).deleteValue(key)
  }
}

import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { hasOwnField, reflectApply } from '../builtins.js'
import { activeContext, findSpan } from '../context/active.js'
import { readSpanContext } from './foreign-span.js'

/** Of this module, because some loaders make a call of each look at what is imported, and there may be no stack for one. */
const applyNow = reflectApply

/**
 * What the application and its other libraries made of OpenTelemetry in this process. The API keeps its globals under this
 * key in every 1.x version; its public getters look at the same object through several layers, which would be paid for each span.
 */
interface Globals {
  readonly trace?: TracerProvider & { getDelegate?(): TracerProvider }
  readonly context?: object
}

const API_KEY = Symbol.for('opentelemetry.js.api.1')

function globals(): Globals | undefined {
  return (globalThis as { readonly [API_KEY]?: Globals })[API_KEY]
}

/** Whether somebody else's SDK is registered: the application's own, Sentry's, a vendor's. */
export function hasHost(): boolean {
  const known = globals()
  const registered = known !== undefined && hasOwnField(known, 'trace') ? known.trace : undefined
  if (registered === undefined) return false
  return !('isHoneyHiveProvider' in (registered.getDelegate?.() ?? registered))
}

/** Whether contexts stick in this process at all. */
export function hasContextManager(): boolean {
  const known = globals()
  return known !== undefined && hasOwnField(known, 'context') && known.context !== undefined
}

/** Registers the standard context manager when the process has none, so that instrumentors can nest their spans. */
export function ensureContextManager(): void {
  try {
    if (!hasContextManager()) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  } catch {
    // Where it cannot be registered, spans do not nest through it.
  }
}

/**
 * What the spans we give to an instrumentor show in place of their own ids beside a host: what stands in the context they
 * start in. Whatever the instrumentor does with them, the host's spans, propagators and logs go on as if there was no tracer.
 * It is what the API itself gives where no SDK is registered. The object is new each time, so that it tells whose it is.
 */
export function toShownContext(at: Context): SpanContext {
  const around = readSpanContext(findSpan(at))
  return around === undefined ? { ...INVALID_SPAN_CONTEXT } : copySpanContext(around)
}

/** A vendor's context may be of a class, with getters and fields that its own tracer looks for. */
function copySpanContext(original: SpanContext): SpanContext {
  try {
    const copy = Object.assign(Object.create(Object.getPrototypeOf(original) as object), original) as SpanContext
    if (copy.spanId === original.spanId && copy.traceId === original.traceId) return copy
  } catch {
    // What a class keeps in private fields cannot be copied: such a one is shown by its ids alone.
  }
  return { traceId: original.traceId, spanId: original.spanId, traceFlags: original.traceFlags }
}

/** The host's own span in a context; `undefined` where there is none, or one of ours shows it already. */
export function findHostSpan(at: Context): Span | undefined {
  const span = trace.getSpan(at)
  return readSpanContext(span) !== undefined ? span : undefined
}

/** Calls `fn` with `span` as the active OpenTelemetry span, where contexts stick and no host would see it. */
export function callWithActiveSpan<R>(span: Span, fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
  if (!hasContextManager() || hasHost()) return applyNow(fn, self, args as never[])
  return context.with(trace.setSpan(activeContext(), span), applyNow as typeof applyTo<R>, undefined, fn, self, args)
}

/** What was active before {@link enterContext}. */
export interface LeftContext {
  readonly storage: AsyncLocalStorage<Context | undefined>
  readonly before: Context | undefined
}

/** Given back by {@link enterContext} where only a callback of the context manager makes one active. */
export const NEEDS_CALLBACK: unique symbol = Symbol('needs callback')

/**
 * Makes `span` the active OpenTelemetry span for the rest of this synchronous run, until {@link leaveContext}: what
 * {@link callWithActiveSpan} does, without frames on the host's stack. `undefined` where nothing is to be changed.
 */
export function enterActiveSpan(span: Span): LeftContext | typeof NEEDS_CALLBACK | undefined {
  return hasHost() ? undefined : enterContext((active) => trace.setSpan(active, span))
}

/** {@link enterActiveSpan} for a whole context. */
export function enterContext(toContext: (active: Context) => Context): LeftContext | typeof NEEDS_CALLBACK | undefined {
  const manager = hasContextManager() ? globals()?.context : undefined
  if (manager === undefined) return undefined
  const storage = storageOf(manager)
  if (storage === undefined) return NEEDS_CALLBACK
  const before = storage.getStore()
  storage.enterWith(toContext(before ?? ROOT_CONTEXT))
  return { storage, before }
}

/** Makes active again what was before {@link enterActiveSpan} or {@link enterContext}. */
export function leaveContext({ storage, before }: LeftContext): void {
  storage.enterWith(before)
}

/** What the standard context manager, of any version, keeps contexts in; a manager with ways of its own is only called. */
function storageOf(manager: object): AsyncLocalStorage<Context | undefined> | undefined {
  const storage = (manager as { readonly _asyncLocalStorage?: unknown })._asyncLocalStorage
  if (!(storage instanceof AsyncLocalStorage)) return undefined
  return manager.constructor.name === STANDARD_MANAGER ? storage : undefined
}

const STANDARD_MANAGER = AsyncLocalStorageContextManager.name

/** Calls an instrumentor's `fn` in the context it chose, with its span active where it is one of a tracer and no host would see it. */
export function callInContext<R>(at: Context, span: Span, isOwned: boolean, fn: (span: Span) => R): R {
  const inside = isOwned && !hasHost() ? trace.setSpan(at, span) : at
  return context.with(inside, fn, undefined, span)
}

declare function applyTo<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R

import type { Span, SpanContext, SpanOptions } from '@opentelemetry/api'
import { processState } from './globals.js'

/** What the context layer needs to know of a tracer. `Tracer` implements it. */
export interface Instance {
  /** Stays the same for the life of the tracer and never leaves the process. */
  readonly instanceId: symbol
  /** What users hold of this instance. */
  readonly tracer: TracerHandle
  /** Short text for diagnostics; shows no secret. */
  readonly label: string
  /** False after `shutdown` began. */
  readonly isLive: boolean
  /** Whether the ids of this instance's spans may stand in links of another instance's spans, and the other way round. */
  readonly crossTracerLinks: boolean
  /** Starts a span for an instrumentor that was handed a routing provider. Never throws. */
  startRoutedSpan(request: RoutedSpan): Span
  /** Runs `fn` with `span`, one of this instance's own, active. */
  runWithSpan<R>(span: Span, fn: () => R): R
}

/** What users hold of an instance: the tracer that `init` gave them. */
export interface TracerHandle {
  readonly instance: Instance
}

/** A span that an instrumentor asked a routing provider for. */
export interface RoutedSpan {
  readonly name: string
  readonly options: SpanOptions
  /** The instance's own span it nests under; `undefined` makes a root. */
  readonly parent: Span | undefined
  /** Name and version of the instrumentation library. */
  readonly scopeName: string
  readonly scopeVersion: string | undefined
}

/** One session of one tracer: the group its spans belong to. */
export interface Session {
  readonly id: string
  readonly name: string
}

/** What is current for one instance. */
export interface Frame {
  readonly instance: Instance
  /** Innermost active span of this instance, if any. */
  readonly span: Span | undefined
  /** Session chosen for this context; `undefined` means the instance's own. */
  readonly session: Session | undefined
  /** Parent received from another process through `withRemoteContext`. */
  readonly remoteParent: SpanContext | undefined
  /** Baggage of this instance only. */
  readonly baggage: ReadonlyMap<string, string> | undefined
}

/**
 * What is current in an async context: the innermost instance first, then one frame for each other instance that is
 * active further out. Immutable, and never longer than the number of distinct instances that are nested.
 */
export interface Scope {
  readonly frame: Frame
  readonly outer: Scope | undefined
}

/** A frame in which nothing is current yet. */
export function emptyFrame(instance: Instance): Frame {
  return { instance, span: undefined, session: undefined, remoteParent: undefined, baggage: undefined }
}

/** The scope of the current async context. */
export function currentScope(): Scope | undefined {
  return processState.scopes.getStore()
}

/** What is current for `instance`, wherever it stands in the scope. */
export function frameOf(instance: Instance, scope: Scope | undefined = currentScope()): Frame | undefined {
  for (let at = scope; at !== undefined; at = at.outer) {
    if (at.frame.instance === instance) return at.frame
  }
  return undefined
}

/** `scope` with `frame` innermost and any earlier frame of the same instance replaced. */
export function enterFrame(frame: Frame, scope: Scope | undefined = currentScope()): Scope {
  return { frame, outer: withoutInstance(frame.instance, scope) }
}

function withoutInstance(instance: Instance, scope: Scope | undefined): Scope | undefined {
  if (scope === undefined) return undefined
  if (scope.frame.instance === instance) return scope.outer
  const outer = withoutInstance(instance, scope.outer)
  return outer === scope.outer ? scope : { frame: scope.frame, outer }
}

/** Runs `fn` with `scope` current for it and for everything it starts, awaits included. */
export function runInScope<A extends unknown[], R>(scope: Scope | undefined, fn: (...args: A) => R, ...args: A): R {
  return processState.scopes.run(scope, fn, ...args)
}

import type { Span } from '@opentelemetry/api'
import type { Around, Frame, FrameValues, Scope } from './frame.js'
import { processState } from './globals.js'
import { isWorkerd } from '../natives.js'
import type { Instance } from './instance.js'

/** A frame in which nothing is current yet. */
export function emptyFrame(instance: Instance): FrameValues {
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

/** Whether `scope` was entered inside of `around`: its instance went on from there, or from a scope of its own within the same outermost one. */
export function isWithin(scope: Scope | undefined, { frame: { instance, order, origin } }: Scope): boolean {
  const frame = frameOf(instance, scope)
  return frame !== undefined && frame.origin === origin && frame.order >= order
}

/** The next place in the order of everything that is entered or started: who comes later is further inside. */
export function nextOrder(): number {
  processState.lastOrder += 1
  return processState.lastOrder
}

/** The scope around with a new frame innermost and any earlier frame of the same instance replaced. */
export function enterFrame({ instance, span, session, remoteParent, baggage }: FrameValues, around: Around): Scope {
  const order = nextOrder()
  const origin = span?.origin ?? around.owned?.origin ?? around.scope?.frame.origin ?? order
  const outer = around.scope?.frame
  const since = outer?.instance === instance && outer.session === session ? outer.since : order
  const nearest = span ?? (around.scope && frameOf(instance, around.scope))?.nearest
  const veiled = around.span !== undefined && around.owned === undefined ? order : (outer?.veiled ?? 0)
  const frame: Frame = { instance, span, nearest, session, remoteParent, baggage, order, origin, since, around: around.span, veiled }
  return { frame, outer: withoutInstance(instance, around.scope) }
}

/** `scope` with `frame`, which keeps its place in the order, innermost. */
export function placeFrame(frame: Frame, scope: Scope | undefined): Scope {
  return { frame, outer: withoutInstance(frame.instance, scope) }
}

/** `scope` as if it was entered now, inside of what is active around the caller. */
export function renewScope(scope: Scope | undefined, around: Span | undefined): Scope | undefined {
  if (scope === undefined) return undefined
  const outer = renewScope(scope.outer, around)
  return { frame: { ...scope.frame, order: nextOrder(), around }, outer }
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

/**
 * Makes `scope` current for the rest of this synchronous run, until {@link leaveScope} is given what this gives back. It is what
 * {@link runInScope} does, without a frame of its own on the host's stack. Cloudflare's runtime has no such way, and every tracer there is
 * disabled, so that nothing is entered.
 */
export function enterScope(scope: Scope | undefined): Scope | undefined {
  const { scopes } = processState
  const before = scopes.getStore()
  if (!isWorkerd) scopes.enterWith(scope)
  return before
}

/** Makes current again what was before {@link enterScope}. */
export function leaveScope(before: Scope | undefined): void {
  if (!isWorkerd) processState.scopes.enterWith(before)
}

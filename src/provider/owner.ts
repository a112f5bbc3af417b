import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import type { Around, Frame, Scope } from '../context/frame.js'
import type { Instance, OwnedSpan, Place } from '../context/instance.js'
import { noteContext, wasMetBefore } from '../context/first-met.js'
import { spanOf } from '../context/live-spans.js'
import { currentScope, frameOf } from '../context/scope.js'
import { isRecordingSpan, readSpanContext } from './foreign-span.js'
import { activeContext } from '../context/active.js'
import { hasContextManager, hasHost } from './host.js'

/** Every span of this package, of any copy of it, answers for itself under this name. */
interface SpanOfOurs {
  readonly honeyhiveSpan: OwnedSpan
}

/** Names under which libraries keep the span that they wrap (OpenInference's `OISpan`: `span`). */
const WRAPPED = ['span', '_span', 'otelSpan', '_otelSpan'] as const

/**
 * The span of ours that `span` is: itself, by its ids, or inside another library's wrapper. `undefined` for a span of
 * somebody else: Sentry, Datadog, the application's own SDK.
 */
export function findOwned(span: Span | undefined): OwnedSpan | undefined {
  if (span === undefined) return undefined
  try {
    return (span as Partial<SpanOfOurs>).honeyhiveSpan ?? spanOf(span.spanContext()) ?? findWrapped(span)
  } catch {
    // Something that refuses to be read is none of ours.
    return undefined
  }
}

function findWrapped(span: object): OwnedSpan | undefined {
  for (const name of WRAPPED) {
    const inner = (span as Readonly<Record<string, unknown>>)[name]
    if (typeof inner === 'object' && inner !== null && 'honeyhiveSpan' in inner) return (inner as SpanOfOurs).honeyhiveSpan
  }
  return undefined
}

/** What surrounds the caller; read once for each span, because every look into a context costs. */
export interface Surroundings extends Around {
  readonly context: Context
}

/** Reads what surrounds the caller. */
export function readSurroundings(scope: Scope | undefined = currentScope()): Surroundings {
  if (!hasContextManager()) return { scope, context: ROOT_CONTEXT, span: undefined, owned: undefined }
  const at = activeContext()
  const span = trace.getSpan(at)
  const owned = findOwned(span)
  if (owned !== undefined) noteContext(at)
  return { scope, context: at, span, owned }
}

/** Place of the outermost scope or span that what starts there is nested in, if it is in any. */
export function originOf({ owned, scope }: Around): number | undefined {
  return owned?.origin ?? scope?.frame.origin
}

/** Who is innermost. */
export interface Innermost {
  readonly instance: Instance | undefined
  /** Span of the OpenTelemetry context that makes it so; `undefined` when our own scope does. */
  readonly span: OwnedSpan | undefined
  /** Set when two answers are possible; then there is none. */
  readonly conflict: readonly [one: Instance, other: Instance] | undefined
}

const NOBODY: Innermost = { instance: undefined, span: undefined, conflict: undefined }

/**
 * The one rule for who owns what starts here, where nothing else was said: who was entered last. Entering a scope and
 * starting a span take the next place of one order, so a library that restores an outer OpenTelemetry context changes
 * nothing: its span is older than the scope that was entered inside of it.
 *
 * An older span that the scope was not entered inside of was made active by hand: a callback that was bound to it runs in
 * the scope of another tracer or request, and belongs where it was bound. Once that span has ended, or where a span of somebody else
 * hides it, nobody can tell such a callback from a context that was merely kept, so between two tracers there is no answer.
 *
 * @param isOutside whether a scope was entered inside a span; spans of a host know their ancestors themselves.
 */
export function findInnermost({ scope, span, owned }: Around, isOutside: IsOutside = isOutsideByFrames): Innermost {
  if (owned === undefined) return scope === undefined ? NOBODY : byScope(scope)
  if (scope === undefined || owned.order > scope.frame.order) return { instance: owned.owner, span: owned, conflict: undefined }
  const { instance, around } = scope.frame
  if (owned.owner === undefined || span === around) return byScope(scope)
  const isWithin = owned.owner === instance ? !isElsewhere(owned, scope.frame) : isOutside(owned, scope)
  if (isWithin === true) return byScope(scope)
  if (isWithin === false && !owned.hasEnded) return { instance: owned.owner, span: owned, conflict: undefined }
  return { instance: undefined, span: undefined, conflict: [owned.owner, instance] }
}

/** Whether `owned`, an open span of the same tracer, stands in another nest: another request's, whose callback a pool runs here. */
function isElsewhere(owned: OwnedSpan, frame: Frame): boolean {
  return owned.origin !== frame.origin && !owned.hasEnded
}

/** Whether `scope` was entered inside `owned`; `undefined` where that cannot be told. */
export type IsOutside = (owned: OwnedSpan, scope: Scope) => boolean | undefined

/** In the same nest, and not below what was innermost for its tracer when the scope was entered. */
function isOutsideByFrames(owned: OwnedSpan, scope: Scope): boolean | undefined {
  const { instance, origin, veiled } = scope.frame
  if (owned.owner === undefined || owned.origin !== origin) return false
  const innermost = frameOf(owned.owner, scope)?.nearest
  if (innermost !== undefined && owned.order <= innermost.order) return true
  return owned.owner !== instance && owned.order < veiled ? undefined : false
}

function byScope({ frame }: Scope): Innermost {
  return { instance: frame.instance, span: undefined, conflict: undefined }
}

/**
 * The innermost span of `instance` here: the active OpenTelemetry span, or the one its frame holds, whichever is later. An open
 * one of another nest was made active by hand.
 */
export function innermostSpanOf(instance: Instance, frame: Frame | undefined, owned: OwnedSpan | undefined): OwnedSpan | undefined {
  if (owned?.owner !== instance) return frame?.span
  return frame === undefined || owned.order > frame.order || isElsewhere(owned, frame) ? owned : frame.span
}

/** Who takes a span that an instrumentor starts, and where it stands. */
export interface Routing {
  readonly owner: Instance | undefined
  readonly place: Place
  /** True where no tracer is active at all, so that a fallback may take the span. */
  readonly isFree: boolean
  readonly conflict: Innermost['conflict']
  /** What surrounds the span where it starts. */
  readonly surroundings: Surroundings
  /** True where a span of ours in a context that was chosen says whose it is; else the surroundings do. */
  readonly isNamed: boolean
}

const WHERE_IT_STARTS: Place = { parent: undefined, remoteParent: undefined, isChosen: false }
const AT_THE_TOP: Place = { parent: undefined, remoteParent: undefined, isChosen: true }

/**
 * Routes a span that an instrumentor starts in `at`. A context that differs from the current one in its span was chosen and
 * decides: a span of ours in it is the parent, a remote parent is continued, a context without a span makes a root. In the
 * current context the innermost tracer decides, and so it does in an outer one that a library kept and names again.
 */
export function routeSpan(at: Context, isRoot: boolean, surroundings: Surroundings): Routing {
  const given = at === surroundings.context ? surroundings.span : trace.getSpan(at)
  const isChosen = given !== surroundings.span || (at === ROOT_CONTEXT && surroundings.context !== ROOT_CONTEXT)
  const chosen = isChosen ? findOwned(given) : undefined
  if (chosen === undefined) return routeHere(isRoot, surroundings, isChosen ? toChosenPlace(given) : undefined)
  const around: Surroundings = { ...surroundings, context: at, span: given, owned: chosen }
  if (isKept(around) !== false) return routeHere(isRoot, around, undefined)
  noteContext(at)
  const place = isRoot ? AT_THE_TOP : placeUnder(chosen)
  return { owner: chosen.owner, place, isFree: false, conflict: undefined, surroundings, isNamed: true }
}

/** Whether the context is an outer one, if that can be told: met before the current scope was entered, inside of the span it holds. */
function isKept({ scope, context, span, owned }: Surroundings): boolean | undefined {
  if (scope === undefined || owned === undefined || !wasMetBefore(context, scope.frame.since)) return false
  return owned.owner === undefined || span === scope.frame.around || isOutsideByFrames(owned, scope)
}

function routeHere(isRoot: boolean, surroundings: Surroundings, chosen: Place | undefined): Routing {
  const { instance, span, conflict } = findInnermost(surroundings)
  const isFree = instance === undefined && span === undefined && conflict === undefined
  const place = isRoot ? AT_THE_TOP : (chosen ?? (span === undefined ? toCurrentPlace(surroundings) : placeUnder(span)))
  return { owner: instance, place, isFree, conflict, surroundings, isNamed: false }
}

function placeUnder(parent: OwnedSpan): Place {
  return { parent, remoteParent: undefined, isChosen: true }
}

/** A span of somebody else in a context says nothing about where ours stand. */
function toChosenPlace(given: Span | undefined): Place {
  if (given === undefined) return AT_THE_TOP
  return toRemotePlace(given) ?? WHERE_IT_STARTS
}

/** A caller's context that became current after our own scope was entered: a consumer that continues its producer. */
function toCurrentPlace({ scope, span, owned }: Surroundings): Place {
  const isOlder = span === undefined || owned !== undefined || span === scope?.frame.around
  return (isOlder ? undefined : toRemotePlace(span)) ?? WHERE_IT_STARTS
}

/** Ids without a span behind them are another process's, also unmarked where no host could have made them. */
function toRemotePlace(span: Span): Place | undefined {
  const remoteParent = readSpanContext(span)
  if (remoteParent === undefined) return undefined
  const isRemote = remoteParent.isRemote === true || (!isRecordingSpan(span) && !hasHost())
  return isRemote ? { parent: undefined, remoteParent, isChosen: true } : undefined
}

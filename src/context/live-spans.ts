import { NativeMap } from '../builtins.js'
import type { SpanContext } from '@opentelemetry/api'
import { type EndedSpans, processState } from './globals.js'
import type { Instance, OwnedSpan } from './instance.js'

/** Spans that are known by their ids at most; one that is started beyond it is still known as the object it is. */
const MAX_SPANS = 100_000
/** Spans that are known for a while after their end, because libraries name parents that have ended. */
const MAX_ENDED = 2_048

/** Makes a span known by its ids, whatever object carries them. */
export function rememberSpan(span: OwnedSpan): void {
  if (processState.spans.size < MAX_SPANS) processState.spans.set(span.context.spanId, span)
}

/** Lets a span that ended be forgotten in its turn, or with its owner. */
export function forgetSpanLater(span: OwnedSpan): void {
  const { endedSpans, endedOwners, spans } = processState
  const {
    owner,
    context: { spanId },
  } = span
  spans.delete(spanId)
  if (owner?.isLive !== true) return
  const at = processState.nextEnded
  const oldest = endedSpans[at]
  if (oldest !== undefined) forgetEnded(oldest)
  endedSpans[at] = spanId
  processState.nextEnded = (at + 1) % MAX_ENDED
  const ended = endedOf(owner)
  ended.spans.set(spanId, span)
  endedOwners.set(spanId, ended.ref)
}

function forgetEnded(spanId: string): void {
  const { endedOwners, endedOf } = processState
  const owner = endedOwners.get(spanId)?.deref()
  endedOwners.delete(spanId)
  if (owner !== undefined) endedOf.get(owner)?.spans.delete(spanId)
}

function endedOf(owner: Instance): EndedSpans {
  const known = processState.endedOf.get(owner)
  if (known !== undefined) return known
  const ended = { ref: new WeakRef(owner), spans: new NativeMap<string, OwnedSpan>() }
  processState.endedOf.set(owner, ended)
  return ended
}

/** Forgets the ended spans of an instance. */
export function forgetSpansOf(instance: Instance): void {
  processState.endedOf.delete(instance)
}

// A property that no log shows: a weak map costs several microseconds for each object.
const SHOWN_FOR = Symbol.for('honeyhive-tracer.shown-for')

/** Lets `shown`, an object made for `span`, tell whose it is although its ids are somebody else's. */
export function markShown(shown: SpanContext, span: OwnedSpan): SpanContext {
  return Object.defineProperty(shown, SHOWN_FOR, { value: span })
}

const RECEIVED_BY = Symbol.for('honeyhive-tracer.received-by')

/** Lets a caller's ids tell for whom they were read from the wire: they are a parent for nobody else. */
export function markReceivedBy(caller: SpanContext, instance: Instance): SpanContext {
  return Object.defineProperty(caller, RECEIVED_BY, { value: instance })
}

/** Whether these very ids were read for another instance. */
export function isReceivedByOther(caller: SpanContext | undefined, instance: Instance): boolean {
  const receiver = (caller as { readonly [RECEIVED_BY]?: Instance } | undefined)?.[RECEIVED_BY]
  return receiver !== undefined && receiver !== instance
}

/** The span of ours whose ids these are, or for which this very object was made. Ids from the wire pick no tracer. */
export function spanOf(context: SpanContext): OwnedSpan | undefined {
  const shownFor = (context as { readonly [SHOWN_FOR]?: OwnedSpan })[SHOWN_FOR]
  if (shownFor !== undefined) return shownFor
  if (context.isRemote === true) return undefined
  const known = processState.spans.get(context.spanId) ?? endedSpan(context.spanId)
  return known?.context.traceId === context.traceId ? known : undefined
}

function endedSpan(spanId: string): OwnedSpan | undefined {
  const owner = processState.endedOwners.get(spanId)?.deref()
  return owner === undefined ? undefined : processState.endedOf.get(owner)?.spans.get(spanId)
}

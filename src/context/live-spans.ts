import type { SpanContext } from '@opentelemetry/api'
import { processState } from './globals.js'
import type { Instance, OwnedSpan } from './instance.js'

/** Spans that are known by their ids at most; one that is started beyond it is still known as the object it is. */
const MAX_SPANS = 100_000
/** Spans that are known for a while after their end, because libraries name parents that have ended. */
const MAX_ENDED = 2_048

/** Makes a span known by its ids, whatever object carries them. */
export function rememberSpan(span: OwnedSpan): void {
  if (processState.spans.size < MAX_SPANS) processState.spans.set(span.context.spanId, span)
}

/** Lets a span that ended be forgotten in its turn. */
export function forgetSpanLater({ owner, context: { spanId } }: OwnedSpan): void {
  const { endedSpans, spans } = processState
  if (owner?.isLive !== true) return void spans.delete(spanId)
  const at = processState.nextEnded
  const oldest = endedSpans[at]
  if (oldest !== undefined) spans.delete(oldest)
  endedSpans[at] = spanId
  processState.nextEnded = (at + 1) % MAX_ENDED
}

/** Forgets the ended spans of an instance, which would keep it alive. */
export function forgetSpansOf(instance: Instance): void {
  const { endedSpans, spans } = processState
  for (const spanId of endedSpans) if (spans.get(spanId)?.owner === instance) spans.delete(spanId)
}

// A property that no log shows: a weak map costs several microseconds for each object.
const SHOWN_FOR = Symbol.for('honeyhive-tracer.shown-for')

/** Lets `shown`, an object made for `span`, tell whose it is although its ids are somebody else's. */
export function markShown(shown: SpanContext, span: OwnedSpan): SpanContext {
  return Object.defineProperty(shown, SHOWN_FOR, { value: span })
}

/** The span of ours whose ids these are, or for which this very object was made. Ids from the wire pick no tracer. */
export function spanOf(context: SpanContext): OwnedSpan | undefined {
  const shownFor = (context as { readonly [SHOWN_FOR]?: OwnedSpan })[SHOWN_FOR]
  if (shownFor !== undefined) return shownFor
  if (context.isRemote === true) return undefined
  const known = processState.spans.get(context.spanId)
  return known?.context.traceId === context.traceId ? known : undefined
}

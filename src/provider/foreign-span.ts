import { isSpanContextValid, type Span, type SpanContext } from '@opentelemetry/api'

/*
 * What other libraries put into a context as its span is not always a whole one: the spans of New Relic's bridge have
 * `spanContext` and nothing else. Reading one never throws.
 */

/** The ids of a span of any library; `undefined` for one without valid ids. */
export function readSpanContext(span: Span | undefined): SpanContext | undefined {
  try {
    const found = (span as Partial<Span> | undefined)?.spanContext?.()
    return found !== undefined && isSpanContextValid(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** Whether a span of any library records. One that does not say so is alive in a product's own books. */
export function isRecordingSpan(span: Span): boolean {
  try {
    return (span as Partial<Span>).isRecording?.() ?? true
  } catch {
    return true
  }
}

import { type Context, INVALID_SPAN_CONTEXT, ROOT_CONTEXT, type Span, type SpanContext, trace } from '@opentelemetry/api'

/**
 * A context that names another parent each time. The SDK takes a parent in a context, reads it at once and keeps nothing of it; a context
 * of its own for each span would cost more than the rest of the look-up. Only where no code of a user's runs in between.
 */
class ParentSlot {
  #parent: SpanContext = INVALID_SPAN_CONTEXT
  readonly #context: Context

  constructor() {
    const span = Object.create(trace.wrapSpanContext(INVALID_SPAN_CONTEXT) as object) as Span
    span.spanContext = (): SpanContext => this.#parent
    this.#context = trace.setSpan(ROOT_CONTEXT, span)
  }

  /** The context, good until the next call. */
  naming(parent: SpanContext): Context {
    this.#parent = parent
    return this.#context
  }
}

/** One for the process: it is filled and read in the same call. */
export const PARENT_SLOT: ParentSlot = new ParentSlot()

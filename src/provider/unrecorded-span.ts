import { INVALID_SPAN_CONTEXT, type Span, type SpanContext } from '@opentelemetry/api'
import type { Instance, OwnedSpan } from '../context/instance.js'
import { markShown } from '../context/live-spans.js'
import { nextOrder } from '../context/scope.js'

/** Under a symbol and not in private fields, so that a proxy around the span works as the span does. */
const STATE = Symbol('honeyhive-tracer.state')
type Holder = { [STATE]?: State }

interface State {
  readonly owned: OwnedSpan
  readonly shown: SpanContext
  /** Whether somebody asked for what it shows, and may name the span by it. */
  isKnown: boolean
}

/**
 * A span that nobody records: its tracer is disabled or shut down, or no tracer could be chosen. It shows what was active
 * where it started, and what starts under it goes the same way, never to another tracer.
 */
export class UnrecordedSpan implements Span {
  /**
   * @param owner the tracer that does not record it, if one was chosen.
   * @param shown what `spanContext()` gives.
   * @param origin place of the outermost scope or span it stands in. @defaultValue its own
   */
  constructor(owner: Instance | undefined, shown: SpanContext, origin?: number) {
    const order = nextOrder()
    const owned: OwnedSpan = { owner, context: INVALID_SPAN_CONTEXT, order, origin: origin ?? order, hasEnded: false }
    ;(this as Holder)[STATE] = { owned, shown, isKnown: false }
  }

  /** @internal How every copy of this package recognises the span. */
  get honeyhiveSpan(): OwnedSpan | undefined {
    return (this as Holder)[STATE]?.owned
  }

  spanContext(): SpanContext {
    const state = (this as Holder)[STATE]
    if (state === undefined) return INVALID_SPAN_CONTEXT
    if (!state.isKnown) markShown(state.shown, state.owned)
    state.isKnown = true
    return state.shown
  }

  isRecording(): boolean {
    return false
  }

  setAttribute(): this {
    return this
  }

  setAttributes(): this {
    return this
  }

  addEvent(): this {
    return this
  }

  addLink(): this {
    return this
  }

  addLinks(): this {
    return this
  }

  setStatus(): this {
    return this
  }

  updateName(): this {
    return this
  }

  recordException(): void {
    // Nothing is recorded.
  }

  end(): void {
    // Nothing was started.
  }
}

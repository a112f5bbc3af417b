import { type Context, INVALID_SPAN_CONTEXT, type Span, type SpanContext } from '@opentelemetry/api'
import type { Instance, OwnedSpan } from '../context/instance.js'
import { markShown } from '../context/live-spans.js'
import { nextOrder } from '../context/scope.js'
import { toShownContext } from './host.js'

/** Under a symbol and not in private fields, so that a proxy around the span works as the span does. */
const STATE = Symbol('honeyhive-tracer.state')
type Holder = { [STATE]?: State }

interface State extends OwnedSpan {
  /** Context in which it started. */
  readonly at: Context
  /** What it shows, once somebody asked and may name the span by it. */
  shown: SpanContext | undefined
}

/**
 * A span that nobody records: its tracer is disabled or shut down, or no tracer could be chosen. It shows what was active
 * where it started, and what starts under it goes the same way, never to another tracer.
 */
export class UnrecordedSpan implements Span {
  /**
   * @param owner the tracer that does not record it, if one was chosen.
   * @param at where it starts.
   * @param origin place of the outermost scope or span it stands in. @defaultValue its own
   * @param shown what `spanContext()` gives. @defaultValue what stands in `at`
   */
  constructor(owner: Instance | undefined, at: Context, origin?: number, shown?: SpanContext) {
    const order = nextOrder()
    const state: State = { owner, context: INVALID_SPAN_CONTEXT, order, origin: origin ?? order, hasEnded: false, at, shown: undefined }
    ;(this as Holder)[STATE] = state
    if (shown !== undefined) state.shown = markShown(shown, state)
  }

  /** @internal How every copy of this package recognises the span. */
  get honeyhiveSpan(): OwnedSpan | undefined {
    return (this as Holder)[STATE]
  }

  spanContext(): SpanContext {
    const state = (this as Holder)[STATE]
    if (state === undefined) return INVALID_SPAN_CONTEXT
    state.shown ??= markShown(toShownContext(state.at), state)
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

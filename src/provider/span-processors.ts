import { reflectGet, NativeProxy } from '../builtins.js'
import type { Context, SpanContext } from '@opentelemetry/api'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { silencePromise } from '../promises.js'
import { GuardedSpan } from './guarded-span.js'
import type { SpanListener } from './span-data.js'
import type { SpanMetrics } from './span-metrics.js'

/** Everything that hears of the recorded spans of one tracer: its metrics, the processors of the user, and last the way out. */
export class SpanProcessors implements SpanListener {
  /** The processors of the user. */
  readonly ofUser: readonly UserSpanProcessor[]
  readonly #metrics: SpanMetrics | undefined
  readonly #exit: SpanProcessor

  constructor(ofUser: readonly UserSpanProcessor[], metrics: SpanMetrics | undefined, exit: SpanProcessor) {
    this.ofUser = ofUser
    this.#metrics = metrics
    this.#exit = exit
  }

  /** @param parentContext names the span's parent. */
  onStart(span: GuardedSpan, parentContext: Context): void {
    for (const processor of this.ofUser) processor.onStart(span, parentContext)
  }

  onEnding(span: GuardedSpan): void {
    for (const processor of this.ofUser) processor.onEnding(span)
  }

  onEnd(span: GuardedSpan): void {
    this.#metrics?.ended(GuardedSpan.recordOf(span)?.fate === 'export')
    for (const processor of this.ofUser) processor.onEnd(span)
    this.#exit.onEnd(span)
  }
}

/** A processor of the user: it sees our span while it is open and its exportable form at the end; what it throws stays here. */
export class UserSpanProcessor implements SpanProcessor {
  readonly #processor: SpanProcessor
  readonly #diagnostics: Diagnostics

  constructor(processor: SpanProcessor, diagnostics: Diagnostics) {
    this.#processor = processor
    this.#diagnostics = diagnostics
  }

  onStart(span: GuardedSpan, parentContext: Context): void {
    this.#guard('onStart', () => this.#processor.onStart(withOwnIds(span), parentContext))
  }

  onEnding(span: GuardedSpan): void {
    this.#guard('onEnding', () => this.#processor.onEnding?.(withOwnIds(span)))
  }

  onEnd(span: GuardedSpan): void {
    this.#guard('onEnd', () => this.#processor.onEnd(GuardedSpan.finish(span)))
  }

  forceFlush(): Promise<void> {
    return this.#settle('forceFlush', () => this.#processor.forceFlush())
  }

  shutdown(): Promise<void> {
    return this.#settle('shutdown', () => this.#processor.shutdown())
  }

  #guard(what: string, call: () => unknown): void {
    try {
      const outcome = call()
      if (outcome !== undefined) silencePromise(outcome, (error) => this.#warn(what, error))
    } catch (error) {
      this.#warn(what, error)
    }
  }

  /** @throws what the processor failed with, for the caller to count. */
  async #settle(what: string, call: () => Promise<void>): Promise<void> {
    try {
      await call()
    } catch (error) {
      this.#warn(what, error)
      throw error
    }
  }

  #warn(what: string, error: unknown): void {
    const name = error instanceof Error ? error.name : typeof error
    this.#diagnostics.warn(
      `processor:${what}`,
      `${what} of a span processor (${this.#processor.constructor?.name ?? 'unnamed'}) failed with ${name}. Check the \`spanProcessors\` option.`,
    )
  }
}

/** The span with the ids it is exported with, whatever it shows to instrumentors beside a host. */
function withOwnIds(span: GuardedSpan): GuardedSpan {
  const record = GuardedSpan.recordOf(span)
  if (record === undefined || record.shown === record.context) return span
  const own = (): SpanContext => record.context
  return new NativeProxy(span, { get: (target, key) => (key === 'spanContext' ? own : reflectGet(target, key)) })
}

import { resolved, reflectGet, NativeProxy } from '../builtins.js'
import type { Context, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { GuardedSpan, guardOf } from './guarded-span.js'

/** The first processor of every provider: puts our guard, which carries session and identity, in front of the SDK's span. */
export class SessionProcessor implements SpanProcessor {
  #starting: GuardedSpan | undefined

  /** Tells which guard the span that starts next belongs to. */
  expect(span: GuardedSpan): void {
    this.#starting = span
  }

  onStart(sdk: SdkSpan): void {
    const span = this.#starting
    this.#starting = undefined
    if (span !== undefined) GuardedSpan.attach(span, sdk)
  }

  onEnd(sdk: ReadableSpan): void {
    const span = guardOf(sdk)
    if (span !== undefined) GuardedSpan.close(span)
  }

  forceFlush(): Promise<void> {
    return resolved(undefined)
  }

  shutdown(): Promise<void> {
    return resolved(undefined)
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

  onStart(sdk: SdkSpan, parentContext: Context): void {
    const span = guardOf(sdk)
    if (span !== undefined) this.#guard('onStart', () => this.#processor.onStart(withOwnIds(span), parentContext))
  }

  onEnding(sdk: SdkSpan): void {
    const span = guardOf(sdk)
    if (span !== undefined) this.#guard('onEnding', () => this.#processor.onEnding?.(withOwnIds(span)))
  }

  onEnd(sdk: ReadableSpan): void {
    const span = guardOf(sdk)
    if (span !== undefined) this.#guard('onEnd', () => this.#processor.onEnd(GuardedSpan.finish(span)))
  }

  forceFlush(): Promise<void> {
    return this.#settle('forceFlush', () => this.#processor.forceFlush())
  }

  shutdown(): Promise<void> {
    return this.#settle('shutdown', () => this.#processor.shutdown())
  }

  #guard(what: string, call: () => void): void {
    try {
      call()
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

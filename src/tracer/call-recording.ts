import type { Span } from '@opentelemetry/api'
import type { Scope } from '../context/frame.js'
import { runInScope } from '../context/scope.js'
import type { GuardedSpan } from '../provider/guarded-span.js'
import { callWithActiveSpan } from '../provider/host.js'
import type { Recording } from '../wrap/recorder.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import { captureResult, type CaptureParts } from './call-capture.js'

/** The border to the host. */
export interface Border {
  /** Says that work of our own failed; the host does not notice. */
  report(topic: string, error: unknown): void
}

/** One call that a tracer records. */
export class CallRecording implements Recording {
  readonly #span: GuardedSpan
  readonly #call: CompiledCall
  readonly #parts: CaptureParts
  readonly #scope: Scope
  readonly #border: Border

  constructor(span: GuardedSpan, call: CompiledCall, parts: CaptureParts, scope: Scope, border: Border) {
    this.#span = span
    this.#call = call
    this.#parts = parts
    this.#scope = scope
    this.#border = border
  }

  get maxBytes(): number {
    return this.#parts.capture.maxBytes
  }

  get span(): Span {
    return this.#span
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    // A span that nobody records leaves the active OpenTelemetry span alone.
    if (!this.#span.isRecording()) return runInScope(this.#scope, Reflect.apply as (...call: unknown[]) => R, fn, self, args)
    return runInScope(this.#scope, callWithActiveSpan<R>, this.#span, fn, self, args)
  }

  succeed(output: unknown): void {
    try {
      if (this.#span.isRecording()) captureResult(this.#span, this.#call, output, this.#parts)
    } catch (error) {
      this.#border.report('capture', error)
    }
    this.#span.end()
  }

  fail(error: unknown): void {
    this.#span.fail(error)
    this.#span.end()
  }
}

/** A call on a tracer that records nothing: it runs in the tracer's scope, so that nothing in it goes to another one. */
export class SilentRecording implements Recording {
  readonly isSilent = true
  readonly maxBytes = 0
  readonly span: Span
  readonly #scope: Scope

  constructor(span: Span, scope: Scope) {
    this.span = span
    this.#scope = scope
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    return runInScope(this.#scope, Reflect.apply as (...call: unknown[]) => R, fn, self, args)
  }

  succeed(): void {
    // Nothing was started.
  }

  fail(): void {
    // Nothing was started.
  }
}

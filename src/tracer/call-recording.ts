import { reflectApply } from '../builtins.js'
import type { Span } from '@opentelemetry/api'
import type { Scope } from '../context/frame.js'
import { enterScope, leaveScope, runInScope } from '../context/scope.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { callWithActiveSpan, enterActiveSpan } from '../provider/host.js'
import type { Gathered, NEEDS_RUN, Recording } from '../wrap/recorder.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import { captureChunks, captureResult, capturesOutput, type Capture } from './call-capture.js'
import { enterWith, type Left, leaveFor } from './left-scope.js'

/** Of this module, because some loaders make a call of each look at what is imported, and there may be no stack for one. */
const applyNow = reflectApply

/** The border to the host. */
export interface Border {
  /** Says that work of our own failed; the host does not notice. */
  report(topic: string, error: unknown): void
}

/** One call that a tracer records. */
export class CallRecording implements Recording {
  readonly #span: GuardedSpan
  readonly #call: CompiledCall
  readonly #capture: Capture
  readonly #scope: Scope
  readonly #border: Border
  #firstChunkMs: number | undefined

  constructor(span: GuardedSpan, call: CompiledCall, capture: Capture, scope: Scope, border: Border) {
    this.#span = span
    this.#call = call
    this.#capture = capture
    this.#scope = scope
    this.#border = border
  }

  get maxBytes(): number {
    return capturesOutput(this.#call, this.#capture) ? this.#capture.settings.maxBytes : 0
  }

  get span(): Span {
    return this.#span
  }

  get scope(): Scope {
    return this.#scope
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    // A span that nobody records leaves the active OpenTelemetry span alone.
    if (!this.#span.isRecording()) return runInScope(this.#scope, applyNow as (...call: unknown[]) => R, fn, self, args)
    return runInScope(this.#scope, callWithActiveSpan<R>, this.#span, fn, self, args)
  }

  enter(isPartEnough = false): Left | typeof NEEDS_RUN {
    // As in `run`.
    return enterWith(this.#scope, this.#span.isRecording() ? enterActiveSpan(this.#span) : undefined, isPartEnough)
  }

  leave(before: Left): void {
    leaveFor(before)
  }

  firstChunk(): void {
    this.#firstChunkMs ??= GuardedSpan.ageMsOf(this.#span)
  }

  succeed(output: unknown, chunkCount?: number): void {
    try {
      this.#captureResult(output, chunkCount)
    } finally {
      this.#span.end()
    }
  }

  gatherWith(gather: () => Gathered): void {
    GuardedSpan.gatherWith(this.#span, () => {
      const { output, chunkCount } = gather()
      this.#captureResult(output, chunkCount)
    })
  }

  fail(error: unknown, output?: unknown, chunkCount?: number): void {
    try {
      if (output !== undefined || chunkCount !== undefined) this.#captureResult(output, chunkCount)
      this.#span.fail(error)
    } finally {
      this.#span.end()
    }
  }

  #captureResult(output: unknown, chunkCount: number | undefined): void {
    try {
      if (!this.#span.isRecording()) return
      captureResult(this.#span, this.#call, output, this.#capture)
      if (chunkCount !== undefined) captureChunks(this.#span, chunkCount, this.#firstChunkMs)
    } catch (error) {
      this.#border.report('capture', error)
    }
  }
}

/** A call on a tracer that records nothing: it runs in the tracer's scope, so that nothing in it goes to another one. */
export class SilentRecording implements Recording {
  readonly isUnwatched: boolean
  readonly maxBytes = 0
  readonly span: Span
  readonly #scope: Scope

  /** @param isAlone whether no other tracer is there to which what a result does later could go, so that nobody has to watch it. */
  constructor(span: Span, scope: Scope, isAlone: boolean) {
    this.span = span
    this.#scope = scope
    this.isUnwatched = isAlone
  }

  get scope(): Scope {
    return this.#scope
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    return runInScope(this.#scope, applyNow as (...call: unknown[]) => R, fn, self, args)
  }

  enter(): Scope | undefined {
    return enterScope(this.#scope)
  }

  leave(before: Scope | undefined): void {
    leaveScope(before)
  }

  succeed(): void {
    // Nothing was started.
  }

  fail(): void {
    // Nothing was started.
  }
}

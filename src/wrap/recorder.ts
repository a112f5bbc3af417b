import type { Span } from '@opentelemetry/api'
import type { Scope } from '../context/frame.js'
import type { CompiledCall } from './trace-options.js'

/** Given back by {@link Recording.enter} where only {@link Recording.run} makes the whole of the call's span current. */
export const NEEDS_RUN: unique symbol = Symbol('needs run')

/** What was read so far of a result that comes in pieces. */
export interface Gathered {
  readonly output: unknown
  readonly chunkCount: number | undefined
}

/** One call being recorded. Its methods never throw. */
export interface Recording {
  /** Calls `fn` once with the call's span current; what it returns or throws passes through. */
  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R
  /**
   * Makes the call's span current for the rest of this synchronous run, until {@link leave} is given what this gives back. A call
   * made in between has no frames of ours around it but its caller's: the host's stack traces hold ten.
   *
   * @param isPartEnough whether it may be current for this package alone, where the rest takes {@link run}.
   * @returns {@link NEEDS_RUN}, and nothing is changed, where that is not enough.
   */
  enter(isPartEnough?: boolean): unknown
  leave(before: unknown): void
  /** Told when the first piece of an answer arrives that comes in pieces. */
  firstChunk?(): void
  /** Told when somebody begins to read a result that is there to be read later. */
  begin?(): void
  /** Ends the span with `output`; `undefined` records no output. `chunkCount` where it came in pieces. */
  succeed(output: unknown, chunkCount?: number): void
  /** Ends the span as failed with whatever was thrown, and with what was read before. */
  fail(error: unknown, output?: unknown, chunkCount?: number): void
  /** Ends the span of a result that the host let go of before its end, with what was read of it. Without it, that succeeded. */
  abandon?(output: unknown): void
  /** Where a result tells what was gathered of it so far, for a span that is exported before its call is over. */
  gatherWith?(gather: () => Gathered): void
  /** What {@link enter} makes current. */
  readonly scope?: Scope | undefined
  /** The call's span. */
  readonly span?: Span | undefined
  /**
   * True when nobody watches what the call returns, but for a generator of its own: nothing is recorded, and nothing that the result does later
   * could go to another tracer.
   */
  readonly isUnwatched?: boolean | undefined
  /** Most bytes of collected stream output. */
  readonly maxBytes: number
}

/** Opens recordings. Inputs are captured while `record` runs, before the function is called. */
export interface Recorder {
  /** `undefined` lets the call run untraced. */
  record(call: CompiledCall, self: unknown, args: readonly unknown[]): Recording | undefined
}

/** Finds who records a call, at each call; `undefined` runs it untraced. Never throws. */
export type ResolveRecorder = (call: CompiledCall) => Recorder | undefined

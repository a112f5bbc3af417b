import type { Span } from '@opentelemetry/api'
import type { CompiledCall } from './trace-options.js'

/** One call being recorded. Its methods never throw. */
export interface Recording {
  /** Calls `fn` once with the call's span current; what it returns or throws passes through. */
  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R
  /** Ends the span with `output`; `undefined` records no output. */
  succeed(output: unknown): void
  /** Ends the span as failed with whatever was thrown. */
  fail(error: unknown): void
  /** The call's span. */
  readonly span?: Span | undefined
  /** True when nothing is recorded: the call only runs in the scope of its tracer, and nobody watches what it returns. */
  readonly isSilent?: boolean | undefined
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

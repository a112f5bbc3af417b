import type { Recording } from './recorder.js'

/** A recording that could not be ended where its call failed. */
interface Unended {
  readonly recording: Recording
  readonly error: unknown
  next: Unended | undefined
}

/**
 * Recordings of calls that ran out of stack. Nothing can be called there, so whoever adds one does it by assignment alone;
 * {@link endSoon} is then called by every call on the way out, until one of them has stack enough for it.
 */
export const unended: { first: Unended | undefined; last: Unended | undefined; isScheduled: boolean } = {
  first: undefined,
  last: undefined,
  isScheduled: false,
}

/** The message of V8's own error. */
export const STACK_USED_UP = 'Maximum call stack size exceeded'

/** Ends what waits in {@link unended}, innermost first, once the stack is empty. */
export function endSoon(): void {
  if (unended.isScheduled) return
  queueMicrotask(endAll)
  unended.isScheduled = true
}

function endAll(): void {
  unended.isScheduled = false
  let at = unended.first
  unended.first = undefined
  unended.last = undefined
  for (; at !== undefined; at = at.next) {
    try {
      at.recording.fail(at.error)
    } catch {
      // `Recording` promises not to throw.
    }
  }
}

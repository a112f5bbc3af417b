import { queueMicrotask } from '../builtins.js'
import { isStackUsedUp } from '../stack-used-up.js'
import type { Recording } from './recorder.js'

/** A recording whose call is over and that is still to be ended. */
export interface Unended {
  readonly recording: Recording
  readonly isFailed: boolean
  /** What the call threw or gave back. */
  readonly outcome: unknown
  next: Unended | undefined
  isEnded: boolean
}

/**
 * Where a call ran out of stack, nothing can be called, the end of its recording neither. So whoever has a call that is
 * over adds it here by assignment alone; then {@link endFailed} or {@link endUnended} is called, by every call on the way out until one
 * has stack enough for it.
 */
export const unended: { first: Unended | undefined; last: Unended | undefined; isScheduled: boolean } = {
  first: undefined,
  last: undefined,
  isScheduled: false,
}

/** Ends the recording at once, or, together with all that wait, once the stack is empty. */
export function endFailed(failed: Unended): void {
  if (!isStackUsedUp(failed.outcome)) {
    if (unended.first === failed) clear()
    end(failed)
    if (unended.first === undefined) return
  }
  endUnended()
}

/** Ends the recordings that wait once the stack is empty. */
export function endUnended(): void {
  if (unended.isScheduled) return
  queueMicrotask(endAll)
  unended.isScheduled = true
}

function endAll(): void {
  const { first } = unended
  clear()
  for (let at = first; at !== undefined; at = at.next) end(at)
}

function clear(): void {
  unended.first = undefined
  unended.last = undefined
  unended.isScheduled = false
}

function end(over: Unended): void {
  if (over.isEnded) return
  over.isEnded = true
  const { recording, isFailed, outcome } = over
  try {
    if (isFailed) recording.fail(outcome)
    else recording.succeed(outcome)
  } catch {
    // `Recording` promises not to throw; the host does not pay if it does.
  }
}

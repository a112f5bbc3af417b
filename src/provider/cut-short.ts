import { queueMicrotask } from '../builtins.js'
import type { TimeInput } from '@opentelemetry/api'

/** A span whose start or end the host's stack had no room for. */
export interface CutShort {
  readonly span: object
  readonly endTime?: TimeInput | undefined
  readonly next: CutShort | undefined
}

/**
 * Where the stack is used up any call may fail, the one that would undo the half of another too. So whoever is cut short adds the span
 * here by assignment alone, and it is completed once the stack is empty. Each step of a start and an end is such that it may be taken again.
 */
export const cutShort: { first: CutShort | undefined; isScheduled: boolean } = { first: undefined, isScheduled: false }

/** Ends a span that was cut short; it may be cut short again. */
export type Complete = (span: object, endTime: TimeInput | undefined) => void

/** Has everything that was cut short completed later. May find no room even for that: whoever comes next does it. */
export function scheduleCompletion(complete: Complete): void {
  if (cutShort.isScheduled) return
  queueMicrotask(() => completeAll(complete))
  cutShort.isScheduled = true
}

/** Completes it at once; for a caller whose stack has room. */
export function completeAll(complete: Complete): void {
  const { first } = cutShort
  cutShort.first = undefined
  cutShort.isScheduled = false
  for (let at = first; at !== undefined; at = at.next) complete(at.span, at.endTime)
}

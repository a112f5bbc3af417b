import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { PendingSpan } from './pending-span.js'
import type { PumpJob } from './pump.js'
import type { ExportRequest } from './span-sender.js'

/** One span on its way. */
export interface Entry {
  readonly span: PendingSpan
  readonly seq: number
}

/** What the parts of a batch the server could not read share. */
export interface Bisection {
  /** Requests that may still be spent on finding the span at fault. */
  requestsLeft: number
  /** Whether any part was accepted: if none ever is, the fault is not in one span. */
  hasAccepted: boolean
}

/** Spans that travel together. Serialised once, a batch keeps its request for every further attempt. */
export interface Batch extends PumpJob {
  readonly entries: Entry[]
  request: ExportRequest | undefined
  bisection: Bisection | undefined
}

/** A batch that was never sent. */
export function createBatch(entries: Entry[], bisection?: Bisection): Batch {
  return { entries, request: undefined, firstAttemptAtMs: undefined, bisection, lastError: '' }
}

/** Numbers the spans of a batch from `firstSeq`. */
export function toEntries(spans: readonly PendingSpan[], firstSeq: number): Entry[] {
  return spans.map((span, index) => ({ span, seq: firstSeq + index }))
}

/** The two halves of a batch of at least two spans. */
export function splitBatch({ entries, bisection }: Batch): [Batch, Batch] {
  const middle = Math.ceil(entries.length / 2)
  return [createBatch(entries.slice(0, middle), bisection), createBatch(entries.slice(middle), bisection)]
}

/** Takes the spans out of a batch whose readable form cannot be built. */
export function takeBroken({ entries }: Batch): Entry[] {
  const broken = entries.filter(({ span }) => toReadableIfWhole(span) === undefined)
  if (broken.length > 0) entries.splice(0, Number.POSITIVE_INFINITY, ...entries.filter((entry) => !broken.includes(entry)))
  return broken
}

/** Building runs user code such as a redactor: a span that throws must not take its neighbours along. */
export function toReadableIfWhole(span: PendingSpan): ReadableSpan | undefined {
  try {
    return span.toReadable()
  } catch {
    return undefined
  }
}

/** The spans of a batch. A loop, so that the books are kept whatever the host made of arrays. */
export function spansOf(entries: readonly Entry[]): PendingSpan[] {
  const spans: PendingSpan[] = []
  for (let at = 0; at < entries.length; at++) spans[at] = (entries[at] as Entry).span
  return spans
}

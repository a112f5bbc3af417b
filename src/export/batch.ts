import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { PendingSpan } from './delivery.js'
import type { Parcel } from './sender.js'

/** One span on its way. */
export interface Entry {
  readonly span: PendingSpan
  readonly seq: number
  readable: ReadableSpan | undefined
}

/** What the parts of a batch the server could not read share. */
export interface Bisection {
  /** Requests that may still be spent on finding the span at fault. */
  requestsLeft: number
  /** Whether any part was accepted: if none ever is, the fault is not in one span. */
  hasAccepted: boolean
}

/**
 * Spans that travel together.
 *
 * A batch is under way (being packed or sent) or waiting for its turn; it ends when its spans are settled or when it is
 * cut in two. Packed once, it keeps its parcel for every further attempt.
 */
export interface Batch {
  readonly entries: Entry[]
  parcel: Parcel | undefined
  firstAttemptAtMs: number | undefined
  bisection: Bisection | undefined
  /** The last trouble, for `explain`. */
  lastError: string
}

/** A batch of fresh entries. */
export function createBatch(entries: Entry[], bisection?: Bisection): Batch {
  return { entries, parcel: undefined, firstAttemptAtMs: undefined, bisection, lastError: '' }
}

/** Numbers the spans of a batch from `firstSeq`. */
export function toEntries(spans: readonly PendingSpan[], firstSeq: number): Entry[] {
  return spans.map((span, index) => ({ span, seq: firstSeq + index, readable: undefined }))
}

/** The two halves of a batch of at least two spans. */
export function splitBatch(batch: Batch): [Batch, Batch] {
  const middle = Math.ceil(batch.entries.length / 2)
  return [createBatch(batch.entries.slice(0, middle), batch.bisection), createBatch(batch.entries.slice(middle), batch.bisection)]
}

/** Builds the exportable form of each span; gives back the ones that cannot be built, removed from the batch. */
export function readSpans(batch: Batch): Entry[] {
  const broken: Entry[] = []
  for (const entry of batch.entries) {
    // Building runs user code such as a redactor: a span that throws must not take its neighbours along.
    try {
      entry.readable ??= entry.span.toReadable()
    } catch {
      broken.push(entry)
    }
  }
  if (broken.length > 0) batch.entries.splice(0, Number.POSITIVE_INFINITY, ...batch.entries.filter((entry) => entry.readable !== undefined))
  return broken
}

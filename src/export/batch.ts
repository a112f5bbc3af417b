import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { PendingSpan } from './pending-span.js'
import type { PumpJob } from './pump.js'
import type { ExportRequest } from './span-sender.js'

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
  return spans.map((span, index) => ({ span, seq: firstSeq + index, readable: undefined }))
}

/** The two halves of a batch of at least two spans. */
export function splitBatch({ entries, bisection }: Batch): [Batch, Batch] {
  const middle = Math.ceil(entries.length / 2)
  return [createBatch(entries.slice(0, middle), bisection), createBatch(entries.slice(middle), bisection)]
}

/** Builds the exportable form of each span; gives back the ones that cannot be built, removed from the batch. */
export function readSpans({ entries }: Batch): Entry[] {
  const broken: Entry[] = []
  for (const entry of entries) {
    // Building runs user code such as a redactor: a span that throws must not take its neighbours along.
    try {
      entry.readable ??= entry.span.toReadable()
    } catch {
      broken.push(entry)
    }
  }
  if (broken.length > 0) entries.splice(0, Number.POSITIVE_INFINITY, ...entries.filter(({ readable }) => readable !== undefined))
  return broken
}

/** The exportable forms, as far as they are built. */
export function toReadables({ entries }: Batch): ReadableSpan[] {
  return entries.flatMap(({ readable }) => readable ?? [])
}

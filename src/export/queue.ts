import type { DropReason } from '../semantics/attributes.js'
import { processState } from '../context/globals.js'
import type { PendingSpan } from './delivery.js'

/** Bounds of one {@link SpanQueue}. */
export interface QueueLimits {
  readonly maxSpans: number
  readonly maxBytes: number
  /** Bytes all queues of the process may hold together. @defaultValue 268_435_456 */
  readonly maxProcessBytes?: number | undefined
}

/**
 * The spans of one tracer that are not settled: those not taken yet, in order, and the totals of those under way.
 * Each span has a sequence number, so that a flush can tell what ended before it.
 */
export interface SpanQueue {
  /** Why the next span of this size cannot be held; `undefined` when it can. */
  refusal(bytes: number): DropReason | undefined
  add(span: PendingSpan): void
  /** Removes the oldest spans, at least one and at most as many as fit. */
  take(maxSpans: number, maxBytes: number): PendingSpan[]
  /** Gives back the room of a span that is settled. */
  settle(span: PendingSpan): void
  find(matches: (span: PendingSpan) => boolean): PendingSpan | undefined
  /** Spans not taken yet. */
  readonly length: number
  /** Estimated bytes of the spans not taken yet. */
  readonly bytes: number
  /** Spans not settled, taken ones included. */
  readonly unsettled: number
  /** Estimated bytes of the spans not settled. */
  readonly unsettledBytes: number
  /** Sequence number of the oldest span not taken. */
  readonly firstSeq: number
  /** Sequence number the next span will get. */
  readonly nextSeq: number
}

const MAX_PROCESS_BYTES = 268_435_456
/** Taken slots at the front before the array is moved up. */
const COMPACT_AFTER = 1_024

/** Makes an empty queue. */
export function createQueue({ maxSpans, maxBytes, maxProcessBytes = MAX_PROCESS_BYTES }: QueueLimits): SpanQueue {
  let items: (PendingSpan | undefined)[] = []
  let head = 0
  let bytes = 0
  let unsettled = 0
  let unsettledBytes = 0
  let nextSeq = 0

  function compact(): void {
    if (head < items.length && (head < COMPACT_AFTER || head * 2 < items.length)) return
    items = items.slice(head)
    head = 0
  }

  return {
    refusal(size) {
      if (size > maxBytes) return 'tooLarge'
      if (unsettled === 0) return undefined
      if (unsettled >= maxSpans) return 'queueFull'
      if (unsettledBytes + size > maxBytes || processState.queuedBytes + size > maxProcessBytes) return 'bytesFull'
      return undefined
    },
    add(span) {
      items.push(span)
      nextSeq++
      unsettled++
      bytes += span.estimatedBytes
      unsettledBytes += span.estimatedBytes
      processState.queuedBytes += span.estimatedBytes
    },
    take(maxCount, maxTaken) {
      const taken: PendingSpan[] = []
      let size = 0
      while (taken.length < maxCount && head < items.length) {
        const span = items[head]
        if (span === undefined || (taken.length > 0 && size + span.estimatedBytes > maxTaken)) break
        items[head++] = undefined
        size += span.estimatedBytes
        taken.push(span)
      }
      bytes -= size
      compact()
      return taken
    },
    settle(span) {
      unsettled--
      unsettledBytes -= span.estimatedBytes
      processState.queuedBytes -= span.estimatedBytes
    },
    find: (matches) => items.find((span) => span !== undefined && matches(span)),
    get length() {
      return items.length - head
    },
    get bytes() {
      return bytes
    },
    get unsettled() {
      return unsettled
    },
    get unsettledBytes() {
      return unsettledBytes
    },
    get firstSeq() {
      return nextSeq - (items.length - head)
    },
    get nextSeq() {
      return nextSeq
    },
  }
}

import type { DropReason } from '../semantics/attributes.js'
import { processState } from '../context/globals.js'
import { MAX_PROCESS_BYTES } from '../context/process-bytes.js'
import type { PendingSpan } from './pending-span.js'

/** Bounds of one {@link SpanQueue}. */
export interface QueueLimits {
  /** Spans that may be unsettled: queued, under way or waiting for a retry. */
  readonly maxQueueSize: number
  /** Bytes these spans may hold. */
  readonly maxQueueBytes: number
}

/** Taken slots at the front before the array is moved up. */
const COMPACT_AFTER = 1_024

/** The spans of one tracer that were not taken yet, in order, and the bytes of all that are not settled. */
export class SpanQueue {
  readonly #limits: QueueLimits
  #items: (PendingSpan | undefined)[] = []
  #head = 0
  #bytes = 0
  #unsettledBytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Spans not taken yet. */
  get length(): number {
    return this.#items.length - this.#head
  }

  /** Estimated bytes of the spans not taken yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why the next span of this size cannot be held beside the `unsettled` ones; `undefined` when it can. */
  refusal(bytes: number, unsettled: number): DropReason | undefined {
    const { maxQueueSize, maxQueueBytes } = this.#limits
    if (bytes > maxQueueBytes || bytes > MAX_PROCESS_BYTES) return 'tooLarge'
    if (unsettled === 0) return undefined
    if (unsettled >= maxQueueSize) return 'queueFull'
    if (this.#unsettledBytes + bytes > maxQueueBytes || processState.queuedBytes + bytes > MAX_PROCESS_BYTES) return 'bytesFull'
    return undefined
  }

  /** Puts a span at the end. */
  add(span: PendingSpan): void {
    const { estimatedBytes } = span
    const state = processState
    // No call from here on, so that all of it happens or nothing.
    this.#items[this.#items.length] = span
    span.stage = 'queued'
    this.#bytes += estimatedBytes
    this.#unsettledBytes += estimatedBytes
    state.queuedBytes += estimatedBytes
  }

  /** Removes the oldest spans, at least one and at most as many as fit. */
  take(maxSpans: number, maxBytes: number): PendingSpan[] {
    const taken: PendingSpan[] = []
    let size = 0
    while (taken.length < maxSpans && this.#head < this.#items.length) {
      const span = this.#items[this.#head]
      if (span === undefined || (taken.length > 0 && size + span.estimatedBytes > maxBytes)) break
      this.#items[this.#head++] = undefined
      size += span.estimatedBytes
      taken[taken.length] = span
    }
    this.#bytes -= size
    this.#compact()
    return taken
  }

  /** Gives back the room of a span that is settled. */
  settle({ estimatedBytes }: PendingSpan): void {
    this.#unsettledBytes -= estimatedBytes
    processState.queuedBytes -= estimatedBytes
  }

  /** The first span that matches. */
  find(matches: (span: PendingSpan) => boolean): PendingSpan | undefined {
    return this.#items.find((span) => span !== undefined && matches(span))
  }

  #compact(): void {
    if (this.#head < this.#items.length && (this.#head < COMPACT_AFTER || this.#head * 2 < this.#items.length)) return
    const left: (PendingSpan | undefined)[] = []
    for (let at = this.#head; at < this.#items.length; at++) left[left.length] = this.#items[at]
    this.#items = left
    this.#head = 0
  }
}

import { processState } from '../context/globals.js'
import { MAX_PROCESS_BYTES } from '../context/process-bytes.js'
import type { SpanRecord } from './span-record.js'

/** Bounds of {@link OpenSpans}. */
export interface OpenSpansLimits {
  /** Most spans that are kept. */
  readonly maxSpans: number
  /** Most bytes that these may hold, roughly. */
  readonly maxBytes: number
}

/** Who hears of open spans. */
export interface OpenSpansListener {
  /** A span is no longer kept. */
  onLetGo(record: SpanRecord): void
}

/**
 * The spans of one tracer that were started and have not ended, in order of their start: a list through the records
 * themselves, because a set of its own costs each span more than the rest of the bookkeeping.
 *
 * It holds them strongly: what is never ended is what nobody else holds. So it is bounded; beyond it the oldest is let go of,
 * which arrives like any other if it ends after all.
 */
export class OpenSpans implements Iterable<SpanRecord> {
  readonly #limits: OpenSpansLimits
  readonly #listener: OpenSpansListener
  #oldest: SpanRecord | undefined
  #newest: SpanRecord | undefined
  #count = 0
  #bytes = 0
  #letGo = 0

  constructor(limits: OpenSpansLimits, listener: OpenSpansListener) {
    this.#limits = limits
    this.#listener = listener
  }

  /** Spans that were let go of and have not ended. */
  get letGo(): number {
    return this.#letGo
  }

  /** Takes a span that was started. */
  add(record: SpanRecord): void {
    const newest = this.#newest
    // Not before now: what a span holds comes after its start.
    if (newest !== undefined) this.#weigh(newest, newest.bytes)
    // No call among these, nor in `#unlink`: where the stack ends, a span is in the list or not.
    record.listing = 'listed'
    this.#newest = record
    this.#count += 1
    if (newest === undefined) {
      this.#oldest = record
      return
    }
    newest.newer = record
    record.older = newest
    if (this.#isFull) this.#makeRoom()
  }

  /** Takes a span out that ends. */
  remove(record: SpanRecord): void {
    if (record.listing === 'listed') this.#unlink(record)
    if (record.listing === 'letGo') {
      this.#letGo -= 1
      record.listing = 'unlisted'
    }
  }

  /** The open spans, the oldest first. */
  *[Symbol.iterator](): Iterator<SpanRecord> {
    for (let at = this.#oldest; at !== undefined; at = at.newer) yield at
  }

  get #isFull(): boolean {
    const { maxSpans, maxBytes } = this.#limits
    return this.#count > maxSpans || this.#bytes > maxBytes || (processState.openBytes ?? 0) > MAX_PROCESS_BYTES
  }

  /** The newest stays: its caller has it in hand. */
  #makeRoom(): void {
    while (this.#isFull && this.#oldest !== undefined && this.#oldest !== this.#newest) {
      const oldest: SpanRecord = this.#oldest
      this.#unlink(oldest)
      oldest.listing = 'letGo'
      this.#letGo += 1
      this.#listener.onLetGo(oldest)
    }
  }

  #unlink(record: SpanRecord): void {
    if (record.heldBytes > 0) this.#weigh(record, 0)
    const { older, newer } = record
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older !== undefined) record.older = undefined
    if (newer !== undefined) record.newer = undefined
    this.#count -= 1
    record.listing = 'unlisted'
  }

  #weigh(record: SpanRecord, bytes: number): void {
    const change = bytes - record.heldBytes
    record.heldBytes = bytes
    this.#bytes += change
    // An older copy of this package may have made the shared state.
    processState.openBytes = (processState.openBytes ?? 0) + change
  }
}

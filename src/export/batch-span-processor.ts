import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { TraceFlags } from '@opentelemetry/api'
import type { DropReason } from '../semantics/attributes.js'
import { runDetached } from './detached.js'
import { toPendingSpan, type PendingSpan } from './pending-span.js'
import { SpanBatches, type SpanBatchesOptions } from './span-batches.js'
import { withinMs } from '../time.js'

/** Parts and settings of {@link BatchSpanProcessor}. */
export type BatchSpanProcessorOptions = SpanBatchesOptions

const REFUSED: Readonly<Partial<Record<DropReason, string>>> = {
  queueFull: 'the queue holds `batch.maxQueueSize` spans',
  bytesFull: 'the queues hold as many bytes as they may',
  tooLarge: 'one span is larger than `batch.maxQueueBytes`',
  afterShutdown: 'a span ended after the tracer was shut down',
}

/** Limits of the standard methods, which take none, milliseconds. */
const FLUSH_LIMIT_MS = 30_000
const SHUTDOWN_LIMIT_MS = 5_000

/**
 * Delivers the ended spans of one tracer: bounded by spans and bytes, off the host's stack, exactly counted.
 *
 * The standard methods resolve whatever happened, as they give no way to say it; {@link flush} and {@link close} tell.
 */
export class BatchSpanProcessor implements SpanProcessor {
  readonly #options: BatchSpanProcessorOptions
  readonly #batches: SpanBatches
  readonly #now: () => number
  #closing: Promise<boolean> | undefined

  constructor(options: BatchSpanProcessorOptions) {
    this.#options = options
    this.#batches = new SpanBatches(options)
    this.#now = options.now ?? (() => performance.now())
    options.stats.watchPending((spanIdOrName) => this.#batches.explain(spanIdOrName))
  }

  onStart(): void {
    // A span is of interest once it has ended.
  }

  /** Queues a span that is exportable as it is. It was counted by `stats.ended()` before. */
  onEnd(span: ReadableSpan): void {
    const pending = toPendingSpan(span)
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) this.#refuse(pending, 'unsampled')
    else this.enqueue(pending)
  }

  /** Takes an ended span, already counted by `stats.ended()`. Never serialises, never throws. */
  enqueue(span: PendingSpan): void {
    const { queue, pump } = this.#batches
    const refusal = this.#closing === undefined ? queue.refusal(span.estimatedBytes, pump.barrier.unsettled) : 'afterShutdown'
    if (refusal === undefined) this.#batches.add(span)
    else this.#refuse(span, refusal)
  }

  async forceFlush(): Promise<void> {
    await this.flush(FLUSH_LIMIT_MS)
  }

  async shutdown(): Promise<void> {
    await this.close(SHUTDOWN_LIMIT_MS)
  }

  /**
   * Waits until every span enqueued before the call is acknowledged or counted, and the exporter has flushed. Never
   * rejects; keeps the process alive.
   *
   * @returns true only if all of them arrived and nothing was lost since the previous flush.
   */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#finish(timeoutMs, (limitMs) => this.#batches.pump.flush(limitMs), 'forceFlush')
  }

  /** Like {@link flush}, then gives up what is left (`shutdownTimeout`) but stays usable. */
  drain(timeoutMs: number): Promise<boolean> {
    return this.#finish(timeoutMs, (limitMs) => this.#batches.pump.drain(limitMs), 'forceFlush')
  }

  /** Like {@link drain}, then shuts the exporter down; later spans count as `afterShutdown`. Idempotent. */
  close(timeoutMs: number): Promise<boolean> {
    this.#closing ??= this.#finish(timeoutMs, (limitMs) => this.#batches.pump.drain(limitMs), 'shutdown')
    return this.#closing
  }

  /** Gives up at once what is left, for a process that exits without waiting. */
  giveUp(): void {
    this.#batches.pump.giveUp()
  }

  /** Delivers, then asks the exporter for the same in the time that is left. */
  async #finish(timeoutMs: number, deliver: (limitMs: number) => Promise<boolean>, step: 'forceFlush' | 'shutdown'): Promise<boolean> {
    const startedAtMs = this.#now()
    const hasArrived = await deliver(timeoutMs)
    const hasFinished = await this.#askExporter(step, timeoutMs - (this.#now() - startedAtMs))
    return hasArrived && hasFinished
  }

  /** The exporter may be user code: what it throws, or that it takes too long, is said and goes no further. */
  async #askExporter(step: 'forceFlush' | 'shutdown', limitMs: number): Promise<boolean> {
    const { sender } = this.#options
    if (sender[step] === undefined) return true
    try {
      if (
        await withinMs(
          runDetached(async () => sender[step]?.()),
          limitMs,
        )
      )
        return true
      this.#reportExporter(`${step} of the exporter took too long`)
    } catch (error) {
      this.#reportExporter(`${step} of the exporter failed: ${error instanceof Error ? error.name : typeof error}`)
    }
    return false
  }

  #reportExporter(trouble: string): void {
    this.#options.stats.failed(trouble)
    this.#options.diagnostics.warn('exporter', trouble)
  }

  #refuse(span: PendingSpan, reason: DropReason): void {
    this.#options.stats.droppedOne(reason, span, REFUSED[reason] ?? '')
    this.#batches.release(span)
  }
}

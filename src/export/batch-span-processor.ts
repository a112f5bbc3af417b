import { monotonicMs } from '../builtins.js'
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

type ExporterStep = 'forceFlush' | 'shutdown'

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
    this.#now = options.now ?? monotonicMs
    options.stats.watchPending(this.#batches)
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

  /**
   * Takes an ended span, already counted by `stats.ended()`. Never serialises. It throws only where the stack is used up, and then takes
   * the same span again.
   */
  enqueue(span: PendingSpan): void {
    if (span.stage !== undefined) return this.#batches.add(span)
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
    return this.#finish('flush', 'forceFlush', timeoutMs)
  }

  /** Like {@link flush}, then gives up what is left (`shutdownTimeout`) but stays usable. */
  drain(timeoutMs: number): Promise<boolean> {
    return this.#finish('drain', 'forceFlush', timeoutMs)
  }

  /** Like {@link drain}, then shuts the exporter down; later spans count as `afterShutdown`. Idempotent. */
  close(timeoutMs: number): Promise<boolean> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<boolean> {
    try {
      return await this.#finish('drain', 'shutdown', timeoutMs)
    } catch (error) {
      this.#batches.pump.stop()
      this.#options.stats.abandon(`they could not be given up in order: ${error instanceof Error ? error.name : typeof error}`)
      return false
    }
  }

  /**
   * Gives up at once what is left, for a process that exits without waiting. It is counted; telling of it is left to the caller.
   *
   * @returns how many spans are lost.
   */
  giveUp(): number {
    return this.#batches.giveUpAtExit()
  }

  /** Delivers, then has the exporter do its part in the time that is left. */
  async #finish(deliver: 'flush' | 'drain', step: ExporterStep, timeoutMs: number): Promise<boolean> {
    const startedAtMs = this.#now()
    const hasArrived = await this.#batches.pump[deliver](timeoutMs)
    const trouble = await this.#askExporter(step, timeoutMs - (this.#now() - startedAtMs))
    if (trouble === undefined) return hasArrived
    this.#options.stats.failed(trouble)
    this.#options.diagnostics.warn('exporter', trouble)
    return false
  }

  /** What went wrong, if anything: the exporter may be user code, and what it throws goes no further. */
  async #askExporter(step: ExporterStep, limitMs: number): Promise<string | undefined> {
    const { sender } = this.#options
    if (sender[step] === undefined) return undefined
    try {
      const asked = runDetached(async () => sender[step]?.())
      return (await withinMs(asked, limitMs)) ? undefined : `${step} of the exporter took too long`
    } catch (error) {
      return `${step} of the exporter failed: ${error instanceof Error ? error.name : typeof error}`
    }
  }

  #refuse(span: PendingSpan, reason: DropReason): void {
    this.#options.stats.droppedOne(reason, span, REFUSED[reason] ?? '')
    span.stage = 'settled'
    this.#batches.release(span)
  }
}

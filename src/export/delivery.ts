import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { DropReason } from '../semantics/attributes.js'
import type { ResolvedBatch } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { createBarrier } from './flush-barrier.js'
import { createBatch, toEntries, type Batch, type Entry } from './batch.js'
import { createCourier, type Rescue } from './courier.js'
import { runDetached } from './detached.js'
import type { Ledger } from './ledger.js'
import { createPace } from './backoff.js'
import { createQueue } from './queue.js'
import type { BatchSender } from './sender.js'

/** An ended span on its way to the server. */
export interface PendingSpan {
  readonly name: string
  readonly spanId: string
  /** Rough size of the exportable form, bytes. */
  readonly estimatedBytes: number
  /** Builds the exportable form (flattening, redaction, truncation); runs off the host's stack; may throw. */
  toReadable(): ReadableSpan
  /** Called once when the span is settled, to free what it holds. */
  release?(): void
}

/** The queue of one tracer and everything behind it. */
export interface Delivery {
  /** Takes an ended span, already counted by `ledger.ended()`. Never serialises, never throws. */
  enqueue(span: PendingSpan): void
  /**
   * Waits until every span enqueued before the call is acknowledged or counted. Never rejects; keeps the process alive.
   *
   * @returns true only if all of them arrived and nothing was lost since the previous flush.
   */
  forceFlush(timeoutMs: number): Promise<boolean>
  /** Like {@link forceFlush}, then gives up what is left (`shutdownTimeout`) but stays usable. */
  drain(timeoutMs: number): Promise<boolean>
  /** Gives up at once what is left, for a process that exits without waiting. */
  giveUp(): void
  /** Like {@link drain}, then lets go of everything; later spans count as `afterShutdown`. Idempotent. */
  shutdown(timeoutMs: number): Promise<boolean>
}

/** Parts and settings of {@link createDelivery}. */
export interface DeliveryOptions {
  readonly sender: BatchSender
  readonly batch: ResolvedBatch
  /** Sends each span by itself as soon as the host yields. @defaultValue false */
  readonly disableBatch?: boolean | undefined
  readonly ledger: Ledger
  readonly diagnostics: Diagnostics
  /**
   * Offered what is given up at the end, before it is counted as lost. The spans it keeps stay `pending`: they are
   * neither delivered nor lost.
   */
  readonly rescue?: Rescue | undefined
  /** Milliseconds, monotonic. @defaultValue `performance.now` */
  readonly now?: (() => number) | undefined
  /** Between 0 and 1. @defaultValue `Math.random` */
  readonly random?: (() => number) | undefined
}

const REFUSED: Readonly<Partial<Record<DropReason, string>>> = {
  queueFull: 'the queue holds `batch.maxQueueSize` spans',
  bytesFull: 'the queues hold as many bytes as they may',
  tooLarge: 'one span is larger than `batch.maxQueueBytes`',
  afterShutdown: 'a span ended after the tracer was shut down',
}

/** Opens the delivery path of one tracer: bounded, off the host's stack, exactly counted. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { ledger, now = monotonicNow } = options
  const limits = options.batch
  const queue = createQueue({ maxSpans: limits.maxQueueSize, maxBytes: limits.maxQueueBytes })
  const barrier = createBarrier()
  const pace = createPace(limits.concurrency, now, options.random)
  /** Batches to be sent before new ones: retries and halves. */
  const waiting: Batch[] = []
  const courier = createCourier({ ...options, now, pace, waiting, settled })
  const batchSize = options.disableBatch === true ? 1 : Math.max(1, limits.maxExportBatchSize)
  let timer: NodeJS.Timeout | undefined
  let nextTurn: NodeJS.Immediate | undefined
  let queuedSinceMs: number | undefined
  let seenLosses = 0
  let closing: Promise<boolean> | undefined

  function settled(entries: readonly Entry[]): void {
    for (const entry of entries) queue.settle(entry.span)
    barrier.settled(entries.map((entry) => entry.seq))
  }

  function enqueue(span: PendingSpan): void {
    const refusal = closing === undefined ? queue.refusal(span.estimatedBytes) : 'afterShutdown'
    if (refusal !== undefined) return refuse(span, refusal)
    queue.add(span)
    if (nextTurn !== undefined) return
    if (timer === undefined || isBatchFull()) wake()
  }

  function refuse(span: PendingSpan, reason: DropReason): void {
    ledger.droppedOne(reason, span, REFUSED[reason] ?? '')
    courier.release(span)
  }

  function isBatchFull(): boolean {
    return queue.length >= batchSize || queue.bytes >= courier.maxBatchBytes()
  }

  /** Milliseconds until there is something to send; `undefined` when only an event can change that. */
  function nextTurnMs(): number | undefined {
    if (courier.active >= pace.slots()) return undefined
    if (waiting.length > 0 || isBatchFull() || (queue.length > 0 && queue.firstSeq < barrier.beforeSeq)) return pace.waitMs()
    if (queue.length === 0) return undefined
    queuedSinceMs ??= now()
    return Math.max(pace.waitMs(), queuedSinceMs + limits.scheduledDelayMs - now())
  }

  function wake(): void {
    if (nextTurn !== undefined) return
    clearTimeout(timer)
    timer = undefined
    const waitMs = nextTurnMs()
    if (waitMs === undefined) return
    runDetached(() => {
      if (waitMs > 0) {
        timer = setTimeout(turn, waitMs)
        timer.unref()
      } else {
        nextTurn = setImmediate(turn)
      }
    })
  }

  /** Sends one batch; further ones wait for the next turn of the event loop. */
  function turn(): void {
    nextTurn = undefined
    timer = undefined
    // Timers may fire a fraction of a millisecond early.
    if ((nextTurnMs() ?? Number.POSITIVE_INFINITY) < 1) sendNext()
    wake()
  }

  function sendNext(): void {
    const batch = waiting.shift() ?? takeBatch()
    if (batch === undefined) return
    void courier.deliver(batch).then(wake)
  }

  function takeBatch(): Batch | undefined {
    const firstSeq = queue.firstSeq
    const spans = queue.take(batchSize, courier.maxBatchBytes())
    queuedSinceMs = undefined
    return spans.length === 0 ? undefined : createBatch(toEntries(spans, firstSeq))
  }

  async function forceFlush(timeoutMs: number): Promise<boolean> {
    const { isSettled, hasLost } = await settleAll(timeoutMs)
    return isSettled && !hasLost
  }

  async function drain(timeoutMs: number): Promise<boolean> {
    const { isSettled, hasLost } = await settleAll(timeoutMs)
    // When all that was waited for is over, what is pending now was ended by a program that goes on.
    if (!isSettled) giveUp()
    return isSettled && !hasLost
  }

  /** Waits for the spans ended so far, and tells whether any was lost since the last time. */
  async function settleAll(timeoutMs: number): Promise<{ isSettled: boolean; hasLost: boolean }> {
    const seenBefore = seenLosses
    const waited = barrier.wait(queue.nextSeq, queue.unsettled, timeoutMs)
    wake()
    const isSettled = await waited
    const losses = ledger.lossCount()
    seenLosses = Math.max(seenLosses, losses)
    return { isSettled, hasLost: losses !== seenBefore }
  }

  function giveUp(): void {
    const left = [...courier.abort(), ...waiting.splice(0), takeAll()].flatMap((batch) => batch.entries)
    clearTimeout(timer)
    timer = undefined
    clearImmediate(nextTurn)
    nextTurn = undefined
    courier.giveUp(left.sort((one, other) => one.seq - other.seq))
  }

  function takeAll(): Batch {
    const firstSeq = queue.firstSeq
    return createBatch(toEntries(queue.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), firstSeq))
  }

  async function close(timeoutMs: number): Promise<boolean> {
    const startedAtMs = now()
    const hasArrived = await drain(timeoutMs)
    await withinMs(options.sender.close(), timeoutMs - (now() - startedAtMs))
    return hasArrived
  }

  ledger.watchPending((spanIdOrName) => {
    const matches = (span: PendingSpan): boolean => span.spanId === spanIdOrName || span.name === spanIdOrName
    const place = courier.explain(matches) ?? explainWaiting(matches)
    if (place !== undefined) return place
    const queued = queue.find(matches)
    return queued === undefined
      ? undefined
      : `pending: ${queued.name} (${queued.spanId}) is queued behind ${queue.unsettled - queue.length} spans under way`
  })

  function explainWaiting(matches: (span: PendingSpan) => boolean): string | undefined {
    const batch = waiting.find(({ entries }) => entries.some(({ span }) => matches(span)))
    if (batch === undefined) return undefined
    return batch.lastError === '' ? 'pending: about to be sent' : `pending: waiting for retry, last error: ${batch.lastError}`
  }

  return {
    enqueue,
    forceFlush,
    drain,
    giveUp,
    shutdown(timeoutMs) {
      closing ??= close(timeoutMs)
      return closing
    },
  }
}

function monotonicNow(): number {
  return performance.now()
}

/** Waits for `work`, but no longer than `limitMs`; keeps the process alive meanwhile. */
async function withinMs(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, limitMs))
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}

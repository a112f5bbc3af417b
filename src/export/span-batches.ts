import { monotonicMs, NativeSet } from '../builtins.js'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { ResolvedBatch } from '../config/resolved.js'
import type { Outcome } from '../otlp/reply.js'
import type { DropReason } from '../semantics/attributes.js'
import { createBatch, spansOf, splitBatch, takeBroken, toEntries, toReadableIfWhole, type Batch, type Entry } from './batch.js'
import type { PendingSpan } from './pending-span.js'
import { Pump, type PumpOptions, type PumpSource, type Retry } from './pump.js'
import { PendingResources } from './pending-resources.js'
import { SpanQueue } from './span-queue.js'
import type { ExportRequest, SendOptions, SpanSender } from './span-sender.js'

/** Offered spans that are given up at the end; gives back the ones it kept for the next start. */
export type Rescue = (spans: readonly ReadableSpan[]) => ReadonlySet<ReadableSpan>

/** Parts and settings of {@link SpanBatches}. */
export interface SpanBatchesOptions extends PumpOptions {
  readonly sender: SpanSender
  readonly limits: ResolvedBatch
  /** Sends each span by itself as soon as the host yields. @defaultValue false */
  readonly disableBatch?: boolean | undefined
  /**
   * Offered what is given up at the end, before it is counted as lost. The spans it keeps stay `pending`: they are
   * neither delivered nor lost.
   */
  readonly rescue?: Rescue | undefined
}

/** Why a batch cannot travel as it is: it is cut, and a single span is lost. */
interface Cut {
  readonly kind: 'cut'
  readonly reason: DropReason
  readonly detail: string
}

type Answer = Exclude<Outcome, Retry> | Cut

/** Largest OTLP request a client should make, bytes. */
const MAX_REQUEST_BYTES = 67_108_864
/** Requests one refused batch may cost to save the neighbours of the span at fault. */
const BISECTION_REQUESTS = 32
/** How long batches are not cut after one in which no part was accepted, milliseconds. */
const BISECTION_PAUSE_MS = 60_000

/** Up to so many tracers of one address each sends as often as it would alone. */
const USUAL_SHARERS = 200

const NOTHING_LEFT: Answer = { kind: 'accepted', rejected: 0, message: '' }
const NO_PARTS: readonly Batch[] = []

/** The spans of one tracer as batches: what goes into one, how it is written, and what each reply means for its spans. */
export class SpanBatches implements PumpSource<Batch, Answer> {
  readonly queue: SpanQueue
  readonly pump: Pump<Batch, Answer>
  readonly #options: SpanBatchesOptions
  readonly #now: () => number
  readonly #resources: PendingResources = new PendingResources()
  #maxBytes: number
  /** Serialised bytes per estimated byte, as seen lately. */
  #inflation = 1
  #noBisectionUntilMs = 0
  #queuedSinceMs: number | undefined
  #isExiting = false

  constructor(options: SpanBatchesOptions) {
    this.#options = options
    this.#now = options.now ?? monotonicMs
    this.#maxBytes = Math.min(options.limits.maxExportBatchBytes, MAX_REQUEST_BYTES)
    this.queue = new SpanQueue(options.limits)
    this.pump = new Pump(this, options)
  }

  get losses(): number {
    return this.#options.stats.losses
  }

  /** Takes a span that has room in the queue; one that is there already is taken no second time. */
  add(span: PendingSpan): void {
    if (span.stage === 'settled') return this.release(span)
    const isAgain = span.stage !== undefined
    if (!isAgain) this.queue.add(span)
    if (span.stage !== 'admitted') {
      this.pump.barrier.admit()
      span.stage = 'admitted'
    }
    if (isAgain || this.queue.length === 1 || this.#isFull) this.pump.wake()
  }

  readyInMs(): number | undefined {
    if (this.queue.length === 0) return undefined
    if (this.#isFull || this.#firstSeq < this.pump.barrier.awaitedSeq) return 0
    this.#queuedSinceMs ??= this.#now()
    return Math.max(0, this.#queuedSinceMs + this.#delayMs - this.#now())
  }

  take(): Batch | undefined {
    const entries = this.#takeEntries(this.#maxSpans, this.#maxEstimate)
    this.#queuedSinceMs = undefined
    return entries.length === 0 ? undefined : createBatch(entries)
  }

  async prepare(batch: Batch, signal: AbortSignal): Promise<Answer | undefined> {
    if (batch.request !== undefined) return undefined
    await this.#options.sender.ready?.()
    await this.#resources.settle(spansOf(batch.entries), this.#options.limits.exportTimeoutMs, signal)
    return signal.aborted ? undefined : this.#write(batch)
  }

  /** Serialises a batch; what is wrong with it, if anything. */
  #write(batch: Batch): Answer | undefined {
    const request = this.#toRequest(batch) ?? this.#toRequestOfWhole(batch)
    if (batch.entries.length === 0) return NOTHING_LEFT
    if (request === undefined) return toCut('unserializable', 'the span cannot be written as OTLP')
    const { bytes } = request
    this.#learnInflation(batch, bytes)
    if (bytes > MAX_REQUEST_BYTES || (bytes > this.#maxBytes && batch.entries.length > 1))
      return toCut('tooLarge', `the span takes ${bytes} bytes`)
    batch.request = request
    return undefined
  }

  #toRequest(batch: Batch): ExportRequest | undefined {
    try {
      return this.#options.sender.toRequest(spansOf(batch.entries))
    } catch {
      return undefined
    }
  }

  /** Once more without the spans that cannot be built. */
  #toRequestOfWhole(batch: Batch): ExportRequest | undefined {
    const broken = takeBroken(batch)
    if (broken.length === 0) return undefined
    this.#drop(broken, 'unserializable', 'building the span failed, for example in a redactor')
    return this.#toRequest(batch)
  }

  #learnInflation({ entries }: Batch, bytes: number): void {
    let estimate = 0
    for (let at = 0; at < entries.length; at++) estimate += (entries[at] as Entry).span.estimatedBytes
    if (bytes > 0 && estimate > 0) this.#inflation += 0.25 * (bytes / estimate - this.#inflation)
  }

  send({ request, entries }: Batch, options: SendOptions): Promise<Outcome> {
    if (request === undefined) throw new TypeError('the batch was not prepared')
    const { diagnostics, sender } = this.#options
    diagnostics.debug(() => `sending ${countSpans(entries.length)} (${request.bytes} bytes) to ${sender.place}`)
    return request.send(options)
  }

  conclude(batch: Batch, answer: Answer): readonly Batch[] {
    if (answer.kind === 'accepted') return this.#accept(batch, answer)
    if (answer.kind === 'cut') return this.#cut(batch, answer.reason, answer.detail)
    this.pump.note(answer.detail)
    if (answer.kind === 'refused') return this.#drop(batch.entries, answer.reason, answer.detail)
    if (answer.kind === 'invalid') return this.#bisect(batch, answer.detail)
    // A single span says nothing about the size of batches beyond its own.
    const { bytes = 0 } = batch.request ?? {}
    this.#maxBytes = Math.min(this.#maxBytes, batch.entries.length > 1 ? Math.floor(bytes / 2) : bytes)
    return this.#cut(batch, 'tooLarge', answer.detail)
  }

  #accept({ entries, bisection }: Batch, { rejected, message }: { rejected: number; message: string }): readonly Batch[] {
    if (bisection !== undefined) bisection.hasAccepted = true
    const kept = Math.max(0, entries.length - rejected)
    const detail = `the server rejected ${rejected} of ${entries.length} spans${message === '' ? '' : `: ${message.slice(0, 500)}`}`
    const spans = spansOf(entries)
    const { stats, diagnostics, sender } = this.#options
    if (rejected > 0) this.pump.note(detail)
    else if (message !== '') diagnostics.warn('server-message', `the server accepted all spans and says: ${message.slice(0, 500)}`)
    diagnostics.debug(() => `${countSpans(kept)} arrived at ${sender.place}`)
    stats.exported(spans.slice(0, kept))
    stats.dropped('serverRejected', spans.slice(kept), detail)
    return this.#settle(entries)
  }

  #cut(batch: Batch, reason: DropReason, detail: string): readonly Batch[] {
    return batch.entries.length === 1 ? this.#drop(batch.entries, reason, detail) : splitBatch(batch)
  }

  /** Cuts a batch the server cannot read, so that only the span at fault is lost. */
  #bisect(batch: Batch, detail: string): readonly Batch[] {
    const bisection = batch.bisection ?? { requestsLeft: BISECTION_REQUESTS, hasAccepted: false }
    const isSpent = bisection.requestsLeft < 2
    if (batch.entries.length === 1 || isSpent || this.#now() < this.#noBisectionUntilMs) {
      if (isSpent && !bisection.hasAccepted) this.#noBisectionUntilMs = this.#now() + BISECTION_PAUSE_MS
      return this.#drop(batch.entries, 'httpStatus', detail)
    }
    bisection.requestsLeft -= 2
    batch.bisection = bisection
    return splitBatch(batch)
  }

  lose({ entries }: Batch, reason: DropReason, detail: string): void {
    this.#drop(entries, reason, detail)
  }

  giveUp(batches: readonly Batch[]): void {
    const taken = batches.flatMap(({ entries }) => entries)
    const left = [...taken, ...this.#takeEntries(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)]
    const entries = left.sort((one, other) => one.seq - other.seq)
    const kept = this.#rescue(entries)
    const { stats } = this.#options
    stats.dropped(
      'shutdownTimeout',
      entries.filter((entry) => !kept.has(entry)).map(({ span }) => span),
      (stats.lastError ?? 'there was no time left to send them').replace(/\.$/, ''),
      this.#isExiting,
    )
    this.#settle(entries)
  }

  /** Gives up everything, untold. @returns how many spans are lost. */
  giveUpAtExit(): number {
    const before = this.losses
    this.#isExiting = true
    this.pump.giveUp()
    this.#isExiting = false
    return this.losses - before
  }

  /** Entries that were kept for the next start. */
  #rescue(entries: readonly Entry[]): ReadonlySet<Entry> {
    const { rescue, diagnostics } = this.#options
    if (rescue === undefined || entries.length === 0) return new NativeSet()
    const readables = entries.map(({ span }) => toReadableIfWhole(span))
    try {
      const kept = rescue(readables.filter((readable) => readable !== undefined))
      return new NativeSet(entries.filter((_, at) => kept.has(readables[at] as ReadableSpan)))
    } catch (error) {
      diagnostics.warn('rescue', `keeping spans for the next start failed: ${toErrorName(error)}`)
      return new NativeSet()
    }
  }

  /** Frees what a span holds. */
  release(span: PendingSpan): void {
    try {
      span.release?.()
    } catch (error) {
      this.#options.diagnostics.warn('release', `freeing a span failed: ${toErrorName(error)}`)
    }
  }

  /** Where a span stands that is not settled. */
  explain(spanIdOrName: string, show: (name: string) => string = (name) => name): string | undefined {
    const matches = ({ spanId, name }: PendingSpan): boolean => spanId === spanIdOrName || name === spanIdOrName
    const taken = this.pump.find(({ entries }) => entries.some(({ span }) => matches(span)))
    if (taken !== undefined) {
      const { lastError } = taken.job
      if (taken.isUnderWay) return `pending: being sent${lastError === '' ? '' : ` again, last error: ${lastError}`}`
      return lastError === '' ? 'pending: about to be sent' : `pending: waiting for retry, last error: ${lastError}`
    }
    const queued = this.queue.find(matches)
    if (queued === undefined) return undefined
    return `pending: ${show(queued.name)} (${queued.spanId}) is queued behind ${this.pump.barrier.unsettled - this.queue.length} spans under way`
  }

  #drop(entries: readonly Entry[], reason: DropReason, detail: string): readonly Batch[] {
    this.#options.stats.dropped(reason, spansOf(entries), detail)
    return this.#settle(entries)
  }

  /** Gives back what spans hold that left for good. */
  #settle(entries: readonly Entry[]): readonly Batch[] {
    const seqs: number[] = []
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as Entry
      this.queue.settle(entry.span)
      this.release(entry.span)
      seqs[at] = entry.seq
    }
    this.pump.barrier.settle(seqs)
    return NO_PARTS
  }

  #takeEntries(maxSpans: number, maxBytes: number): Entry[] {
    const firstSeq = this.#firstSeq
    return toEntries(this.queue.take(maxSpans, maxBytes), firstSeq)
  }

  /** A request costs as much as a dozen spans: where many tracers send few each, they send less often. */
  get #delayMs(): number {
    const { sender, limits } = this.#options
    const { scheduledDelayMs, mostDelayMs = scheduledDelayMs } = limits
    const crowd = (sender.sharers ?? 1) / USUAL_SHARERS
    return Math.max(scheduledDelayMs, Math.min(mostDelayMs, scheduledDelayMs * crowd))
  }

  get #firstSeq(): number {
    return this.pump.barrier.nextSeq - this.queue.length
  }

  get #isFull(): boolean {
    return this.queue.length >= this.#maxSpans || this.queue.bytes >= this.#maxEstimate
  }

  get #maxSpans(): number {
    return this.#options.disableBatch === true ? 1 : Math.max(1, this.#options.limits.maxExportBatchSize)
  }

  /** Most estimated bytes of a new batch: the setting, or less once the server refused a size or spans came out larger. */
  get #maxEstimate(): number {
    return this.#maxBytes / Math.max(1, this.#inflation)
  }
}

function toCut(reason: DropReason, detail: string): Cut {
  return { kind: 'cut', reason, detail }
}

function countSpans(count: number): string {
  return count === 1 ? '1 span' : `${count} spans`
}

function toErrorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { DropReason } from '../semantics/attributes.js'
import type { ResolvedBatch } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { createBatch, readSpans, splitBatch, type Batch, type Entry } from './batch.js'
import type { PendingSpan } from './delivery.js'
import type { Ledger } from './ledger.js'
import type { Pace } from './backoff.js'
import type { Outcome } from '../otlp/reply.js'
import type { BatchSender, Parcel } from './sender.js'

/** Takes batches to the server: packs, sends, and decides what each outcome means for the spans. */
export interface Courier {
  /** Makes one attempt; resolves when the batch is settled or handed back for another. Never rejects. */
  deliver(batch: Batch): Promise<void>
  /** Most estimated bytes a new batch should hold: the setting, or less once the server refused a size. */
  maxBatchBytes(): number
  /** Stops every attempt under way and gives its batches back. */
  abort(): Batch[]
  /** Settles spans that will not be sent any more. */
  giveUp(entries: readonly Entry[]): void
  /** Frees what a span holds. */
  release(span: PendingSpan): void
  /** Where a span under way stands. */
  explain(matches: (span: PendingSpan) => boolean): string | undefined
  /** Attempts under way. */
  readonly active: number
}

/** Offered spans that are given up at the end; gives back the ones it kept for the next start. */
export type Rescue = (spans: readonly ReadableSpan[]) => ReadonlySet<ReadableSpan>

/** Parts and settings of {@link createCourier}. */
export interface CourierOptions {
  readonly sender: BatchSender
  readonly batch: ResolvedBatch
  readonly ledger: Ledger
  readonly diagnostics: Diagnostics
  readonly rescue?: Rescue | undefined
  readonly now: () => number
  readonly pace: Pace
  /** Batches that go before new ones: retries and halves. */
  readonly waiting: Batch[]
  /** Told of spans that left for good. */
  settled(entries: readonly Entry[]): void
}

/** Largest OTLP request a client should make, bytes. */
const MAX_REQUEST_BYTES = 67_108_864
/** Requests one refused batch may cost to save the neighbours of the span at fault. */
const BISECTION_REQUESTS = 32
/** How long batches are not cut after one in which no part was accepted, milliseconds. */
const BISECTION_PAUSE_MS = 60_000

/** Makes a courier with nothing under way. */
export function createCourier(options: CourierOptions): Courier {
  const { sender, batch: limits, ledger, diagnostics, now, pace, waiting } = options
  const underWay = new Map<Batch, AbortController>()
  let maxBytes = Math.min(limits.maxExportBatchBytes, MAX_REQUEST_BYTES)
  /** Serialised bytes per estimated byte, as seen lately. */
  let inflation = 1
  let noBisectionUntilMs = 0

  async function deliver(batch: Batch): Promise<void> {
    const controller = new AbortController()
    underWay.set(batch, controller)
    try {
      const parcel = batch.parcel ?? (await pack(batch))
      if (parcel !== undefined && underWay.has(batch)) await attempt(batch, parcel, controller.signal)
    } catch (error) {
      if (underWay.delete(batch)) drop(batch.entries, 'internal', `delivery failed: ${toErrorName(error)}`)
    }
  }

  /** The batch as a parcel; `undefined` when it was settled or cut instead. */
  async function pack(batch: Batch): Promise<Parcel | undefined> {
    await sender.prepare()
    if (!underWay.has(batch)) return undefined
    drop(readSpans(batch), 'unserializable', 'building the span failed, for example in a redactor')
    if (batch.entries.length === 0) return leave(batch)
    const parcel = toParcel(batch)
    if (parcel === undefined) return cutOrDrop(batch, 'unserializable', 'the span cannot be written as OTLP')
    learnInflation(batch, parcel)
    if (parcel.bytes > MAX_REQUEST_BYTES) return cutOrDrop(batch, 'tooLarge', `the span takes ${parcel.bytes} bytes`)
    if (parcel.bytes > maxBytes && batch.entries.length > 1) return cutOrDrop(batch, 'tooLarge', '')
    batch.parcel = parcel
    return parcel
  }

  function toParcel({ entries }: Batch): Parcel | undefined {
    try {
      return sender.pack(toReadables(entries))
    } catch {
      return undefined
    }
  }

  function learnInflation({ entries }: Batch, { bytes }: Parcel): void {
    const estimate = entries.reduce((sum, { span }) => sum + span.estimatedBytes, 0)
    if (bytes > 0 && estimate > 0) inflation += 0.25 * (bytes / estimate - inflation)
  }

  /** Frees the slot. A batch leaves before its spans are settled or queued again, so that no span is ever in two places. */
  function leave(batch: Batch): undefined {
    underWay.delete(batch)
  }

  function cutOrDrop(batch: Batch, reason: DropReason, detail: string): undefined {
    leave(batch)
    if (batch.entries.length === 1) drop(batch.entries, reason, detail)
    else waiting.unshift(...splitBatch(batch))
  }

  async function attempt(batch: Batch, parcel: Parcel, signal: AbortSignal): Promise<void> {
    const startedAtMs = now()
    batch.firstAttemptAtMs ??= startedAtMs
    const outcome = await parcel.send({ timeoutMs: limits.exportTimeoutMs, signal })
    // Given up meanwhile: its spans are counted already.
    if (!underWay.delete(batch)) return
    if (outcome.kind === 'retry') return retry(batch, outcome, startedAtMs)
    pace.answered()
    conclude(batch, parcel, outcome)
  }

  function conclude(batch: Batch, parcel: Parcel, outcome: Exclude<Outcome, { kind: 'retry' }>): void {
    if (outcome.kind === 'accepted') return accept(batch, outcome)
    note(outcome.detail)
    batch.lastError = outcome.detail
    if (outcome.kind === 'refused') return drop(batch.entries, outcome.reason, outcome.detail)
    if (outcome.kind === 'invalid') return bisect(batch, outcome.detail)
    // A single span says nothing about the size of batches beyond its own.
    maxBytes = Math.min(maxBytes, batch.entries.length > 1 ? Math.floor(parcel.bytes / 2) : parcel.bytes)
    cutOrDrop(batch, 'tooLarge', outcome.detail)
  }

  function accept(batch: Batch, { rejected, message }: { rejected: number; message: string }): void {
    if (batch.bisection !== undefined) batch.bisection.hasAccepted = true
    const kept = Math.max(0, batch.entries.length - rejected)
    const detail = `the server rejected ${rejected} of ${batch.entries.length} spans${message === '' ? '' : `: ${message.slice(0, 500)}`}`
    const spans = batch.entries.map(({ span }) => span)
    if (rejected > 0) note(detail)
    else if (message !== '') diagnostics.warn('server-message', `the server accepted all spans and says: ${message.slice(0, 500)}`)
    ledger.exported(spans.slice(0, kept))
    ledger.dropped('serverRejected', spans.slice(kept), detail)
    settle(batch.entries)
  }

  function retry(batch: Batch, outcome: { afterMs: number | undefined; detail: string }, startedAtMs: number): void {
    note(outcome.detail)
    batch.lastError = outcome.detail
    waiting.unshift(batch)
    dropSpent(now() + pace.failed(startedAtMs, outcome.afterMs))
  }

  /** Counts the batches whose time is over before the next attempt; the pause holds for all of them. */
  function dropSpent(nextAttemptAtMs: number): void {
    const isSpent = ({ firstAttemptAtMs = Number.POSITIVE_INFINITY }: Batch): boolean =>
      nextAttemptAtMs - firstAttemptAtMs > limits.retryBudgetMs
    const spent = waiting.filter(isSpent)
    waiting.splice(0, Number.POSITIVE_INFINITY, ...waiting.filter((batch) => !isSpent(batch)))
    for (const { entries, lastError } of spent) drop(entries, 'retryExhausted', lastError)
  }

  /** Cuts a batch the server cannot read, so that only the span at fault is lost. */
  function bisect(batch: Batch, detail: string): void {
    const bisection = batch.bisection ?? { requestsLeft: BISECTION_REQUESTS, hasAccepted: false }
    const isHopeless = bisection.requestsLeft < 2 || now() < noBisectionUntilMs
    if (batch.entries.length === 1 || isHopeless) {
      if (bisection.requestsLeft < 2 && !bisection.hasAccepted) noBisectionUntilMs = now() + BISECTION_PAUSE_MS
      return drop(batch.entries, 'httpStatus', detail)
    }
    bisection.requestsLeft -= 2
    batch.bisection = bisection
    waiting.unshift(...splitBatch(batch))
  }

  function note(detail: string): void {
    ledger.failed(detail)
    diagnostics.debug(() => `delivery: ${detail}`)
  }

  function drop(entries: readonly Entry[], reason: DropReason, detail: string): void {
    if (entries.length === 0) return
    ledger.dropped(
      reason,
      entries.map(({ span }) => span),
      detail,
    )
    settle(entries)
  }

  function settle(entries: readonly Entry[]): void {
    for (const entry of entries) {
      entry.readable = undefined
      release(entry.span)
    }
    options.settled(entries)
  }

  function release(span: PendingSpan): void {
    try {
      span.release?.()
    } catch (error) {
      diagnostics.warn('release', `freeing a span failed: ${toErrorName(error)}`)
    }
  }

  function giveUp(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    const kept = new Set(options.rescue === undefined ? [] : rescueSpans(entries, options.rescue))
    const lost = entries.filter((entry) => !kept.has(entry))
    ledger.dropped(
      'shutdownTimeout',
      lost.map(({ span }) => span),
      (ledger.stats().lastError ?? 'there was no time left to send them').replace(/\.$/, ''),
    )
    settle(entries)
  }

  /** Entries that were kept for the next start. */
  function rescueSpans(entries: readonly Entry[], rescue: Rescue): readonly Entry[] {
    const batch = createBatch([...entries])
    readSpans(batch)
    try {
      const kept = rescue(toReadables(batch.entries))
      return batch.entries.filter(({ readable }) => readable !== undefined && kept.has(readable))
    } catch (error) {
      diagnostics.warn('rescue', `keeping spans for the next start failed: ${toErrorName(error)}`)
      return []
    }
  }

  return {
    deliver,
    maxBatchBytes: () => maxBytes / Math.max(1, inflation),
    abort() {
      const batches = [...underWay.keys()]
      const controllers = [...underWay.values()]
      underWay.clear()
      for (const controller of controllers) controller.abort()
      return batches
    },
    giveUp,
    release,
    explain(matches) {
      const batch = [...underWay.keys()].find(({ entries }) => entries.some(({ span }) => matches(span)))
      if (batch === undefined) return undefined
      return `pending: being sent${batch.lastError === '' ? '' : ` again, last error: ${batch.lastError}`}`
    },
    get active() {
      return underWay.size
    },
  }
}

function toReadables(entries: readonly Entry[]): ReadableSpan[] {
  const readables: ReadableSpan[] = []
  for (const { readable } of entries) if (readable !== undefined) readables.push(readable)
  return readables
}

function toErrorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

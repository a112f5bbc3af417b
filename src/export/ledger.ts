import { DROP_REASONS, type DropReason } from '../semantics/attributes.js'
import type { DropReport } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { createDecisionLog } from './decision-log.js'

/**
 * The books of one tracer at one moment. Always `started === ended + open` and
 * `ended === exported + pending + sum(dropped)`.
 */
export interface TracerStats {
  /** Spans begun. */
  readonly started: number
  /** Spans ended. */
  readonly ended: number
  /** Spans begun and not ended yet. */
  readonly open: number
  /** Spans the server acknowledged. */
  readonly exported: number
  /** Spans queued, under way or waiting for a retry. */
  readonly pending: number
  /** Spans lost or left out, by reason; every reason is present. */
  readonly dropped: Readonly<Record<DropReason, number>>
  /** Sessions begun. */
  readonly sessions: number
  /** HTTP requests made, retries included. */
  readonly requests: number
  /** The last thing that went wrong on the way to the server, without secrets. */
  readonly lastError?: string
}

/** What the ledger needs to know of a span. */
export interface LedgerSpan {
  readonly name: string
  readonly spanId: string
}

/** Counts what became of every span of one tracer. Each method is a few nanoseconds unless something was lost. */
export interface Ledger {
  /** A span began. */
  started(): void
  /** A span ended: it is pending until {@link exported} or {@link dropped} names it. */
  ended(): void
  /** The server acknowledged these spans. */
  exported(spans: readonly LedgerSpan[]): void
  /** These ended spans are lost for one reason; `detail` holds no secret and no content. */
  dropped(reason: DropReason, spans: readonly LedgerSpan[], detail: string): void
  /** The same for one span, without an array; for the path of `span.end()`. */
  droppedOne(reason: DropReason, span: LedgerSpan, detail: string): void
  /** A session began. */
  sessionStarted(): void
  /** One HTTP request was made. */
  requestMade(): void
  /** Remembers the last trouble for `stats()`. */
  failed(error: string): void
  /** Spans lost against the user's will: all reasons but `filtered`, `unsampled` and `disabled`. */
  lossCount(): number
  /** Value of the `hh-client-dropped` header, or `undefined` while nothing was lost. */
  dropHeader(): string | undefined
  /** Where {@link explain} looks for spans that are still pending. */
  watchPending(lookup: (spanIdOrName: string) => string | undefined): void
  stats(): TracerStats
  /** What became of a recent span and why, as one line. */
  explain(spanIdOrName: string): string
}

/** Collaborators of {@link createLedger}. */
export interface LedgerOptions {
  readonly diagnostics: Diagnostics
  /** The user's hook; what it throws or rejects with is ignored. */
  readonly onDrop?: ((report: DropReport) => void) | undefined
  /** Milliseconds since the Unix epoch. @defaultValue `Date.now` */
  readonly now?: (() => number) | undefined
}

const WARN_AFTER_MS = 60_000

/** Reasons that are the user's own choice: counted, but neither warned about nor a loss. */
const CHOSEN: ReadonlySet<DropReason> = new Set<DropReason>(['filtered', 'unsampled', 'disabled'])

const REMEDY: Readonly<Record<DropReason, string>> = {
  queueFull: 'Raise `batch.maxQueueSize`, or check that the server answers.',
  bytesFull: 'Raise `batch.maxQueueBytes`, or check that the server answers.',
  tooLarge: 'Lower `limits.maxSpanBytes` or `capture.maxBytes`.',
  unserializable: 'An attribute, event or link of the span cannot be written as OTLP.',
  retryExhausted: 'The server was not reachable; raise `batch.retryBudgetMs` to hold on longer.',
  httpStatus: 'The server refused the request.',
  serverRejected: 'The server accepted the request but not every span in it.',
  badReply: 'Check `serverUrl` (HH_API_URL): the reply did not come from HoneyHive.',
  afterShutdown: 'The span ended after `shutdown()`; end spans first.',
  shutdownTimeout: 'Give `shutdown()` more time, or set `spool` to keep spans on disk.',
  filtered: 'Left out by `spanFilter`.',
  unsampled: 'Left out by `sampler` or `sampleRate`.',
  disabled: 'The tracer is disabled.',
  internal: 'This is a fault of the tracer.',
}

/** Opens the books of one tracer. */
export function createLedger({ diagnostics, onDrop, now = Date.now }: LedgerOptions): Ledger {
  const counts = { started: 0, ended: 0, exported: 0, dropped: 0, sessions: 0, requests: 0 }
  const droppedBy = emptyCounts()
  const warnedAt = new Map<DropReason, number>()
  const log = createDecisionLog(now)
  const report = onDrop === undefined ? undefined : createDropReporter(onDrop)
  let lastError: string | undefined
  let findPending: (spanIdOrName: string) => string | undefined = () => undefined

  function count(reason: DropReason, amount: number, detail: string): void {
    counts.dropped += amount
    droppedBy[reason] += amount
    warn(reason, detail)
    report?.(reason, amount, detail)
  }

  function warn(reason: DropReason, detail: string): void {
    if (CHOSEN.has(reason)) return
    const time = now()
    const last = warnedAt.get(reason)
    if (last !== undefined && time - last < WARN_AFTER_MS) return
    warnedAt.set(reason, time)
    diagnostics.warn(`drop:${reason}`, `spans dropped (${reason}, ${droppedBy[reason]} so far): ${detail}. ${REMEDY[reason]}`)
  }

  function lossCount(): number {
    return counts.dropped - droppedBy.filtered - droppedBy.unsampled - droppedBy.disabled
  }

  return {
    started() {
      counts.started++
    },
    ended() {
      counts.ended++
    },
    exported(spans) {
      counts.exported += spans.length
      for (const span of spans) log.add(span, undefined, '')
    },
    dropped(reason, spans, detail) {
      if (spans.length === 0) return
      for (const span of spans) log.add(span, reason, detail)
      count(reason, spans.length, detail)
    },
    droppedOne(reason, span, detail) {
      log.add(span, reason, detail)
      count(reason, 1, detail)
    },
    sessionStarted() {
      counts.sessions++
    },
    requestMade() {
      counts.requests++
    },
    failed(error) {
      lastError = error
    },
    lossCount,
    dropHeader() {
      if (lossCount() === 0) return undefined
      return DROP_REASONS.filter((reason) => droppedBy[reason] > 0)
        .map((reason) => `${reason}=${droppedBy[reason]}`)
        .join(';')
    },
    watchPending(lookup) {
      findPending = lookup
    },
    stats() {
      const { started, ended, exported, dropped, sessions, requests } = counts
      return {
        started,
        ended,
        open: started - ended,
        exported,
        pending: ended - exported - dropped,
        dropped: { ...droppedBy },
        sessions,
        requests,
        ...(lastError === undefined ? {} : { lastError }),
      }
    },
    explain(spanIdOrName) {
      return findPending(spanIdOrName) ?? log.find(spanIdOrName) ?? `unknown: no recent span has the id or name ${quote(spanIdOrName)}`
    },
  }
}

function emptyCounts(): Record<DropReason, number> {
  return Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

/** Calls the user's hook; a loss caused inside the hook joins the next report of its reason instead of recursing. */
function createDropReporter(onDrop: (report: DropReport) => void): (reason: DropReason, count: number, detail: string) => void {
  const owed = new Map<DropReason, number>()
  let isReporting = false
  return (reason, count, detail) => {
    if (isReporting) {
      owed.set(reason, (owed.get(reason) ?? 0) + count)
      return
    }
    const total = count + (owed.get(reason) ?? 0)
    owed.delete(reason)
    isReporting = true
    // The hook is user code: nothing it does may reach the caller.
    try {
      const outcome: unknown = onDrop({ reason, count: total, detail })
      if (outcome instanceof Promise) outcome.catch(() => undefined)
    } catch {
      return
    } finally {
      isReporting = false
    }
  }
}

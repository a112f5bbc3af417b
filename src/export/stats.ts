import { toJsonText, unixMs } from '../builtins.js'
import { DROP_REASONS, type DropReason } from '../semantics/attributes.js'
import type { DropReport } from '../config/resolved.js'
import { callHook, type Diagnostics } from '../diagnostics.js'
import { toOneLine } from '../terminal-text.js'
import type { Redactor } from '../values/redact.js'
import { DecisionLog, type SpanName } from './decision-log.js'

/**
 * The books of one tracer at one moment. Always `started === ended + open` and
 * `ended === exported + pending + sum(dropped)`.
 */
export interface TracerStats {
  /** Spans begun, those of an earlier process that are taken up from the spool included. */
  readonly started: number
  /** Spans ended. */
  readonly ended: number
  /** Spans begun and not ended yet. */
  readonly open: number
  /** Spans that are exported as they were, marked `honeyhive.unfinished`, because nothing had ended them; they count as ended. */
  readonly unfinished: number
  /** The span that is open for longest; absent while none is open. */
  readonly oldestOpen?: OpenSpan
  /** How many are open by the name of the library that began them; absent while none is open. */
  readonly openByLibrary?: Readonly<Record<string, number>>
  /** Spans the server acknowledged. */
  readonly exported: number
  /** Spans queued, under way, waiting for a retry, or in a file of the spool that is left for the next start. */
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

/** A span that was begun and has not ended. */
export interface OpenSpan {
  readonly name: string
  readonly spanId: string
  /** Library that began it: the instrumentation scope, `honeyhive-tracer` for traced functions. */
  readonly library: string
  /** How long it is open, milliseconds. */
  readonly openMs: number
}

/** Where {@link SpanStats} looks for open spans. */
export interface OpenSpansView {
  /** What {@link TracerStats} says of them; `undefined` while none is open. */
  summary(): Required<Pick<TracerStats, 'oldestOpen' | 'openByLibrary'>> | undefined
  /** Those with this id or name, the oldest first. */
  find(spanIdOrName: string): readonly OpenSpan[]
}

/** Where {@link SpanStats} looks for spans that ended and are not settled. */
export interface PendingSpansView {
  /** Where the span with this id or name stands, with its name as `show` has it; `undefined` when none is pending. */
  explain(spanIdOrName: string, show: (name: string) => string): string | undefined
}

/** Collaborators of {@link SpanStats}. */
export interface SpanStatsOptions {
  readonly diagnostics: Diagnostics
  /** The user's hook; what it throws or rejects with is ignored. */
  readonly onDrop?: ((report: DropReport) => void) | undefined
  /** Takes out what may not be shown, e.g. the tracer's key. @defaultValue nothing is taken out */
  readonly redactor?: Pick<Redactor, 'label' | 'line'> | undefined
  /** Milliseconds since the Unix epoch. @defaultValue `Date.now` */
  readonly now?: (() => number) | undefined
}

const WARN_AFTER_MS = 60_000

/** Whether it is the user's own choice: counted, but neither warned about nor a loss. */
function isChosen(reason: DropReason): boolean {
  return reason === 'filtered' || reason === 'unsampled' || reason === 'disabled'
}

const REMEDY: Readonly<Record<DropReason, string>> = {
  queueFull: 'Raise `batch.maxQueueSize`, or check that the server answers.',
  bytesFull: 'Raise `batch.maxQueueBytes`, or check that the server answers.',
  tooLarge: 'Lower `limits.maxSpanBytes` or `capture.maxBytes`.',
  unserializable: 'An attribute, event or link of the span cannot be written as OTLP.',
  retryExhausted: 'It was tried for as long as `batch.retryBudgetMs` says; raise it to hold on longer.',
  httpStatus: 'The server refused the request.',
  serverRejected: 'The server accepted the request but not every span in it.',
  badReply: 'Check `serverUrl` (HH_API_URL): the reply did not come from HoneyHive.',
  afterShutdown: 'The span came after `shutdown()`; shut down last.',
  shutdownTimeout: 'Give `shutdown()` more time, or set `spool` to keep spans on disk.',
  filtered: 'Left out by `spanFilter`.',
  unsampled: 'Left out by `sampler` or `sampleRate`.',
  disabled: 'The tracer is disabled.',
  internal: 'This is a fault of the tracer.',
}

/** Counts what became of every span of one tracer. Each method is a few nanoseconds unless something was lost. */
export class SpanStats {
  readonly #diagnostics: Diagnostics
  readonly #now: () => number
  readonly #redactor: SpanStatsOptions['redactor']
  readonly #onDrop: SpanStatsOptions['onDrop']
  #started = 0
  #ended = 0
  #exported = 0
  #unfinished = 0
  #sessions = 0
  #requests = 0
  #spooled = 0
  #dropped = 0
  #losses = 0
  #lastError: string | undefined
  #log: DecisionLog | undefined
  #drops: Partial<Record<DropReason, Drops>> | undefined
  #isReporting = false
  #open: OpenSpansView | undefined
  #pending: PendingSpansView | undefined

  constructor({ diagnostics, onDrop, redactor, now = unixMs }: SpanStatsOptions) {
    this.#redactor = redactor
    this.#diagnostics = diagnostics
    this.#onDrop = onDrop
    this.#now = now
  }

  /** A span began. */
  started(): void {
    this.#started++
  }

  /** A span ended: it is pending until {@link exported} or {@link dropped} names it. @param isUnfinished nothing but its tracer ended it */
  ended(isUnfinished = false): void {
    this.#ended++
    if (isUnfinished) this.#unfinished++
  }

  /** A span that was asked for and never began. */
  refused(reason: DropReason, span: SpanName, detail: string): void {
    this.#note(span, reason, detail)
    this.#count(reason, 1, detail, { hasBegun: false })
  }

  /** An open span that is no longer held, because too many are open; it is exported if it ends after all. */
  letGo(span: SpanName): void {
    this.#decisions.add(span, 'open', 'more spans are open than are kept')
  }

  /** Spans that nobody can end or export any more. */
  lostOpen(amount: number, detail: string): void {
    this.#ended += amount
    this.#log?.closeOpen('queueFull', detail)
    this.#count('queueFull', amount, detail)
  }

  /** A session began. */
  sessionStarted(): void {
    this.#sessions++
  }

  /** One HTTP request was made. */
  requestMade(): void {
    this.#requests++
  }

  /** Remembers the last trouble for {@link snapshot}. */
  failed(error: string): void {
    this.#lastError = this.#mask(error)
  }

  /** Spans that an earlier process left in a spool are pending from now on. */
  tookOver(amount: number): void {
    this.#started += amount
    this.#ended += amount
    this.#spooled += amount
  }

  /** The server acknowledged spans that were taken over. */
  exportedFromSpool(amount: number): void {
    this.#exported += amount
    this.#spooled -= amount
  }

  /** Spans that were taken over are lost; the caller tells of it. */
  droppedFromSpool(reason: DropReason, amount: number, detail: string): void {
    if (amount === 0) return
    this.#spooled -= amount
    this.#count(reason, amount, detail, { isTold: true })
  }

  /** The server acknowledged these spans. */
  exported(spans: readonly SpanName[]): void {
    this.#exported += spans.length
    for (let at = 0; at < spans.length; at++) this.#note(spans[at], undefined, spans[at]?.note ?? '')
  }

  /** These ended spans are lost for one reason; `detail` holds no secret and no content. No warning where the caller tells of it. */
  dropped(reason: DropReason, spans: readonly SpanName[], detail: string, isTold = false): void {
    if (spans.length === 0) return
    for (let at = 0; at < spans.length; at++) this.#note(spans[at], reason, detail)
    this.#count(reason, spans.length, detail, { isTold })
  }

  /** Spans that nothing will deliver or count any more, because a fault of our own left them behind. */
  abandon(detail: string): void {
    const pending = this.#ended - this.#exported - this.#dropped
    if (pending > 0) this.#count('internal', pending, detail)
  }

  /** The same for one span, without an array; for the path of `span.end()`. */
  droppedOne(reason: DropReason, span: SpanName, detail: string): void {
    this.#note(span, reason, detail)
    this.#count(reason, 1, detail)
  }

  /** Spans lost against the user's will: all reasons but `filtered`, `unsampled` and `disabled`. */
  get losses(): number {
    return this.#losses
  }

  /** Pending spans of earlier processes: they wait on disk, or are being read from there. */
  get spooled(): number {
    return this.#spooled
  }

  /** Spans begun and not ended. */
  get open(): number {
    return this.#started - this.#ended
  }

  /** The last trouble on the way to the server. */
  get lastError(): string | undefined {
    return this.#lastError
  }

  /** Value of the `hh-client-dropped` header, or `undefined` while nothing was lost. */
  dropHeader(): string | undefined {
    if (this.#losses === 0) return undefined
    let header = ''
    for (let at = 0; at < DROP_REASONS.length; at++) {
      const reason = DROP_REASONS[at] as DropReason
      const count = this.#droppedBy(reason)
      if (count > 0) header += `${header === '' ? '' : ';'}${reason}=${count}`
    }
    return header
  }

  /** The counts at this moment. */
  snapshot(): TracerStats {
    return {
      started: this.#started,
      ended: this.#ended,
      open: this.#started - this.#ended,
      unfinished: this.#unfinished,
      ...this.#open?.summary(),
      exported: this.#exported,
      pending: this.#ended - this.#exported - this.#dropped,
      dropped: this.#droppedByReason(),
      sessions: this.#sessions,
      requests: this.#requests,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }

  /** Where {@link explain} looks for spans that are still pending. */
  watchPending(pending: PendingSpansView): void {
    this.#pending = pending
  }

  /** Where {@link snapshot} and {@link explain} look for spans that are open. */
  watchOpen(open: OpenSpansView): void {
    this.#open = open
  }

  /** What became of a recent span and why, as one line. */
  explain(spanIdOrName: string): string {
    return toOneLine(this.#mask(this.#explain(spanIdOrName)))
  }

  #mask(text: string): string {
    return this.#redactor?.label(text) ?? text
  }

  /** A span's name as it is exported. */
  #showName(name: string): string {
    return this.#redactor?.line('name', name) ?? name
  }

  #explain(spanIdOrName: string): string {
    const show = (name: string): string => this.#showName(name)
    const decided = this.#pending?.explain(spanIdOrName, show) ?? this.#log?.find(spanIdOrName, show)
    const open = this.#open?.find(spanIdOrName) ?? []
    const [oldest] = open
    if (oldest === undefined) return decided ?? `unknown: no recent span has the id or name ${quote(spanIdOrName)}`
    const others = open.length === 1 ? '' : `; ${open.length} of this name have not ended`
    const line = `open: ${this.#showName(oldest.name)} (${oldest.spanId}) has not ended, begun ${describeMs(oldest.openMs)} ago by ${oldest.library}${others}`
    return decided === undefined ? line : `${decided}; ${line}`
  }

  get #decisions(): DecisionLog {
    this.#log ??= new DecisionLog(this.#now)
    return this.#log
  }

  #droppedBy(reason: DropReason): number {
    return this.#drops?.[reason]?.count ?? 0
  }

  // Loops, because whoever looks at the books may have replaced what arrays can do.
  #droppedByReason(): Record<DropReason, number> {
    const dropped = {} as Record<DropReason, number>
    for (let at = 0; at < DROP_REASONS.length; at++) {
      const reason = DROP_REASONS[at] as DropReason
      dropped[reason] = this.#droppedBy(reason)
    }
    return dropped
  }

  /** The log of decisions is a help, the books do not wait for it. */
  #note(span: SpanName | undefined, reason: DropReason | undefined, detail: string): void {
    if (span === undefined) return
    try {
      this.#decisions.add(span, reason, detail)
    } catch {
      // What is told of this span is less.
    }
  }

  #count(reason: DropReason, amount: number, detail: string, { isTold = false, hasBegun = true }: Counted = {}): void {
    this.#drops ??= noDrops()
    const drops = this.#drops[reason] ?? { count: 0, owed: 0, warnedAt: Number.NEGATIVE_INFINITY }
    this.#drops[reason] = drops
    const isLoss = !isChosen(reason)
    // No call among these, so that where the stack ends the books have all of it or nothing.
    if (!hasBegun) {
      this.#started += amount
      this.#ended += amount
    }
    drops.count += amount
    this.#dropped += amount
    if (isLoss) this.#losses += amount
    try {
      if (this.#diagnostics.isVerbose) this.#tell(reason, amount, drops, detail)
      if (isLoss && !isTold) this.#warn(reason, drops, detail)
      this.#report(reason, drops, amount, detail)
    } catch {
      // The stack is used up; what is told can be read from the books.
    }
  }

  // Apart from it, because a function that makes closures pays for them each time it is called.
  #tell(reason: DropReason, amount: number, { count }: Drops, detail: string): void {
    this.#diagnostics.debug(() => `dropped (${reason}): ${amount} of ${count} so far${detail === '' ? '' : `, ${detail}`}`)
  }

  #warn(reason: DropReason, drops: Drops, detail: string): void {
    const time = this.#now()
    if (time - drops.warnedAt < WARN_AFTER_MS) return
    drops.warnedAt = time
    this.#diagnostics.warn(`drop:${reason}`, `spans dropped (${reason}, ${drops.count} so far): ${detail}. ${REMEDY[reason]}`)
  }

  /** Calls the user's hook; a loss caused inside the hook joins the next report of its reason instead of recursing. */
  #report(reason: DropReason, drops: Drops, amount: number, detail: string): void {
    if (this.#onDrop === undefined) return
    drops.owed += amount
    if (this.#isReporting) return
    const count = drops.owed
    drops.owed = 0
    this.#isReporting = true
    // The hook is user code: nothing it does may reach the caller.
    try {
      const report = { reason, count, detail: this.#mask(detail) }
      callHook(() => this.#onDrop?.(report))
    } catch {
      return
    } finally {
      this.#isReporting = false
    }
  }
}

/** How losses are counted. */
interface Counted {
  /** Whether the caller tells of it. @defaultValue false */
  readonly isTold?: boolean
  /** Whether the spans were counted as started and ended. @defaultValue true */
  readonly hasBegun?: boolean
}

/** The losses for one reason. */
interface Drops {
  count: number
  /** Lost inside the hook and not reported yet. */
  owed: number
  warnedAt: number
}

function describeMs(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function quote(text: string): string {
  return toJsonText(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

/** Without a prototype, so that what a host puts on every object is no reason. */
function noDrops(): Partial<Record<DropReason, Drops>> {
  return { __proto__: null } as Partial<Record<DropReason, Drops>>
}

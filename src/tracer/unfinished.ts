import { setImmediate, NativeMap, NativeSet } from '../builtins.js'
import { processState } from '../context/globals.js'
import type { Diagnostics } from '../diagnostics.js'
import { runDetached } from '../export/detached.js'
import type { OpenSpan, OpenSpansView, SpanStats } from '../export/stats.js'
import { toShown } from '../options/shown.js'
import type { Clock } from '../provider/clock.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { OpenSpans, type OpenSpansLimits, type OpenSpansListener } from '../provider/open-spans.js'
import type { SpanRecord } from '../provider/span-record.js'
import { ATTRIBUTE } from '../semantics/attributes.js'
import type { Redactor } from '../values/redact.js'

/**
 * How long after its parent's end an open span in which nothing happens is waited for, milliseconds: the clients of OpenAI and
 * Anthropic give a request up after ten minutes by default, and what is still under way then has nobody left to end it.
 */
export const ABANDONED_AFTER_MS = 600_000
/** How often the end of other spans is taken as the time to look for abandoned ones, milliseconds. */
const LOOK_EVERY_MS = 60_000
/** Two moments at which the event loop was empty belong together when no more time lies between them, milliseconds: twice a delivery's. */
const SAME_END_MS = 10_000
/** Libraries that are named in one line, and that are remembered as named. */
const MAX_SHOWN = 5
const MAX_REMEMBERED = 1_000
const MAX_SHOWN_CHARS = 200
const REMEDY =
  'Your own end with `span.end()` or with their function: end them, or await the work before shutdown(). Libraries forget the spans of calls that fail or are aborted. Each library is named once.'

/** What the open spans of a tracer are told with. */
export interface OpenSpanParts {
  readonly stats: SpanStats
  readonly diagnostics: Diagnostics
  readonly clock: Clock
  readonly limits: OpenSpansLimits
  /** Shows a span's name as it is exported. */
  readonly redactor: Pick<Redactor, 'line'>
}

/**
 * The open spans of one tracer, and when they are exported although nothing ended them: at its end, and once their parent ended
 * long ago. It knows no tracer, so that what runs at the end of the process keeps none alive.
 */
export class UnfinishedSpans implements OpenSpansView, OpenSpansListener {
  readonly #parts: OpenSpanParts
  readonly #open: OpenSpans
  /** Libraries that were told of. */
  #named: Set<string> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  /** When the event loop was found empty, and the place in the order of everything started that had been reached. */
  #empty: { readonly atMs: number; readonly order: number } | undefined

  constructor(parts: OpenSpanParts) {
    this.#parts = parts
    this.#open = new OpenSpans(parts.limits, this)
  }

  onLetGo(record: SpanRecord): void {
    this.#parts.stats.letGo({ name: nameOf(record), spanId: record.context.spanId })
  }

  /** Takes a span that was started; a processor may have ended it at once. */
  add(record: SpanRecord): void {
    if (!record.isEnding) this.#open.add(record)
  }

  /** Takes a span out that ends; false when its loss was counted when the tracer was closed. */
  remove(record: SpanRecord): boolean {
    if (this.#isClosed && record.listing === 'letGo') return false
    this.#open.remove(record)
    return true
  }

  /** Exports all that is open and counts what was let go of; for a tracer that is closed. */
  close(): void {
    this.#isClosed = true
    this.exportAll()
    const lost = this.#open.letGo
    if (lost > 0) this.#parts.stats.lostOpen(lost, 'they were never ended, and more were open than are kept')
  }

  /** Exports all that is open; for a process that ends at once. */
  exportAll(): void {
    this.#export(this.#withEnds([...this.#open]))
  }

  /**
   * Exports what was open when the event loop ran empty, once it is empty again: until then a listener of the host's may still
   * end its spans, and what it starts meanwhile is its own business.
   *
   * @returns whether it waits for that.
   */
  exportAtNaturalEnd(): boolean {
    const nowMs = this.#parts.clock.monotonicMs()
    const empty = this.#empty
    if (empty !== undefined && nowMs - empty.atMs <= SAME_END_MS) {
      this.#export(this.#withEnds([...this.#open].filter(({ order }) => order <= empty.order)))
      return false
    }
    const [oldest] = this.#open
    if (oldest === undefined) return false
    this.#empty = { atMs: nowMs, order: processState.lastOrder }
    // Whatever else is left to do is done before the event loop is empty again.
    setImmediate(() => undefined)
    return true
  }

  /** Exports what was abandoned. */
  exportAbandoned(): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#lookedAtMs = nowMs
    this.#export(this.#findAbandoned(nowMs))
  }

  /** {@link exportAbandoned} from time to time, off the caller's stack. */
  noteEnd({ endedMs }: SpanRecord): void {
    if (endedMs - this.#lookedAtMs >= LOOK_EVERY_MS) this.#lookLater(endedMs)
  }

  #lookLater(endedMs: number): void {
    this.#lookedAtMs = endedMs
    const [oldest] = this.#open
    if (oldest === undefined || endedMs - oldest.startedMs < ABANDONED_AFTER_MS) return
    runDetached(() => setImmediate(() => this.exportAbandoned()).unref())
  }

  summary(): ReturnType<OpenSpansView['summary']> {
    const [oldest] = this.#open
    if (oldest === undefined) return undefined
    const byLibrary = countByLibrary(this.#open)
    const oldestOpen = this.#toOpenSpan(oldest)
    return { oldestOpen: { ...oldestOpen, name: this.#showName(oldestOpen.name) }, openByLibrary: Object.fromEntries(byLibrary) }
  }

  find(spanIdOrName: string): readonly OpenSpan[] {
    const found: SpanRecord[] = []
    for (const record of this.#open) {
      if (record.context.spanId === spanIdOrName) return [this.#toOpenSpan(record)]
      if (nameOf(record) === spanIdOrName) found.push(record)
    }
    return found.map((record) => this.#toOpenSpan(record))
  }

  #showName(name: string): string {
    return this.#parts.redactor.line('name', name)
  }

  #toOpenSpan(record: SpanRecord): OpenSpan {
    const openMs = Math.max(0, Math.round(this.#parts.clock.monotonicMs() - record.startedMs))
    return { name: nameOf(record), spanId: record.context.spanId, library: record.library.name, openMs }
  }

  /** Those of a parent that ended long ago in which nothing happened since. */
  #findAbandoned(nowMs: number): SpanRecord[] {
    const old: SpanRecord[] = []
    for (const record of this.#open) {
      if (nowMs - record.startedMs < ABANDONED_AFTER_MS) break
      old.push(record)
    }
    carryUp(old)
    return old.filter((record) => {
      const { above, activeMs } = record
      if (above === undefined || nowMs - above.endedMs < ABANDONED_AFTER_MS || nowMs - activeMs < ABANDONED_AFTER_MS) return false
      record.endedMs = Math.max(above.endedMs, activeMs)
      return true
    })
  }

  /** Who lost its parent ended with it, or with the last that happened below; any other ends now. */
  #withEnds(records: SpanRecord[]): SpanRecord[] {
    const nowMs = this.#parts.clock.monotonicMs()
    carryUp(records)
    for (const record of records) {
      const aboveEndedMs = record.above?.endedMs ?? Number.POSITIVE_INFINITY
      record.endedMs = Number.isFinite(aboveEndedMs) ? Math.max(aboveEndedMs, record.activeMs) : nowMs
    }
    return records
  }

  #export(records: readonly SpanRecord[]): void {
    if (records.length === 0) return
    this.#tell(records.filter(({ fate }) => fate === 'export'))
    // The newest first, so that children end before their parents.
    for (const record of records.toReversed()) GuardedSpan.endUnfinished(record, record.endedMs)
  }

  /** Says once of each library that it left spans open. */
  #tell(records: readonly SpanRecord[]): void {
    const counts = [...countByLibrary(records)].filter(([library]) => this.#named?.has(library) !== true)
    if (counts.length === 0) return
    this.#named ??= new NativeSet()
    for (const [library] of counts) if (this.#named.size < MAX_REMEMBERED) this.#named.add(library)
    const shown = counts.slice(0, MAX_SHOWN).map(([library, count]) => `${count} of ${library.slice(0, MAX_SHOWN_CHARS)}`)
    const [first] = records.filter(({ library }) => counts.some(([name]) => name === library.name))
    const example = first === undefined ? '' : ` The first is ${toShown(this.#showName(nameOf(first)))}.`
    const others = counts.length > MAX_SHOWN ? ` and of ${counts.length - MAX_SHOWN} more libraries` : ''
    const message = `spans that nothing had ended are exported as they are, marked ${ATTRIBUTE.unfinished}: ${shown.join(', ')}${others}.${example} ${REMEDY}`
    this.#parts.diagnostics.warnOnce(`unfinished:${counts[0]?.[0]}`, message)
  }
}

/** What happens in a span happens in those above it as well. */
function carryUp(records: readonly SpanRecord[]): void {
  for (const { above, activeMs } of records.toReversed()) if (above !== undefined && above.activeMs < activeMs) above.activeMs = activeMs
}

function countByLibrary(records: Iterable<SpanRecord>): Map<string, number> {
  const counts = new NativeMap<string, number>()
  for (const { library } of records) counts.set(library.name, (counts.get(library.name) ?? 0) + 1)
  return counts
}

function nameOf({ data, name }: SpanRecord): string {
  return data?.name ?? name
}

import { type Attributes, type HrTime, type Link, type SpanKind, type SpanStatus, SpanStatusCode } from '@opentelemetry/api'
import { hrTimeDuration, hrTimeToMilliseconds } from '@opentelemetry/core'
import type { TimedEvent } from '@opentelemetry/sdk-trace'
import type { ResolvedLimits } from '../config/resolved.js'
import type { OwnedSpan } from '../context/instance.js'
import { toHrTime } from './clock.js'
import { tellHost } from './host-diagnostics.js'
import { setOwn } from './span-arguments.js'

/** Who hears of a recorded span. */
export interface SpanListener {
  /** It has its end and can still be written to. */
  onEnding(span: OwnedSpan): void
  /** Nothing can be written to it any more. */
  onEnd(span: OwnedSpan): void
}

/** What a recorded span is. */
export interface SpanStart {
  readonly name: string
  readonly kind: SpanKind
  readonly links: readonly Link[]
}

/** For the many spans without events or links. */
const NONE: never[] = []
Object.freeze(NONE)
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }

/**
 * What a recorded span holds, by the rules of OpenTelemetry's `SpanImpl` for events, links, status and times. Its guard has made sure of
 * every argument and counts the attributes, so nothing is checked or copied again; times become pairs when they are read. That is a fifth
 * of the whole cost of a small call less than with a `SpanImpl` (`docs/decisions.md`).
 */
export class SpanData {
  name: string
  status: SpanStatus = UNSET
  events: TimedEvent[] = NONE
  links: Link[] = NONE
  droppedEventsCount = 0
  droppedLinksCount = 0
  readonly kind: SpanKind
  readonly attributes: Attributes
  readonly listener: SpanListener
  readonly #limits: ResolvedLimits
  #startMs = Number.NaN
  #givenStart: HrTime | undefined
  #endMs: number | undefined
  #givenEnd: HrTime | undefined

  /** @param attributes become its own. */
  constructor(start: SpanStart, attributes: Attributes, limits: ResolvedLimits, listener: SpanListener) {
    this.name = start.name
    this.kind = start.kind
    this.attributes = attributes
    this.listener = listener
    this.#limits = limits
    for (const link of start.links) this.addLink(link)
  }

  /**
   * Sets when it started.
   *
   * @param startMs Unix milliseconds.
   * @param given what its caller said instead.
   */
  begin(startMs: number, given: HrTime | undefined): void {
    this.#startMs = startMs
    this.#givenStart = given
  }

  get startTime(): HrTime {
    return this.#givenStart ?? toHrTime(this.#startMs)
  }

  /** When it started, Unix milliseconds. */
  get startUnixMs(): number {
    return this.#givenStart === undefined ? this.#startMs : hrTimeToMilliseconds(this.#givenStart)
  }

  /** `[0, 0]` while it is open. */
  get endTime(): HrTime {
    if (this.#endMs === undefined) return [0, 0]
    return this.#givenEnd ?? toHrTime(this.#endMs)
  }

  /** When it ended, Unix milliseconds; `undefined` while it is open. */
  get endUnixMs(): number | undefined {
    return this.#givenEnd === undefined ? this.#endMs : hrTimeToMilliseconds(this.#givenEnd)
  }

  /** `[-1, -1]` while it is open, as OpenTelemetry's own span has it. */
  get duration(): HrTime {
    return this.#endMs === undefined ? [-1, -1] : hrTimeDuration(this.startTime, this.endTime)
  }

  /** Adds an event; beyond the limit the oldest goes. */
  addEvent(name: string, attributes: Attributes, time: HrTime): void {
    const { maxEvents, maxAttributes, maxAttributesPerEvent = maxAttributes } = this.#limits
    if (this.events.length >= maxEvents) {
      if (maxEvents === 0) tellHost('warn', 'No events allowed.')
      else if (this.droppedEventsCount === 0) tellHost('debug', 'Dropping extra events.')
      this.droppedEventsCount += 1
    }
    this.events = withLast(this.events, { name, time, ...firstOf(attributes, maxAttributesPerEvent) }, maxEvents)
  }

  /** Adds a link; beyond the limit the oldest goes. */
  addLink({ context, attributes }: Link): void {
    const { maxLinks, maxAttributes, maxAttributesPerLink = maxAttributes } = this.#limits
    if (this.links.length >= maxLinks) {
      if (maxLinks > 0 && this.droppedLinksCount === 0) tellHost('debug', 'Dropping extra links.')
      this.droppedLinksCount += 1
    }
    this.links = withLast(this.links, toLink(context, firstOf(attributes ?? {}, maxAttributesPerLink)), maxLinks)
  }

  /** Sets the status; once it is OK it stays so. */
  setStatus({ code, message }: SpanStatus): void {
    if (this.status.code === SpanStatusCode.OK) return
    const isText = typeof message === 'string'
    if (!isText && message !== undefined) tellHost('warn', `Dropping invalid status.message of type '${typeof message}', expected 'string'`)
    this.status = isText && code === SpanStatusCode.ERROR ? { code, message } : { code }
  }

  /**
   * Sets when it ended, which is not before it started.
   *
   * @param endMs Unix milliseconds.
   * @param given what its caller said instead.
   */
  end(endMs: number, given: HrTime | undefined): void {
    const { droppedEventsCount, droppedLinksCount } = this
    this.#endMs = Math.max(this.#startMs, endMs)
    if (given !== undefined || this.#givenStart !== undefined) this.#givenEnd = laterOf(this.startTime, given ?? toHrTime(endMs))
    if (droppedEventsCount > 0) tellHost('warn', `Dropped ${droppedEventsCount} events because eventCountLimit reached`)
    if (droppedLinksCount > 0) tellHost('warn', `Dropped ${droppedLinksCount} links because linkCountLimit reached`)
  }
}

interface Attributed {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}

/** The list with one item more, from which the oldest goes beyond `most`. */
function withLast<T>(list: T[], item: T, most: number): T[] {
  const held = list === NONE ? [] : list
  if (held.length >= most) held.shift()
  if (most > 0) held.push(item)
  return held
}

/** As many attributes as there is place for. */
function firstOf(given: Attributes, most: number): Attributed {
  const keys = Object.keys(given)
  if (keys.length <= most) return { attributes: given, droppedAttributesCount: 0 }
  const attributes: Attributes = {}
  for (const key of keys.slice(0, Math.max(0, most))) setOwn(attributes, key, given[key] as NonNullable<Attributes[string]>)
  return { attributes, droppedAttributesCount: keys.length - Object.keys(attributes).length }
}

function toLink(context: Link['context'], { attributes, droppedAttributesCount }: Attributed): Link {
  return {
    context,
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    ...(droppedAttributesCount > 0 ? { droppedAttributesCount } : {}),
  }
}

function laterOf(start: HrTime, end: HrTime): HrTime {
  return end[0] < start[0] || (end[0] === start[0] && end[1] < start[1]) ? start : end
}

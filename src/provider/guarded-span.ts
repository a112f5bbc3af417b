import { hasOwnField } from '../builtins.js'
import { noFields } from '../options/fields.js'
import type { Attributes, AttributeValue, Exception, HrTime, Link, Span, SpanContext, SpanStatus, TimeInput } from '@opentelemetry/api'
import { inspect } from 'node:util'
import { SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import type { Instance, OwnedSpan } from '../context/instance.js'
import { forgetSpanLater, markShown, rememberSpan } from '../context/live-spans.js'
import type { Bucket } from '../semantics/attributes.js'
import { toAttributeValue } from '../values/flatten.js'
import type { Plain } from '../values/plain.js'
import { sizeOf } from '../values/room.js'
import type { Snapshot } from '../values/snapshot.js'
import { shrinkIfLarge } from './span-shrink.js'
import { MAX_MESSAGE_CHARS, MAX_NAME_CHARS } from './bound-text.js'
import { appendIn, mergeInto } from './bucket.js'
import { nowOn } from './clock.js'
import { completeAll, cutShort, scheduleCompletion } from './cut-short.js'
import { isException } from './exception-attributes.js'
import { toFinishedSpan } from './finished-span.js'
import { tellHost } from './host-diagnostics.js'
import { addEventTo, addLinkTo, bound, recordExceptionOn, renameOn, setOn, setStatusOn, takeEventField } from './record-writes.js'
import type { SpanData } from './span-data.js'
import { forEachAttribute, isTimeInput, readItems, setOwn, toStatus, toTime } from './span-arguments.js'
import {
  createRecord,
  ENTRY_OVERHEAD_BYTES,
  type Fate,
  IDENTITY_KEYS,
  sizeOfLink,
  type SpanRecord,
  type SpanBeginning,
  type SpanDescription,
  type SpanOwner,
} from './span-record.js'

/** Of this module, because some loaders make a call of each look at what is imported. */
const waiting = cutShort

/** Under a symbol and not a private field, so that a proxy around the span works as the span does. */
const RECORD = Symbol('honeyhive-tracer.record')
type Holder = { [RECORD]?: SpanRecord }

function recordIn(span: object): SpanRecord {
  const record = (span as Holder)[RECORD]
  // Only the prototype has none, and only who looks at it by hand sees this.
  if (record === undefined) throw new TypeError('a span is needed')
  return record
}

/**
 * A span as its user has it: the guard in front of what it holds. Every method is safe with any argument: what cannot be recorded is left out,
 * nothing throws. Its readable fields are those of the span as it would be exported now, redacted and flattened. Its contents
 * are not reachable from outside otherwise, so logging a span shows no other data.
 */
export class GuardedSpan implements Span, ReadableSpan, OwnedSpan {
  static {
    Object.defineProperty(GuardedSpan.prototype, inspect.custom, { value: GuardedSpan.prototype.toString })
  }

  constructor(owner: SpanOwner, what: SpanDescription, at: SpanBeginning) {
    ;(this as Holder)[RECORD] = createRecord(this, owner, what, at)
  }

  /** The record behind `span`, when it is one of this copy of the package. */
  static recordOf(span: object | undefined): SpanRecord | undefined {
    return (span as Holder | undefined)?.[RECORD]
  }

  /**
   * Gives the span its ids.
   *
   * @param shown the ids that others see in their place.
   */
  static identify(span: GuardedSpan, context: SpanContext, fate: Fate, shown: SpanContext | undefined): void {
    const record = recordIn(span)
    record.context = context
    record.shown = shown ?? context
    record.fate = fate
    const { above } = record
    if (above !== undefined) record.arriving = above.arriving
    if (fate !== 'export') return
    // A sampler may leave out what its child is kept below.
    if (above !== undefined) record.parent = above.arriving
    record.arriving = context
  }

  /**
   * Has the span recorded in `data`.
   *
   * @param startTime when it started. @defaultValue when it was made
   */
  static begin(span: GuardedSpan, data: SpanData, startTime: TimeInput | undefined): void {
    const record = recordIn(span)
    data.begin(record.anchor + record.startedMs, startTime === undefined ? undefined : toTime(startTime, record.anchor))
    record.data = data
    for (const key in data.attributes) {
      if (!hasOwnField(data.attributes, key)) continue
      record.attributeCount += 1
      record.bytes += key.length + sizeOf(data.attributes[key] as Plain) + ENTRY_OVERHEAD_BYTES
    }
    for (const link of data.links) record.bytes += sizeOfLink(link)
  }

  /** Milliseconds since the span started; `undefined` when nobody records it. */
  static ageMsOf(span: GuardedSpan): number | undefined {
    const { data, anchor, owner } = recordIn(span)
    if (data === undefined) return undefined
    return Math.max(0, Math.round((nowOn(anchor, owner.clock) - data.startUnixMs) * 1e3) / 1e3)
  }

  /** Frees the data of a span that is settled; a scope may hold the span itself for much longer. */
  static release(span: GuardedSpan): void {
    const record = recordIn(span)
    record.data = undefined
    record.buckets = undefined
    record.error = undefined
    record.lastException = undefined
    record.finished = undefined
    record.gather = undefined
  }

  /** What adds to `span` what was gathered so far, should it be exported before its call is over. */
  static gatherWith(span: GuardedSpan, gather: () => void): void {
    recordIn(span).gather = gather
  }

  /**
   * Marks `span` as one that nothing but its tracer ended; ending it is the caller's.
   *
   * @returns whether it is still open.
   */
  static markUnfinished(span: object): boolean {
    const record = GuardedSpan.recordOf(span)
    if (record === undefined || record.isEnding) return false
    record.isUnfinished = true
    return true
  }

  /** @internal How every copy of this package recognises the span, also through a proxy. */
  get honeyhiveSpan(): OwnedSpan {
    return this
  }

  get owner(): Instance {
    return recordIn(this).owner.instance
  }

  get context(): SpanContext {
    return recordIn(this).context
  }

  get order(): number {
    return recordIn(this).order
  }

  get origin(): number {
    return recordIn(this).origin
  }

  get hasEnded(): boolean {
    return recordIn(this).isEnded
  }

  spanContext(): SpanContext {
    const record = recordIn(this)
    // Whoever asks for the ids may name the span by them.
    if (!record.isKnown && !record.isCopy) {
      record.isKnown = true
      if (record.shown !== record.context) markShown(record.shown, this)
      rememberSpan(this)
      if (record.isEnded) forgetSpanLater(this)
    }
    return record.shown
  }

  isRecording(): boolean {
    const record = GuardedSpan.recordOf(this)
    return record !== undefined && !record.isEnded && record.data !== undefined
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.isRecording()) setOn(recordIn(this), key, value)
    else warnIfEnded(this)
    return this
  }

  setAttributes(attributes: Attributes): this {
    if (this.isRecording()) forEachAttribute(attributes, (key, value) => setOn(recordIn(this), key, value))
    else warnIfEnded(this)
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) {
      warnIfEnded(this)
      return this
    }
    const isTime = isTimeInput(attributesOrTime)
    addEventTo(recordIn(this), name, isTime ? undefined : attributesOrTime, isTime && time === undefined ? attributesOrTime : time)
    return this
  }

  addLink(link: Link): this {
    if (this.isRecording()) addLinkTo(recordIn(this), link)
    else warnIfEnded(this)
    return this
  }

  addLinks(links: Link[]): this {
    if (!this.isRecording()) warnIfEnded(this)
    else for (const link of readItems(links)) addLinkTo(recordIn(this), link)
    return this
  }

  setStatus(status: SpanStatus): this {
    const isRecording = this.isRecording()
    const next = isRecording ? toStatus(status) : undefined
    if (next !== undefined) setStatusOn(recordIn(this), next)
    if (!isRecording) warnIfEnded(this)
    return this
  }

  updateName(name: string): this {
    if (!this.isRecording()) warnIfEnded(this)
    else if (typeof name === 'string') renameOn(recordIn(this), name)
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    if (!this.isRecording()) warnIfEnded(this)
    else if (isException(exception)) recordExceptionOn(recordIn(this), exception, time, true)
    else tellHost('warn', NO_EXCEPTION)
  }

  end(endTime?: TimeInput): void {
    const record = recordIn(this)
    if (record.isEnding) return
    record.isEnding = true
    try {
      if (waiting.first !== undefined) scheduleCompletion(complete)
      endNow(record, endTime)
    } catch {
      waiting.first = { span: this, endTime, next: waiting.first }
      try {
        scheduleCompletion(complete)
      } catch {
        // The next span to end does, with a stack less deep.
      }
    }
  }

  /** Ends a span that nothing else ended, as it is; `endedMs` is a reading of its owner's clock. */
  static endUnfinished({ span }: SpanRecord, endedMs: number): void {
    if (!GuardedSpan.markUnfinished(span)) return
    const record = recordIn(span)
    record.gather?.()
    record.isEnding = true
    endAt(record, endedMs, undefined)
  }

  /** Has completed later what was cut short. */
  static completeLater(): void {
    scheduleCompletion(complete)
  }

  /** Completes at once what was cut short. */
  static completeCutShort(): void {
    completeAll(complete)
  }

  /** Status ERROR, one exception event and the error attributes; the span stays open. */
  fail(thrown: unknown): void {
    if (!this.isRecording()) return
    const record = recordIn(this)
    const error = recordExceptionOn(record, thrown, undefined, false)
    const message = bound(record, error.message, MAX_MESSAGE_CHARS)
    const summary = bound(record, error.summary, MAX_MESSAGE_CHARS)
    record.error = { type: bound(record, error.type, MAX_NAME_CHARS), message: summary }
    setStatusOn(record, { code: SpanStatusCode.ERROR, message })
  }

  /** Adds a captured value to a bucket of the event; later keys win. */
  addToBucket(bucket: Bucket, snapshot: Snapshot): void {
    if (!this.isRecording()) return
    const record = recordIn(this)
    record.buckets ??= noFields()
    record.bytes += snapshot.bytes
    const earlier = record.buckets[bucket]
    if (earlier === undefined) record.buckets[bucket] = snapshot.value
    else {
      const { merged, replacedBytes } = mergeInto(earlier, snapshot.value)
      record.buckets[bucket] = merged
      record.bytes -= replacedBytes
    }
    if (snapshot.truncated) record.isTruncated = true
    shrinkIfLarge(record)
  }

  /** Adds a captured value to a list in a bucket of the event. */
  appendToBucket(bucket: Bucket, name: string, snapshot: Snapshot): void {
    if (!this.isRecording()) return
    const record = recordIn(this)
    if (!appendIn(record.buckets?.[bucket], name, snapshot.value)) {
      this.addToBucket(bucket, { ...snapshot, value: { [name]: [snapshot.value] } })
      return
    }
    record.bytes += snapshot.bytes
    if (snapshot.truncated) record.isTruncated = true
    shrinkIfLarge(record)
  }

  /** The attributes a span is about to start with; fields of ours are taken out of them. */
  static takeStart(span: GuardedSpan, given: unknown): Attributes {
    const record = recordIn(span)
    const attributes: Attributes = {}
    forEachAttribute(given, (key, value) => {
      const safe = key === '' || IDENTITY_KEYS.has(key) ? undefined : (toAttributeValue(value) as AttributeValue | undefined)
      if (safe === undefined || takeEventField(record, key, safe)) return
      setOwn(attributes, key, safe)
    })
    return attributes
  }

  /** Its name and id; what it holds stays out of logs. */
  toString(): string {
    const { name, context, owner } = recordIn(this)
    return `Span(${owner.redactor.line('name', name)} ${context.spanId})`
  }

  /** What `JSON.stringify` shows: its ids. */
  toJSON(): object {
    const { traceId, spanId } = recordIn(this).context
    return { traceId, spanId }
  }

  // ---- readable fields, as of the span as it would be exported now ------------------------------------------------------

  /** The exportable form of `span`: made once after its end, anew at each look before it. */
  static finish(span: GuardedSpan): ReadableSpan {
    const record = recordIn(span)
    if (record.finished !== undefined) return record.finished
    const finished = toFinishedSpan(record)
    if (record.isEnded) record.finished = finished
    return finished
  }

  get name(): string {
    return GuardedSpan.finish(this).name
  }

  get kind(): ReadableSpan['kind'] {
    return GuardedSpan.finish(this).kind
  }

  get parentSpanContext(): SpanContext {
    // The interface says that the field may be missing, which a getter cannot be.
    return recordIn(this).parent as SpanContext
  }

  get startTime(): HrTime {
    return GuardedSpan.finish(this).startTime
  }

  get endTime(): HrTime {
    return GuardedSpan.finish(this).endTime
  }

  get duration(): HrTime {
    return GuardedSpan.finish(this).duration
  }

  get status(): SpanStatus {
    return GuardedSpan.finish(this).status
  }

  get attributes(): Attributes {
    return GuardedSpan.finish(this).attributes
  }

  get links(): Link[] {
    return GuardedSpan.finish(this).links
  }

  get events(): TimedEvent[] {
    return GuardedSpan.finish(this).events
  }

  get ended(): boolean {
    return recordIn(this).isEnded
  }

  get resource(): ReadableSpan['resource'] {
    return GuardedSpan.finish(this).resource
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return GuardedSpan.finish(this).instrumentationScope
  }

  get droppedAttributesCount(): number {
    return GuardedSpan.finish(this).droppedAttributesCount
  }

  get droppedEventsCount(): number {
    return GuardedSpan.finish(this).droppedEventsCount
  }

  get droppedLinksCount(): number {
    return GuardedSpan.finish(this).droppedLinksCount
  }
}

// Functions and not private methods, which a proxy around the span does not have.

function endNow(record: SpanRecord, endTime: TimeInput | undefined): void {
  // A span that nobody records need not know when it ended.
  const endedMs = record.data === undefined ? record.activeMs : record.owner.clock.monotonicMs()
  const given = endTime === undefined ? undefined : toTime(endTime, record.anchor)
  if (given === undefined && endTime !== undefined && endTime !== null) record.owner.tellNoTime(endTime)
  endAt(record, endedMs, given)
}

/** What is left of the end of a span, or all of it, now that there is stack for it. */
function complete(span: object, endTime: TimeInput | undefined): void {
  const record = GuardedSpan.recordOf(span)
  if (record === undefined) return
  try {
    if (!record.isEnding) GuardedSpan.endUnfinished(record, record.owner.clock.monotonicMs())
    else if (Number.isFinite(record.endedMs)) endAt(record, record.endedMs, toTime(endTime, record.anchor))
    else endNow(record, endTime)
  } catch {
    // Code of the user's that used up this stack too; its own fault is told where it is called.
  }
}

/**
 * Each step may be taken again, by {@link complete}.
 *
 * @param given the time it shows. @defaultValue `endedMs`
 */
function endAt(record: SpanRecord, endedMs: number, given: HrTime | undefined): void {
  const { owner, data, span, above } = record
  record.endedMs = endedMs
  record.above = undefined
  if (above !== undefined && above.activeMs < endedMs) above.activeMs = endedMs
  const isCounted = !owner.spanEnding(record)
  if (data === undefined || isCounted || record.isEnded) record.isEnded = true
  else closeNow(record, data, given)
  if (record.isKnown) forgetSpanLater(span)
  if (isCounted) GuardedSpan.release(span as GuardedSpan)
  else owner.spanEnded(record, span)
}

/** Its processors may write to it until their `onEnding` is over. */
function closeNow(record: SpanRecord, data: SpanData, given: HrTime | undefined): void {
  const { span, anchor, endedMs } = record
  data.end(anchor + endedMs, given)
  data.listener.onEnding(span)
  record.isEnded = true
  data.listener.onEnd(span)
}

const NO_EXCEPTION = 'Failed to record an exception: it is neither a text nor an object with a code, a name or a message'

/** Says what the SDK says of a span that has ended, and where. */
function warnIfEnded(span: GuardedSpan): void {
  if (!span.hasEnded) return
  const message = `Cannot execute the operation on ended Span ${String(span)}`
  tellHost('warn', message, new Error(message))
}

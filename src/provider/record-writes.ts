/** Writes what is given to an open span into its record: cut to the limits, and charged for. */
import type { AttributeValue, SpanStatus } from '@opentelemetry/api'
import { ATTRIBUTE } from '../semantics/attributes.js'
import { toAttributeValue } from '../values/flatten.js'
import { describeFailure, type Failure } from '../values/failure.js'
import type { Plain } from '../values/plain.js'
import { sizeOf } from '../values/room.js'
import { isCutText } from '../values/thrown.js'
import { boundText, isTooLong, MAX_MESSAGE_CHARS, MAX_NAME_CHARS } from './bound-text.js'
import { nowOn, toHrTime } from './clock.js'
import { toExceptionAttributes, toSdkAttributes } from './exception-attributes.js'
import { nameText, setOwn, toAttributes, toTime } from './span-arguments.js'
import { toAllowedLink } from './span-links.js'
import { ENTRY_OVERHEAD_BYTES, IDENTITY_KEYS, sizeOfEvent, sizeOfLink, type SpanRecord } from './span-record.js'
import { shrinkIfLarge } from './span-shrink.js'

/** Sets an attribute, or the field of the event that it stands for. */
export function setOn(record: SpanRecord, key: string, value: unknown): void {
  const { data } = record
  if (data === undefined || typeof key !== 'string' || key === '' || IDENTITY_KEYS.has(key)) return
  const safe = toAttributeValue(value) as AttributeValue | undefined
  if (safe === undefined || takeEventField(record, key, safe)) return
  const isThere = Object.hasOwn(data.attributes, key)
  record.bytes += sizeOf(safe as Plain) + (isThere ? -sizeOf(data.attributes[key] as Plain) : key.length + ENTRY_OVERHEAD_BYTES)
  if (!isThere) record.attributeCount += 1
  setOwn(data.attributes, key, safe)
  shrinkIfLarge(record)
}

/** @param time when it was. @defaultValue now */
export function addEventTo(record: SpanRecord, name: unknown, attributes: unknown, time: unknown): void {
  const { data, owner, anchor } = record
  if (data === undefined) return
  const safe = toAttributes(attributes)
  const [oldest] = data.events
  if (oldest !== undefined && data.events.length >= owner.limits.maxEvents) record.bytes -= sizeOfEvent(oldest.name, oldest.attributes)
  data.addEvent(bound(record, nameText(name), MAX_NAME_CHARS), safe, toTime(time, anchor) ?? toHrTime(nowOn(anchor, owner.clock)))
  const added = owner.limits.maxEvents > 0 ? data.events.at(-1) : undefined
  if (added !== undefined) record.bytes += sizeOfEvent(added.name, added.attributes)
  shrinkIfLarge(record)
}

/** What is no link, or one that may not be, is left out. */
export function addLinkTo(record: SpanRecord, link: unknown): void {
  const { data, owner } = record
  const safe = toAllowedLink(link, owner.instance)
  if (data === undefined || safe === undefined) return
  const [oldest] = data.links
  if (oldest !== undefined && data.links.length >= owner.limits.maxLinks) record.bytes -= sizeOfLink(oldest)
  data.addLink(safe)
  const added = owner.limits.maxLinks > 0 ? data.links.at(-1) : undefined
  if (added !== undefined) record.bytes += sizeOfLink(added)
  shrinkIfLarge(record)
}

/** The message is cut to its limit. */
export function setStatusOn(record: SpanRecord, { code, message }: SpanStatus): void {
  const { data } = record
  if (data === undefined) return
  const before = data.status.message?.length ?? 0
  data.setStatus(
    message === undefined ? { code } : { code, message: typeof message === 'string' ? bound(record, message, MAX_MESSAGE_CHARS) : message },
  )
  record.bytes += (data.status.message?.length ?? 0) - before
}

/** The name is cut to its limit. */
export function renameOn(record: SpanRecord, name: string): void {
  const { data } = record
  if (data === undefined) return
  record.bytes -= data.name.length
  data.name = bound(record, name, MAX_NAME_CHARS)
  record.bytes += data.name.length
}

/** A text cut to its own limit, with a mark on the span when it was. */
export function bound(record: SpanRecord, text: string, maxChars: number): string {
  if (isTooLong(text, maxChars)) record.isTruncated = true
  return boundText(text, maxChars)
}

/** @param isByApi whether the API's own method asks, whose attributes are those of OpenTelemetry's SDK. */
export function recordExceptionOn(record: SpanRecord, thrown: unknown, time: unknown, isByApi: boolean): Failure {
  // By the API an exception's code is its type.
  const text = describeFailure(thrown, isByApi ? 'code' : undefined)
  // The same object may pass by twice: recorded by hand, then thrown out of the traced function.
  if (typeof thrown === 'object' && thrown !== null && record.lastException === thrown) return text
  record.lastException = thrown
  if (isCutText(text.message) || isCutText(text.stack)) record.isTruncated = true
  const attributes = isByApi ? toSdkAttributes(thrown, text) : toExceptionAttributes(text)
  addEventTo(record, 'exception', attributes, time)
  return text
}

/** HoneyHive's own root fields set through `setAttribute` become those fields; true when `key` was one of them. */
export function takeEventField(record: SpanRecord, key: string, value: unknown): boolean {
  if (typeof value !== 'string') return false
  if (key === ATTRIBUTE.eventType || key === 'honeyhive.event_type') record.eventType = bound(record, value, MAX_NAME_CHARS)
  else if (key === ATTRIBUTE.eventName) record.eventName = bound(record, value, MAX_NAME_CHARS)
  else if (key === ATTRIBUTE.eventId) record.eventId = bound(record, value, MAX_NAME_CHARS)
  else return false
  return true
}

import type { Attributes } from '@opentelemetry/api'
import { sizeOf } from '../values/room.js'
import { setOwn } from './span-arguments.js'
import type { SpanData } from './span-data.js'
import { type Entry, readParts } from './span-parts.js'
import { MOST_HELD, type SpanRecord, sizeOfAll, sizeOfEvent, sizeOfLink, SPAN_OVERHEAD_BYTES } from './span-record.js'
import { chooseAttributes, fitParts } from './span-room.js'

/** Attributes that an open span holds, in multiples of its limit. */
const MOST_ATTRIBUTES_HELD = 4

/** Cuts what an open span holds when it is far beyond its limits. What is cut is redacted first, as in an export. */
export function shrinkIfLarge(record: SpanRecord): void {
  const { data } = record
  if (data === undefined) return
  const { maxAttributes } = record.owner.limits
  if (record.attributeCount > MOST_ATTRIBUTES_HELD * maxAttributes + LEAST_HELD) shrinkNumber(record, data.attributes, 2 * maxAttributes)
  if (record.bytes > record.shrinkAtBytes) shrinkBytes(record, data)
}

/** A limit of 0 is no reason to look at every attribute that is set. */
const LEAST_HELD = 64

function shrinkNumber(record: SpanRecord, attributes: Attributes, places: number): void {
  const keys = Object.keys(attributes)
  const chosen = chooseAttributes(keys, places)
  for (const [i, key] of keys.entries()) {
    if (chosen.has(i)) continue
    record.bytes -= sizeOfAll({ [key]: attributes[key] })
    delete attributes[key]
  }
  record.droppedAttributes += record.attributeCount - chosen.size
  record.attributeCount = chosen.size
}

function shrinkBytes(record: SpanRecord, data: SpanData): void {
  const { limits, maxBucketBytes } = record.owner
  const { parts, dropped } = fitParts(readParts(record), { maxSpanBytes: limits.maxSpanBytes, maxBucketBytes })
  if (dropped === undefined) {
    record.shrinkAtBytes = MOST_HELD * Math.max(record.bytes, limits.maxSpanBytes)
    return
  }
  record.buckets = Object.fromEntries(parts.buckets)
  replaceAttributes(data.attributes, parts.attributes)
  data.events = [...parts.events]
  data.links = [...parts.links]
  record.droppedAttributes += dropped.attributes
  record.attributeCount -= dropped.attributes
  record.droppedEvents += dropped.events
  record.droppedLinks += dropped.links
  record.isTruncated = true
  record.bytes = sizeOfRecord(record, data)
  record.shrinkAtBytes = MOST_HELD * Math.max(record.bytes, limits.maxSpanBytes)
}

function replaceAttributes(attributes: Attributes, entries: readonly Entry[]): void {
  for (const key of Object.keys(attributes)) delete attributes[key]
  for (const [key, value] of entries) setOwn(attributes, key, value)
}

/** Everything a span holds, as it was charged. */
function sizeOfRecord(record: SpanRecord, data: SpanData): number {
  let bytes = SPAN_OVERHEAD_BYTES + sizeOfAll(data.attributes)
  for (const value of Object.values(record.buckets ?? {})) bytes += sizeOf(value)
  for (const { name, attributes } of data.events) bytes += sizeOfEvent(name, attributes)
  for (const link of data.links) bytes += sizeOfLink(link)
  return bytes + data.name.length + (data.status.message?.length ?? 0)
}

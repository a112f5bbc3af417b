import { NativeMap, NativeSet } from '../builtins.js'
import type { Attributes, AttributeValue, Link } from '@opentelemetry/api'
import type { TimedEvent } from '@opentelemetry/sdk-trace'
import type { Plain } from '../values/plain.js'
import { fitValue, keepEnds, shareOut, valueBytes } from '../values/room.js'
import { clampText } from '../values/text.js'
import { setOwn } from './span-arguments.js'
import type { Entry, SpanParts, SpanTexts } from './span-parts.js'
import { ENTRY_OVERHEAD_BYTES } from './span-record.js'

/** What one span may take. */
export interface SpanRoom {
  readonly maxSpanBytes: number
  readonly maxBucketBytes: number
}

/** A span cut to its room. */
export interface FittedParts {
  readonly parts: SpanParts
  /** Attributes, events and links that were left out; `undefined` when nothing was cut at all. */
  readonly dropped: { readonly attributes: number; readonly events: number; readonly links: number } | undefined
  /** Most bytes of each bucket, its attribute names included; in the order of the buckets. */
  readonly bucketBytes: readonly number[]
}

/** A text is cut to its beginning and a mark, which say something only together. */
const LEAST_TEXT_BYTES = 64

/**
 * Cuts the parts of a span to its room. Texts, buckets, attributes, events and links are sure of a fifth each, and inside these each
 * bucket, each family of attributes, exceptions and other events of an equal part; what one does not need is the others'.
 */
export function fitParts(parts: SpanParts, room: SpanRoom): FittedParts {
  const texts = Object.values(parts.texts).map((text: string | undefined) => bytesOf(text ?? ''))
  const whole = parts.buckets.map(([, value]) => valueBytes(value))
  const buckets = whole.map((size) => Math.min(size, room.maxBucketBytes))
  const attributes = sum(parts.attributes.map(entryBytes))
  const events = sum(parts.events.map(partBytes))
  const links = sum(parts.links.map(partBytes))
  const total = room.maxSpanBytes - sum(toEntries(parts.identity).map(entryBytes)) - sum(parts.event.map(entryBytes))
  const wanted = [sum(texts), sum(buckets), attributes, events, links]
  const spare = total - sum(wanted)
  if (spare >= 0 && whole.every((size) => size <= room.maxBucketBytes)) {
    return { parts, dropped: undefined, bucketBytes: buckets.map((size) => size + spare / buckets.length) }
  }
  const [ofTexts = 0, ofBuckets = 0, ofAttributes = 0, ofEvents = 0, ofLinks = 0] = shareOut(wanted, total)
  const bucketBytes = shareOut(buckets, ofBuckets)
  const kept = fitEntries(parts.attributes, ofAttributes)
  const keptEvents = fitEvents(parts.events, ofEvents)
  const keptLinks = fitList(parts.links, ofLinks, fitLink)
  return {
    parts: {
      identity: parts.identity,
      event: parts.event,
      texts: fitTexts(parts.texts, shareOut(texts, ofTexts)),
      buckets: parts.buckets.map(([bucket, value], i) => [bucket, fitValue(value, bucketBytes[i] ?? 0)]),
      attributes: kept,
      events: keptEvents,
      links: keptLinks,
    },
    dropped: {
      attributes: parts.attributes.length - kept.length,
      events: parts.events.length - keptEvents.length,
      links: parts.links.length - keptLinks.length,
    },
    bucketBytes,
  }
}

function fitTexts(texts: SpanTexts, grants: readonly number[]): SpanTexts {
  const fitted = Object.entries(texts).map(([key, text]: [string, string | undefined], i) => [
    key,
    text === undefined ? undefined : clampText(text, grants[i] ?? 0),
  ])
  return Object.fromEntries(fitted)
}

// ---- attributes ---------------------------------------------------------------------------------------------------------

/**
 * The family of an attribute: its first two names without numbers, as `gen_ai.usage` or `llm.input_messages`. A family that is large
 * takes no room from the others, whatever was set first.
 */
function familyOf(key: string): string {
  const second = key.indexOf('.', key.indexOf('.') + 1)
  const head = second === -1 ? key.slice(0, Math.max(0, key.indexOf('.'))) : key.slice(0, second)
  return head.slice(0, MAX_FAMILY_CHARS).replace(/\d+/g, '#')
}

const MAX_FAMILY_CHARS = 100

/** Where the attributes of each family stand in the list. */
function groupByFamily(keys: readonly string[]): number[][] {
  const families = new NativeMap<string, number[]>()
  for (const [i, key] of keys.entries()) {
    const family = familyOf(key)
    const members = families.get(family)
    if (members === undefined) families.set(family, [i])
    else members.push(i)
  }
  return [...families.values()]
}

/** Of a family that is too large the first and the last are kept: its instructions and its last question. */
export function chooseAttributes(keys: readonly string[], places: number): ReadonlySet<number> {
  if (keys.length <= places) return new NativeSet(keys.keys())
  const families = groupByFamily(keys)
  const grants = shareOut(
    families.map((members) => members.length),
    places,
  )
  const chosen = new NativeSet<number>()
  for (const [at, members] of families.entries()) {
    const grant = grants[at] ?? 0
    const head = Math.ceil(grant / 2)
    for (const i of members.slice(0, head)) chosen.add(i)
    for (const i of members.slice(members.length - (grant - head))) chosen.add(i)
  }
  return chosen
}

function fitEntries(entries: readonly Entry[], maxBytes: number): Entry[] {
  const sizes = entries.map(entryBytes)
  if (sum(sizes) <= maxBytes) return [...entries]
  const families = groupByFamily(entries.map(([key]) => key))
  const grants = shareOut(
    families.map((members) => sum(members.map((i) => sizes[i] ?? 0))),
    maxBytes,
  )
  const kept: [number, Entry][] = []
  for (const [at, members] of families.entries()) {
    const least = members.map((i) => leastBytes(entries[i] as Entry))
    const { head, tail } = keepEnds(least, grants[at] ?? 0)
    const chosen = members.filter((_, i) => i < head || i >= members.length - tail)
    const parts = shareOut(
      chosen.map((i) => sizes[i] ?? 0),
      grants[at] ?? 0,
    )
    for (const [j, i] of chosen.entries()) kept.push([i, fitEntry(entries[i] as Entry, parts[j] ?? 0)])
  }
  return kept.sort(([a], [b]) => a - b).map(([, entry]) => entry)
}

function fitEntry([key, value]: Entry, maxBytes: number): Entry {
  const room = maxBytes - Buffer.byteLength(key) - ENTRY_OVERHEAD_BYTES
  if (typeof value === 'string') return [key, clampText(value, Math.max(0, room))]
  return [key, Array.isArray(value) ? fitArray(value, room) : value]
}

/** A list stays one of its type: texts are cut, of numbers the first are kept. */
function fitArray(items: readonly unknown[], maxBytes: number): AttributeValue {
  if (typeof items[0] === 'string') return fitValue(items as readonly string[], maxBytes) as string[]
  return items.slice(0, Math.max(0, Math.floor(maxBytes / NUMBER_BYTES))) as number[]
}

const NUMBER_BYTES = 10

// ---- events and links ---------------------------------------------------------------------------------------------------

/** What failed is told by one event among hundreds: exceptions have a share of their own. */
function fitEvents(events: readonly TimedEvent[], maxBytes: number): TimedEvent[] {
  const isException = ({ name }: TimedEvent): boolean => name === 'exception'
  const exceptions = events.filter(isException)
  const others = events.filter((event) => !isException(event))
  const [ofExceptions = 0, ofOthers = 0] = shareOut([sum(exceptions.map(partBytes)), sum(others.map(partBytes))], maxBytes)
  const kept = [...fitList(exceptions, ofExceptions, fitEvent), ...fitList(others, ofOthers, fitEvent)]
  return kept.sort((a, b) => a.time[0] - b.time[0] || a.time[1] - b.time[1])
}

function fitList<T extends TimedEvent | Link>(list: readonly T[], maxBytes: number, cut: (part: T, maxBytes: number) => T): T[] {
  const sizes = list.map(partBytes)
  if (sum(sizes) <= maxBytes) return [...list]
  const { head, tail } = keepEnds(
    sizes.map((size) => Math.min(size, LEAST_PART_BYTES)),
    maxBytes,
  )
  const chosen = list.filter((_, i) => i < head || i >= list.length - tail)
  const grants = shareOut(chosen.map(partBytes), maxBytes)
  return chosen.map((part, i) => cut(part, grants[i] ?? 0))
}

const PART_OVERHEAD_BYTES = 64
/** Beginnings of a name and of a few attributes. */
const LEAST_PART_BYTES = 256

function fitEvent(event: TimedEvent, maxBytes: number): TimedEvent {
  const [ofName = 0, ofAttributes = 0] = shareOut([bytesOf(event.name), attributesBytes(event.attributes)], maxBytes - PART_OVERHEAD_BYTES)
  const { attributes, dropped } = fitAttributes(event.attributes, ofAttributes)
  return {
    name: clampText(event.name, ofName),
    time: event.time,
    attributes,
    droppedAttributesCount: (event.droppedAttributesCount ?? 0) + dropped,
  }
}

function fitLink(link: Link, maxBytes: number): Link {
  const { attributes, dropped } = fitAttributes(link.attributes, maxBytes - PART_OVERHEAD_BYTES)
  return { context: link.context, attributes, droppedAttributesCount: (link.droppedAttributesCount ?? 0) + dropped }
}

function fitAttributes(given: Attributes | undefined, maxBytes: number): { attributes: Attributes; dropped: number } {
  const entries = toEntries(given)
  const kept = fitEntries(entries, Math.max(0, maxBytes))
  const attributes: Attributes = {}
  for (const [key, value] of kept) setOwn(attributes, key, value)
  return { attributes, dropped: entries.length - kept.length }
}

// ---- sizes --------------------------------------------------------------------------------------------------------------

function partBytes(part: TimedEvent | Link): number {
  return PART_OVERHEAD_BYTES + ('name' in part ? bytesOf(part.name) : 0) + attributesBytes(part.attributes)
}

function attributesBytes(attributes: Attributes | undefined): number {
  return sum(toEntries(attributes).map(entryBytes))
}

function toEntries(attributes: Attributes | undefined): Entry[] {
  return Object.entries(attributes ?? {}) as [string, AttributeValue][]
}

function entryBytes([key, value]: Entry): number {
  return Buffer.byteLength(key) + valueBytes(value as Plain) + ENTRY_OVERHEAD_BYTES
}

function leastBytes([key, value]: Entry): number {
  return Buffer.byteLength(key) + Math.min(valueBytes(value as Plain), LEAST_TEXT_BYTES) + ENTRY_OVERHEAD_BYTES
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}

function sum(sizes: readonly number[]): number {
  let total = 0
  for (const size of sizes) total += size
  return total
}

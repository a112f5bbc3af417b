import { hasOwnField } from '../builtins.js'
import type { AttributeValue } from '@opentelemetry/api'
import type { SpanWriter } from '../otlp/span-writer.js'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../semantics/attributes.js'
import { countLeaves, flattenAll } from '../values/flatten.js'
import { toShownContext } from './labels.js'
import type { SpanData } from './span-data.js'
import { Cleaner, readEvent, readTexts } from './span-parts.js'
import type { SpanRecord } from './span-record.js'

/**
 * Writes an ended span as `toFinishedSpan` would build it, without building it: most spans have no events, no links and nothing that has
 * to be cut. Of any other nothing is written. Runs when the span is exported.
 *
 * @returns whether it was written.
 */
export function writeSpan(record: SpanRecord, out: SpanWriter): boolean {
  const { data } = record
  if (data === undefined || !isPlain(record, data)) return false
  const from = out.length
  if (writeWithin(record, data, out)) return true
  out.rewind(from)
  return false
}

function isPlain({ isTruncated, droppedAttributes, droppedEvents, droppedLinks, owner, redact }: SpanRecord, data: SpanData): boolean {
  // What is written may be taken back and built, and a user's function is not asked twice.
  if (owner.redactor.hasFunction || redact?.hasFunction === true) return false
  const dropped = droppedAttributes + droppedEvents + droppedLinks + data.droppedEventsCount + data.droppedLinksCount
  return dropped === 0 && !isTruncated && owner.limits.maxValueLength === undefined && data.events.length === 0 && data.links.length === 0
}

/** @returns `false` when it is too large, or when two of its attributes may have one name: what counts then is not decided here. */
function writeWithin(record: SpanRecord, data: SpanData, out: SpanWriter): boolean {
  const { owner, buckets } = record
  const { identity, evaluation } = record.session
  const { limits, redactor } = owner
  const from = out.length
  const clean = new Cleaner(record)
  const { name, eventName, status, error, errorType } = readTexts(record, clean)
  // One place is kept for the mark of what was cut.
  let places = limits.maxAttributes - 1
  const add = (key: string, value: AttributeValue): void => {
    // Of two with one name the first counts; the run of an experiment stands among the metadata.
    if (evaluation !== undefined && hasOwnField(identity, key)) return
    out.attribute(key, value)
  }
  const addOne = (key: string, value: AttributeValue): void => {
    places -= 1
    add(key, value)
  }

  out.begin(toShownContext(record.context, redactor), record.parent && toShownContext(record.parent, redactor), name, data)
  places -= out.shared(identity)
  for (const [key, value] of readEvent(record, clean)) addOne(key, value)
  if (eventName !== undefined) addOne(ATTRIBUTE.eventName, eventName)
  if (error !== undefined) addOne(ATTRIBUTE.error, error)
  if (errorType !== undefined) addOne(ATTRIBUTE.errorType, errorType)
  if (buckets !== undefined) {
    for (const bucket of BUCKETS) {
      const value = buckets[bucket]
      if (value === undefined) continue
      const before = out.length
      const prefix = BUCKET_PREFIX[bucket]
      const plain = clean.plain(prefix, value)
      places -= countLeaves(plain, limits.maxAttributes)
      if (places < 0) return false
      flattenAll(prefix, plain, add)
      if (out.length - before > owner.maxBucketBytes) return false
    }
  }
  for (const key in data.attributes) {
    if (!hasOwnField(data.attributes, key)) continue
    if (key.startsWith(OWN_NAMES) || clean.name(key) !== key) return false
    addOne(key, clean.value(key, data.attributes[key] as AttributeValue))
  }
  out.end(data.status.code, status)
  // Written out a value takes no fewer bytes than it has.
  return places >= 0 && out.length - from <= limits.maxSpanBytes
}

/** Begins the names of all attributes that we write. */
const OWN_NAMES = 'honeyhive'

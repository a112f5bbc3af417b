import { toJsonText, NativeSet, NativeWeakMap } from '../builtins.js'
import type { Attributes, AttributeValue, Link } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { TimedEvent } from '@opentelemetry/sdk-trace'
import { ATTRIBUTE, type Bucket, BUCKET_PREFIX, BUCKETS } from '../semantics/attributes.js'
import { detectEventType } from '../semantics/event-type.js'
import { isPlainArray, type Plain, setField } from '../values/plain.js'
import type { Redactor } from '../values/redact.js'
import { takeFreeName } from '../values/secrets/free-name.js'
import { dropOverlap, toWellFormedText } from '../values/text.js'
import { toShownContext } from './labels.js'
import { setOwn } from './span-arguments.js'
import type { Session } from '../context/session.js'
import type { SpanRecord } from './span-record.js'

/** One attribute. */
export type Entry = readonly [key: string, value: AttributeValue]

/** Everything that a span says, redacted and not yet cut to the limits. */
export interface SpanParts {
  /** Whose span it is, the same object for all of a session. It always fits. */
  readonly identity: Session['identity']
  /** What kind of event it is, and which. It always fits. */
  readonly event: readonly Entry[]
  readonly texts: SpanTexts
  readonly buckets: readonly (readonly [bucket: Bucket, value: Plain])[]
  readonly attributes: readonly Entry[]
  readonly events: readonly TimedEvent[]
  readonly links: readonly Link[]
}

/** Names and messages. */
export interface SpanTexts {
  readonly name: string
  readonly eventName?: string | undefined
  readonly status?: string | undefined
  readonly error?: string | undefined
  readonly errorType?: string | undefined
}

/** Reads a record as it is exported; nothing of it is changed. */
export function readParts(record: SpanRecord): SpanParts {
  const { data } = record
  const clean = new Cleaner(record)
  const attributes = data?.attributes ?? NO_ATTRIBUTES
  return {
    identity: record.session.identity,
    event: readEvent(record, clean),
    texts: readTexts(record, clean),
    buckets: readBuckets(record, clean),
    attributes: clean.entries(attributes),
    events: (data?.events ?? []).map((event) => ({
      name: clean.text('event', event.name),
      time: event.time,
      attributes: clean.map(event.name, event.attributes),
      droppedAttributesCount: event.droppedAttributesCount ?? 0,
    })),
    links: (data?.links ?? []).map(({ context, attributes: given, droppedAttributesCount }) => ({
      context: toShownContext(context, record.owner.redactor),
      ...(given === undefined ? {} : { attributes: clean.map('link', given) }),
      ...(droppedAttributesCount === undefined ? {} : { droppedAttributesCount }),
    })),
  }
}

const NO_ATTRIBUTES: Attributes = Object.freeze({})

/** Redacts values, then takes away what was kept of cut texts for that alone. */
export class Cleaner {
  readonly #own: Redactor
  readonly #redactors: readonly Redactor[]
  readonly #hasCuts: boolean

  constructor(record: SpanRecord) {
    this.#own = record.owner.redactor
    this.#redactors = redactorsOf(record.owner.redactor, record.redact)
    this.#hasCuts = record.isTruncated
  }

  /** An id or a type. */
  label(text: string): string {
    return this.#own.label(toWellFormedText(text))
  }

  /** The name of an attribute. */
  name(text: string): string {
    return this.#own.name(toWellFormedText(text))
  }

  /** A bucket. */
  plain(path: string, value: Plain): Plain {
    let clean = value
    for (const redactor of this.#redactors) clean = redactor.value(path, clean)
    return this.#hasCuts ? dropOverlaps(clean) : clean
  }

  /** An attribute. */
  value(key: string, value: AttributeValue): AttributeValue {
    let clean = value
    for (const redactor of this.#redactors) clean = toValue(redactor.value(key, clean as Plain))
    return this.#hasCuts ? toValue(dropOverlaps(clean as Plain)) : clean
  }

  /** A name or message. */
  text(path: string, value: string): string {
    let clean = value
    for (const redactor of this.#redactors) clean = redactor.text(path, clean)
    return toWellFormedText(this.#hasCuts ? dropOverlap(clean) : clean)
  }

  /** Attributes of a span. */
  entries(attributes: Attributes): Entry[] {
    const taken = new NativeSet<string>()
    return Object.keys(attributes).map((key) => [takeFreeName(this.name(key), taken), this.value(key, attributes[key] as AttributeValue)])
  }

  /** Attributes of an event or link. */
  map(path: string, values: Attributes | undefined): Attributes {
    const clean: Attributes = {}
    const taken = new NativeSet<string>()
    for (const [key, value] of Object.entries(values ?? {}))
      setOwn(clean, takeFreeName(this.name(key), taken), this.value(`${path}.${key}`, value as AttributeValue))
    return clean
  }
}

/** Most spans have the one redactor of their instance: its list is made once. */
function redactorsOf(own: Redactor, ofCall: Redactor | undefined): readonly Redactor[] {
  if (ofCall !== undefined) return own.isActive ? [own, ofCall] : [ofCall]
  const known = redactorLists.get(own)
  if (known !== undefined) return known
  const list = own.isActive ? [own] : []
  redactorLists.set(own, list)
  return list
}

const redactorLists = new NativeWeakMap<Redactor, readonly Redactor[]>()

function toValue(value: Plain): AttributeValue {
  return typeof value === 'object' && !Array.isArray(value) ? toJsonText(value) : (value as AttributeValue)
}

function dropOverlaps(value: Plain): Plain {
  if (typeof value === 'string') return dropOverlap(value)
  if (typeof value !== 'object' || value === null) return value
  if (isPlainArray(value)) return value.map(dropOverlaps)
  const copy: { [key: string]: Plain } = {}
  for (const name of Object.keys(value)) setField(copy, name, dropOverlaps(value[name] as Plain))
  return copy
}

/** What kind of event a span is, and which. */
export function readEvent(record: SpanRecord, clean: Cleaner): Entry[] {
  const { eventType, eventId, isUnfinished } = record
  const entries: Entry[] = [[ATTRIBUTE.eventType, eventType === undefined ? detectType(record) : clean.label(eventType)]]
  if (eventId !== undefined) entries.push([ATTRIBUTE.eventId, clean.label(eventId)])
  if (isUnfinished) entries.push([ATTRIBUTE.unfinished, true])
  return entries
}

function detectType({ data }: SpanRecord): string {
  return detectEventType(
    data?.attributes ?? NO_ATTRIBUTES,
    data?.events.map(({ name }) => name),
  )
}

/** Names and messages of a span. */
export function readTexts(record: SpanRecord, clean: Cleaner): SpanTexts {
  const { data, eventName } = record
  const name = data?.name ?? ''
  const message = data?.status.message
  const error = readError(record)
  return {
    name: clean.text('name', name),
    // A name that is the span's own needs no second copy: ingestion falls back to it.
    eventName: eventName === undefined || eventName === name ? undefined : clean.text(ATTRIBUTE.eventName, eventName),
    status: message === undefined ? undefined : clean.text('status', message),
    error: error === undefined ? undefined : clean.text(ATTRIBUTE.error, error.message),
    errorType: error?.type === undefined ? undefined : clean.text(ATTRIBUTE.errorType, error.type),
  }
}

interface ErrorTexts {
  readonly message: string
  readonly type: string | undefined
}

function readError(record: SpanRecord): ErrorTexts | undefined {
  if (record.data !== undefined && Object.hasOwn(record.data.attributes, ATTRIBUTE.error)) return undefined
  return record.error ?? (record.data?.status.code === SpanStatusCode.ERROR ? errorOfEvents(record) : undefined)
}

/** HoneyHive reads errors from its own attribute only, so an instrumentor's ERROR status has to be copied there. */
function errorOfEvents({ data }: SpanRecord): ErrorTexts {
  const event = data?.events.findLast((candidate) => candidate.name === 'exception')
  const message = data?.status.message ?? event?.attributes?.['exception.message'] ?? 'error'
  const type = event?.attributes?.['exception.type']
  return { message: String(message), type: typeof type === 'string' ? type : undefined }
}

function readBuckets({ buckets }: SpanRecord, clean: Cleaner): (readonly [Bucket, Plain])[] {
  const read: (readonly [Bucket, Plain])[] = []
  if (buckets === undefined) return read
  for (const bucket of BUCKETS) {
    const value = buckets[bucket]
    if (value !== undefined) read.push([bucket, clean.plain(BUCKET_PREFIX[bucket], value)])
  }
  return read
}

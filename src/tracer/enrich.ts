import { NativeMap, NativeSet, reflectGet } from '../builtins.js'
import { readField } from '../options/fields.js'
import { silenceMade } from '../promises.js'
import { isErrorLike } from '../values/realm.js'
import { type Bucket, BUCKETS } from '../semantics/attributes.js'
import { toOwnId } from '../semantics/session-id.js'
import type { GuardedSpan } from '../provider/guarded-span.js'
import type { Snapshot } from '../values/snapshot.js'

/** Data added to a span or session after it began. Each bucket is merged key by key; later values win. */
export interface Enrichment {
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly metrics?: Readonly<Record<string, unknown>> | undefined
  readonly feedback?: Readonly<Record<string, unknown>> | undefined
  readonly inputs?: Readonly<Record<string, unknown>> | undefined
  readonly outputs?: unknown
  readonly config?: Readonly<Record<string, unknown>> | undefined
  readonly userProperties?: Readonly<Record<string, unknown>> | undefined
}

/** What {@link Enrichment} adds for a span. */
export interface SpanEnrichment extends Enrichment {
  /** Marks the span's event as failed with this text. */
  readonly error?: string | Error | undefined
  /** Id of the event the span becomes, a UUID, so that it can be updated later. */
  readonly eventId?: string | undefined
}

/** What {@link Enrichment} adds for a session. */
export interface SessionEnrichment extends Enrichment {
  /** Another session than the current one. */
  readonly sessionId?: string | undefined
}

/** An enrichment that may have further keys, which count as metadata: `enrichSpan({ user_id })`. */
export type WithMetadata<T> = T | (T & Readonly<Record<string, unknown>>)

/** Takes a safe copy of a user's value. */
export type TakeSnapshot = (value: unknown) => Snapshot

const OWN_KEYS: ReadonlySet<string> = new NativeSet([...BUCKETS, 'error', 'eventId', 'sessionId'])

/** The buckets of a payload; keys that are no bucket count as metadata. Reads each property once; never throws. */
export function readBuckets(payload: unknown): ReadonlyMap<Bucket, unknown> {
  const buckets = new NativeMap<Bucket, unknown>()
  if (typeof payload !== 'object' || payload === null) return buckets
  const extra: Record<string, unknown> = {}
  for (const [key, value] of readEntries(payload)) {
    if (value === undefined || value === null) continue
    if (isBucket(key)) buckets.set(key, value)
    else if (!OWN_KEYS.has(key)) extra[key] = value
  }
  if (Object.keys(extra).length > 0) buckets.set('metadata', { ...toObject(buckets.get('metadata')), ...extra })
  return buckets
}

/** Writes `payload` on an open span. */
export function enrichSpan(span: GuardedSpan, payload: unknown, take: TakeSnapshot): void {
  for (const [bucket, value] of readBuckets(payload)) span.addToBucket(bucket, take(wrapIfScalar(bucket, value)))
  const { error, eventId } = readSpecial(payload)
  if (error !== undefined && error !== null) span.fail(error)
  const ownId = toOwnId(eventId)
  if (ownId !== undefined) span.setAttribute('honeyhive_event_id', ownId)
}

/** Body of `PUT /events` for a session or event; `undefined` when there is nothing to send. */
export function toUpdateBody(
  eventId: string,
  payload: unknown,
  toSafe: (path: string, value: unknown) => unknown,
): Record<string, unknown> | undefined {
  const body: Record<string, unknown> = { event_id: eventId }
  let metadata: Record<string, unknown> | undefined
  for (const [bucket, value] of readBuckets(payload)) {
    const safe = toSafe(bucket, wrapIfScalar(bucket, value))
    // The backend ignores late `inputs`; under metadata they are kept.
    if (bucket === 'inputs') metadata = { ...metadata, inputs: safe }
    else if (bucket === 'metadata') metadata = { ...metadata, ...toObject(safe) }
    else body[bucket === 'userProperties' ? 'user_properties' : bucket] = safe
  }
  const { error } = readSpecial(payload)
  if (error !== undefined && error !== null)
    metadata = { ...metadata, error: toSafe('error', typeof error === 'object' && isErrorLike(error) ? error.message : error) }
  if (metadata !== undefined) body.metadata = metadata
  return Object.keys(body).length > 1 ? body : undefined
}

/** A bucket holds an object: a list or scalar is kept under `value` (`result` for outputs). */
function wrapIfScalar(bucket: Bucket, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return { [bucket === 'outputs' ? 'result' : 'value']: value }
}

function isBucket(key: string): key is Bucket {
  return (BUCKETS as readonly string[]).includes(key)
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(readEntries(value)) : {}
}

function readSpecial(payload: unknown): { error?: unknown; eventId?: unknown } {
  try {
    return typeof payload === 'object' && payload !== null
      ? { error: readField(payload, 'error'), eventId: readField(payload, 'eventId') }
      : {}
  } catch {
    return {}
  }
}

function readEntries(holder: object): [string, unknown][] {
  try {
    return Object.keys(holder).map((key) => [key, readProperty(holder, key)])
  } catch {
    return []
  }
}

function readProperty(holder: object, key: string): unknown {
  try {
    const field: unknown = reflectGet(holder, key)
    silenceMade(holder, key, field)
    return field
  } catch {
    return '[Unreadable]'
  }
}

import { NativeSet, reflectGet } from '../builtins.js'
import { silenceMade } from '../promises.js'
import { types } from 'node:util'
import type { SpanContext } from '@opentelemetry/api'
import { parseTraceParent, TraceState } from '@opentelemetry/core'

/** Something that carries headers: a plain object, Node's header object, `Headers` or a `Map`. Bytes are read as text. */
export type HeaderCarrier =
  | Headers
  | Map<string, string>
  | { readonly [name: string]: string | Uint8Array | readonly (string | Uint8Array)[] | number | undefined | null }

/** What a remote caller sent. */
export interface RemoteContext {
  /** Parent span, from `traceparent` and `tracestate`. */
  readonly parent: SpanContext | undefined
  /** Entries of the W3C `baggage` header, decoded, without properties. */
  readonly baggage: ReadonlyMap<string, string>
}

/** Baggage names that HoneyHive SDKs exchange. */
export const BAGGAGE = {
  sessionId: 'session_id',
  source: 'source',
  runId: 'run_id',
  datasetId: 'dataset_id',
  datapointId: 'datapoint_id',
} as const

const OWN_NAMES: readonly string[] = Object.values(BAGGAGE)

/** Longest `baggage` header that is read or written, in bytes. @see W3C Baggage, section 3.3.2 */
export const MAX_BAGGAGE_BYTES = 8192
/** Most entries of a `baggage` header that are read or written. @see W3C Baggage, section 3.3.2 */
export const MAX_BAGGAGE_ENTRIES = 180
/** Longest entry of a `baggage` header, bytes; the limit that OpenTelemetry's SDKs share. */
export const MAX_BAGGAGE_ENTRY_BYTES = 4096

/** "Sampled" and "random trace id": the flags of W3C Trace Context level 2. */
const KNOWN_FLAGS = 0x03
const MAX_TRACEPARENT_CHARS = 512
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NO_BAGGAGE: ReadonlyMap<string, string> = new Map()

/** Reads trace and baggage headers. Anything malformed is left out; never throws. */
export function readRemoteContext(carrier: unknown): RemoteContext {
  const parent = parseTraceparent(readHeader(carrier, 'traceparent'))
  const state = parent === undefined ? undefined : readHeader(carrier, 'tracestate')
  return {
    parent: parent === undefined || state === undefined ? parent : { ...parent, traceState: new TraceState(state) },
    baggage: parseBaggage(readHeader(carrier, 'baggage')),
  }
}

/** W3C version 00 and later versions that begin like it. `undefined` when malformed. */
export function parseTraceparent(header: string | undefined): SpanContext | undefined {
  const parsed = header === undefined || header.length > MAX_TRACEPARENT_CHARS ? null : parseTraceParent(header.trim())
  return parsed === null ? undefined : { ...parsed, traceFlags: parsed.traceFlags & KNOWN_FLAGS, isRemote: true }
}

/** `00-<trace>-<span>-<flags>` */
export function toTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}

/** Entries of a W3C baggage header, each whole or left out; percent-decoded, properties dropped, the last of equal names wins. */
export function parseBaggage(header: string | undefined): ReadonlyMap<string, string> {
  if (header === undefined || header === '') return NO_BAGGAGE
  const entries = new Map<string, string>()
  let bytes = 0
  for (let from = 0, count = 0; from <= header.length && count < MAX_BAGGAGE_ENTRIES; count++) {
    const comma = header.indexOf(',', from)
    const end = comma < 0 ? header.length : comma
    bytes += end - from + 1
    if (bytes - 1 > MAX_BAGGAGE_BYTES) break
    if (end - from <= MAX_BAGGAGE_ENTRY_BYTES) takeEntry(header.slice(from, end), entries)
    from = end + 1
  }
  return entries
}

function takeEntry(member: string, entries: Map<string, string>): void {
  const [pair = ''] = member.split(';', 1)
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  const value = at < 0 ? undefined : decodeText(pair.slice(at + 1).trim())
  if (value !== undefined && TOKEN.test(name)) entries.set(name, value)
}

/** An entry of a baggage header as it is written, with the properties that OpenTelemetry calls its metadata. */
export function toBaggageMember(name: string, value: string, properties: string | undefined): string {
  const pair = `${encodeName(name)}=${encodeText(value)}`
  return properties === undefined || !PROPERTIES.test(properties) ? pair : `${pair};${properties}`
}

/** A comma would begin another entry. */
const PROPERTIES = /^[\x21-\x2b\x2d-\x7e]+(?: [\x21-\x2b\x2d-\x7e]+)*$/

/** The name of an entry as it is written; empty where there is none. */
export function readMemberName(member: string): string {
  return (member.split(/[=;]/, 1)[0] ?? '').trim()
}

/** The entries of a baggage header as they are written. */
export function splitBaggage(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/**
 * A W3C baggage header of `entries`, appended to what the carrier already had, which stays however long it is; of the entries, those that
 * do not fit are left out.
 */
export function toBaggageHeader(entries: Iterable<readonly [string, string]>, existing: string | undefined): string {
  const own = [...entries].filter(([name]) => TOKEN.test(name)).map(([name, value]) => [name, `${name}=${encodeText(value)}`] as const)
  const present = splitBaggage(existing)
  const replaced = new NativeSet(own.map(([name]) => name))
  // The ids of one session stand together: those beside another session's are not of ours.
  if (present.some((member) => readMemberName(member) === BAGGAGE.sessionId)) for (const name of OWN_NAMES) replaced.add(name)
  const kept = present.filter((member) => !replaced.has(readMemberName(member)))
  const texts = own.map(([, text]) => text)
  return addMembers(kept, texts).join(',')
}

/** `members` with those of `more` that fit beside them. */
export function addMembers(members: readonly string[], more: readonly string[]): readonly string[] {
  const all = [...members]
  let bytes = all.join(',').length
  for (const member of more) {
    const size = member.length + (all.length === 0 ? 0 : 1)
    const isTooMuch = all.length >= MAX_BAGGAGE_ENTRIES || member.length > MAX_BAGGAGE_ENTRY_BYTES || bytes + size > MAX_BAGGAGE_BYTES
    if (isTooMuch) continue
    bytes += size
    all.push(member)
  }
  return all
}

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function encodeText(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

/** Brackets are part of a value and of no name. */
function encodeName(name: string): string {
  return encodeText(name).replaceAll('(', '%28').replaceAll(')', '%29')
}

/** One header by its lower-case name, whatever holds it; several values are joined as HTTP does. */
export function readHeader(carrier: unknown, name: string): string | undefined {
  try {
    return toHeaderText(lookUp(carrier, name))
  } catch {
    return undefined
  }
}

function lookUp(carrier: unknown, name: string): unknown {
  if (typeof carrier !== 'object' || carrier === null) return undefined
  if (types.isMap(carrier)) return carrier.get(name) ?? firstMatch(carrier.keys(), name, (key) => carrier.get(key))
  if (isHeaders(carrier)) return carrier.get(name) ?? undefined
  const direct: unknown = Object.hasOwn(carrier, name) ? readField(carrier, name) : undefined
  return direct ?? firstMatch(Object.keys(carrier), name, (key) => readField(carrier, key))
}

function readField(carrier: object, name: string): unknown {
  const field: unknown = reflectGet(carrier, name)
  silenceMade(carrier, name, field)
  return field
}

function isHeaders(carrier: object): carrier is Headers {
  return 'get' in carrier && typeof carrier.get === 'function' && 'append' in carrier
}

function firstMatch<K>(keys: Iterable<K>, name: string, read: (key: K) => unknown): unknown {
  for (const key of keys) if (typeof key === 'string' && key.toLowerCase() === name) return read(key)
  return undefined
}

function toHeaderText(value: unknown): string | undefined {
  if (!Array.isArray(value)) return toText(value)
  if (value.length > MAX_BAGGAGE_ENTRIES) return undefined
  const texts = value.map(toText)
  return texts.includes(undefined) ? undefined : texts.join(',')
}

/** Queues such as Kafka give the bytes of a header. */
function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return types.isUint8Array(value) && value.byteLength <= MAX_BAGGAGE_BYTES ? Buffer.from(value).toString('utf8') : undefined
}

/** Sets one header on any kind of carrier. False when the carrier does not take it. */
export function writeHeader(carrier: unknown, name: string, value: string): boolean {
  try {
    if (typeof carrier !== 'object' || carrier === null) return false
    if (types.isMap(carrier) || isHeaders(carrier)) carrier.set(name, value)
    else return Reflect.set(carrier, existingName(carrier, name), value)
    return true
  } catch {
    return false
  }
}

/** Takes one header from any kind of carrier, as far as the carrier lets it. */
export function deleteHeader(carrier: unknown, name: string): void {
  try {
    if (typeof carrier !== 'object' || carrier === null) return
    if (types.isMap(carrier) || isHeaders(carrier)) carrier.delete(name)
    else Reflect.deleteProperty(carrier, existingName(carrier, name))
  } catch {
    // As with a header that cannot be written.
  }
}

function existingName(carrier: object, name: string): string {
  return Object.keys(carrier).find((key) => key.toLowerCase() === name) ?? name
}

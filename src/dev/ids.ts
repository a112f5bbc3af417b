import { createHash, randomUUID } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const DNS_NAMESPACE = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex')

/** True for any text in the shape of a UUID, whatever its version. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}

/** The UUIDv5 of `name` in the DNS namespace: the same text gives the same id in every service. */
export function toNameUuid(name: string): string {
  const hash = createHash('sha1').update(DNS_NAMESPACE).update(name).digest().subarray(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  return formatUuid(hash.toString('hex'))
}

/** A UUID is kept in lower case; any other text becomes its UUIDv5; nothing stays nothing. */
export function toSessionUuid(value: unknown): string | undefined {
  if (typeof value === 'number') return toNameUuid(String(value))
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (text === '') return undefined
  return isUuid(text) ? text.toLowerCase() : toNameUuid(text)
}

/** The id an event has unless its span names one: always the same for one span, so a resent span finds its event. */
export function toEventId(projectId: number, traceId: string, spanId: string): string {
  return toNameUuid(`${projectId}:${traceId}:${spanId}`)
}

/** 32 hex digits with the dashes of a UUID: the stand-in session of a trace that names none. */
export function formatUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** A new random UUID. */
export function createId(): string {
  return randomUUID()
}

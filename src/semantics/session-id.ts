import { createHash } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Namespace "DNS" of RFC 9562, appendix C. */
const DNS_NAMESPACE: Buffer = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex')

/**
 * The session id for any text: a UUID of any version is kept, lower-cased; everything else becomes the UUIDv5 of the text
 * in the DNS namespace, so that the same text names the same session in every process and language.
 *
 * @see RFC 9562, section 5.5
 */
export function toSessionId(text: string): string {
  if (text.length === 36 && UUID.test(text)) return text.toLowerCase()
  const digest = createHash('sha1').update(DNS_NAMESPACE).update(text, 'utf8').digest()
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = digest.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Text of an id given by a caller, whatever it gave: text as it is, a number in digits. Anything else is no id. */
export function readIdText(given: unknown): string | undefined {
  if (typeof given === 'string') return given
  return typeof given === 'number' ? String(given) : undefined
}

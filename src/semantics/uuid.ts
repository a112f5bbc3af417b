import * as crypto from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Namespace "DNS" of RFC 9562, appendix C. */
const DNS_NAMESPACE: Buffer = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex')

/** True for any text in the shape of a UUID, whatever its version. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && value.length === 36 && UUID.test(value)
}

/**
 * The UUIDv5 of `name` in the DNS namespace: the same text gives the same id in every process and language.
 *
 * @see RFC 9562, section 5.5
 */
export function toNameUuid(name: string): string {
  const digest = toSha1(Buffer.concat([DNS_NAMESPACE, Buffer.from(name, 'utf8')]))
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  return formatUuid(digest.toString('hex', 0, 16))
}

// Since Node 20.12 in one call, which costs a third.
function toSha1(bytes: Buffer): Buffer {
  const { hash, createHash } = crypto as Partial<Pick<typeof crypto, 'hash'>> & Pick<typeof crypto, 'createHash'>
  return hash === undefined ? createHash('sha1').update(bytes).digest() : hash('sha1', bytes, 'buffer')
}

/** 32 hex digits with the dashes of a UUID. */
export function formatUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

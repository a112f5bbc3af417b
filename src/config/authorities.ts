import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A certificate authority: PEM text, PEM or DER bytes, or the path of a file with either. */
type Authority = string | Uint8Array

/** Certificates of authorities as they are given. */
export type AuthoritiesOption = Authority | readonly Authority[]

/**
 * The certificates as one PEM text, each of them read so that none is ignored later.
 *
 * @throws Error when a file cannot be read, or something in it is no certificate.
 */
export function readAuthorities(given: AuthoritiesOption): string {
  const authorities: readonly Authority[] = typeof given === 'string' || given instanceof Uint8Array ? [given] : given
  return authorities.flatMap(readCertificates).join('')
}

const PEM = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g
const PEM_MARK = '-----BEGIN '

function readCertificates(authority: Authority): readonly string[] {
  const bytes = typeof authority === 'string' && !authority.includes(PEM_MARK) ? readFileSync(authority) : authority
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
  const certificates: readonly Authority[] = text.includes(PEM_MARK) ? (text.match(PEM) ?? []) : [bytes]
  if (certificates.length === 0) throw new TypeError('there is no certificate in it')
  return certificates.map((certificate) => new X509Certificate(certificate).toString())
}

/** Whether {@link readAuthorities} can read it. */
export function isAuthorities(value: unknown): value is AuthoritiesOption {
  return findUnreadable(value) === undefined
}

/** Why it cannot be read, for a message; `undefined` when it can. */
export function findUnreadable(value: unknown): string | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) return 'an empty array'
  for (const item of list) {
    if (!(item instanceof Uint8Array) && (typeof item !== 'string' || item.trim() === ''))
      return typeof item === 'string' ? '""' : 'something else'
    const why = findFault(item)
    if (why !== undefined) return why
  }
  return undefined
}

function findFault(authority: Authority): string | undefined {
  try {
    readCertificates(authority)
    return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const isPath = typeof authority === 'string' && !authority.includes(PEM_MARK)
    if (isPath && /^E[A-Z]+$/.test(code)) return `a file that cannot be read (${code})`
    return isPath ? 'a file without a certificate that can be read' : 'something in which no certificate can be read'
  }
}

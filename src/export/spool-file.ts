import { createHash, createHmac, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { parseJsonText, toJsonText } from '../builtins.js'

/** Names and records of spool files; the reading and writing is in `spool.ts`. */

/** Who a spool file belongs to: an address and a key. Only a salted hash of the two is stored. */
export interface SpoolOwner {
  readonly url: string
  readonly apiKey: string
}

/** One OTLP request in a spool file. */
export interface SpoolRecord {
  readonly contentType: string
  /** Spans in the request. */
  readonly spans: number
  readonly body: Uint8Array
}

const NAME = /^([0-9a-f]{16})\.([0-9a-f]{32})\.[0-9a-z-]+\.spool(?:\.claimed-(\d+)(?:-(\d+)-([0-9a-f]{8}))?)?$/

/** A claim older than this belongs to a process that died, also on another machine, milliseconds. */
const CLAIM_LIFETIME_MS = 600_000
/** Before the name of a file that is still being written. */
export const UNFINISHED_PREFIX = '.tmp-'

/** Name of a new file of `owner`. */
export function toSpoolName(owner: SpoolOwner): string {
  const salt = randomBytes(8).toString('hex')
  return `${salt}.${hashOwner(owner, salt)}.${process.pid}-${randomBytes(6).toString('hex')}.spool`
}

/** What a file name means to `owner`: its own and free, somebody else's, or no spool file at all. */
export function toSpoolKind(name: string, owner: SpoolOwner, nowMs: number): 'own' | 'other' | 'foreign' {
  const match = NAME.exec(name)
  if (match === null) return 'foreign'
  const [, salt = '', hash, claimedAt, pid, host] = match
  const isYoung = claimedAt !== undefined && nowMs - Number(claimedAt) < CLAIM_LIFETIME_MS
  // A claim ends with its process, as far as this machine can tell.
  const isClaimed = isYoung && !(host === hostMark() && isGone(Number(pid)))
  return !isClaimed && hash === hashOwner(owner, salt) ? 'own' : 'other'
}

/** Name of a file while one process sends it. */
export function toClaimedName(name: string, nowMs: number): string {
  return `${toFreeName(name)}.claimed-${nowMs}-${process.pid}-${hostMark()}`
}

/** Name of a file nobody has claimed. */
export function toFreeName(name: string): string {
  return name.replace(/\.claimed-[0-9a-f-]+$/, '')
}

/** Whether what a file that was not finished holds is given up by its writer: its age is the only sign that holds between machines. */
export function isAbandoned(modifiedMs: number, nowMs: number): boolean {
  return nowMs - modifiedMs > CLAIM_LIFETIME_MS
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    // One that belongs to somebody else is alive too.
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

function hostMark(): string {
  return createHash('sha1').update(hostname()).digest('hex').slice(0, 8)
}

function hashOwner({ url, apiKey }: SpoolOwner, salt: string): string {
  return createHmac('sha256', salt).update(`${url}\n${apiKey}`).digest('hex').slice(0, 32)
}

/** A record as one line, line break included. */
export function toLine({ contentType, spans, body }: SpoolRecord): string {
  const text = Buffer.from(body).toString('base64')
  return `${toJsonText({ contentType, spans, sum: checksum(text), body: text })}\n`
}

/** The record of a line; `undefined` when the line is damaged. */
export function parseLine(line: string): SpoolRecord | undefined {
  try {
    const { contentType, spans, sum, body } = parseJsonText(line) as Readonly<Record<string, unknown>>
    if (typeof contentType !== 'string' || typeof spans !== 'number' || typeof body !== 'string' || checksum(body) !== sum) return undefined
    return { contentType, spans, body: Buffer.from(body, 'base64') }
  } catch {
    return undefined
  }
}

function checksum(text: string): string {
  return createHash('sha1').update(text).digest('base64')
}

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { parseJsonText, toJsonText } from '../builtins.js'
import { hasEnded, machineMark, ownStart } from './process-mark.js'

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

const NAME =
  /^([0-9a-f]{16})\.([0-9a-f]{32})\.[0-9a-f]+-[0-9a-f]+(?:-(\d+))?\.spool(?:\.claimed-(\d+)(?:-(\d+)-([0-9a-f]{8})(?:-(\d+))?)?)?$/

/** A claim older than this belongs to a process that died, also on another machine, milliseconds. */
const CLAIM_LIFETIME_MS = 600_000
/** A claim is made anew after this time while its process is at work, milliseconds. */
export const CLAIM_RENEWAL_MS = 60_000
/** Before the name of a file that is still being written. */
export const UNFINISHED_PREFIX = '.tmp-'

/** Name of a new file of `owner` that holds so many spans. */
export function toSpoolName(owner: SpoolOwner, spans: number): string {
  const salt = randomBytes(8).toString('hex')
  return `${salt}.${hashOwner(owner, salt)}.${process.pid}-${randomBytes(6).toString('hex')}-${spans}.spool`
}

/** Spans that a file was written with; at least one where its name does not say. */
export function toSpanCount(name: string): number {
  return Number(NAME.exec(name)?.[3] ?? 1)
}

/** What a file name means to `owner`: its own and free, somebody else's, or no spool file at all. */
export function toSpoolKind(name: string, owner: SpoolOwner, nowMs: number): 'own' | 'other' | 'foreign' {
  const match = NAME.exec(name)
  if (match === null) return 'foreign'
  const [, salt = '', hash, , claimedAt, pid, host, start] = match
  const isYoung = claimedAt !== undefined && nowMs - Number(claimedAt) < CLAIM_LIFETIME_MS
  // A claim ends with its process, as far as this machine can tell.
  const isClaimed = isYoung && !(host === machineMark() && hasEnded(Number(pid), { start, seenMs: Number(claimedAt) }))
  return !isClaimed && hash === hashOwner(owner, salt) ? 'own' : 'other'
}

/** Name of a file while one process sends it. */
export function toClaimedName(name: string, nowMs: number): string {
  const start = ownStart()
  return `${toFreeName(name)}.claimed-${nowMs}-${process.pid}-${machineMark()}${start === undefined ? '' : `-${start}`}`
}

/** Name of a file nobody has claimed. */
export function toFreeName(name: string): string {
  return name.replace(/\.claimed-[0-9a-f-]+$/, '')
}

/** Whether what a file that was not finished holds is given up by its writer: its age is the only sign that holds between machines. */
export function isAbandoned(modifiedMs: number, nowMs: number): boolean {
  return nowMs - modifiedMs > CLAIM_LIFETIME_MS
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
    if (typeof contentType !== 'string' || typeof body !== 'string' || checksum(body) !== sum) return undefined
    if (!isCount(spans) || !/^[\w.+/-]+$/.test(contentType)) return undefined
    return { contentType, spans, body: Buffer.from(body, 'base64') }
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function checksum(text: string): string {
  return createHash('sha1').update(text).digest('base64')
}

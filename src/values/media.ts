/** Media by type, size and hash in place of their bytes: data URIs, base64 in text, and binary values. */
import { NativeSet } from '../natives.js'
import { createHash } from 'node:crypto'
import { endOfBase64, isBaseCode, startOfBase64, startOfLine, toPlainBase64 } from './base64-run.js'
import type { Plain, PlainObject } from './plain.js'
import { hasStackRoom } from '../stack-used-up.js'

/** What becomes of media: a line that says what it is, or the bytes within the limits. */
export type MediaMode = 'summary' | 'keep'

/** Hashing a megabyte takes half a millisecond; of more, only both ends are hashed, and the summary says so. */
const MAX_HASHED_BYTES = 8_388_608
const END_BYTES = 524_288
/** Base64 that says by its beginning what it is may be short; anything else of that alphabet is a blob from this length. */
const MIN_BLOB_CHARS = 512
const BLOB_STEP = 256
/** First characters of base64 that say what it is, behind anything else than base64 or behind an escape of JSON. */
const KNOWN_BASE64 =
  /(?:(?<![A-Za-z0-9+/=_-])|(?<=\\[nrt]))(?:iVBORw0KGgo|\\{0,16}\/9j\\{0,16}\/|R0lGOD[dl]h|UklGR|JVBERi0|SUQz|T2dnU|GkXfo|ZkxhQ|UEsDB|Qk0)/g
const MIN_KNOWN_CHARS = 44
const COLON = 58
const URI_HEAD =
  /data:([\w.+-]{1,64}\\{0,16}\/[\w.+-]{1,96})?((?:;[\w.+-]{1,64}=(?:[^;,"'\s]{0,128}|\\?"[^"\\]{0,128}\\?")){0,4})(;base64)?(?:;utf8)?,/gi
const LITERAL_RUN = /[^\s"'`)<>\\]*/y
const READABLE_TYPE = /^(?:text\/|application\/(?:json|xml|javascript|x-www-form-urlencoded))/i

/** `[image/png 1234 bytes, sha256 …]`: what stands in place of bytes. */
export function toMediaSummary(label: string, bytes: Uint8Array): string {
  const { byteLength } = bytes
  if (byteLength <= MAX_HASHED_BYTES) return `[${label} ${byteLength} bytes, sha256 ${sha256([bytes])}]`
  const ends = [bytes.subarray(0, END_BYTES), bytes.subarray(byteLength - END_BYTES)]
  return `[${label} ${byteLength} bytes, sha256 of first and last ${END_BYTES} bytes ${sha256(ends)}]`
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** First bytes of the formats that people send to models, as latin1 text. @see RFC 2046 for the names */
const MAGIC: readonly (readonly [head: RegExp, type: string])[] = [
  [/^\x89PNG\r\n/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF[\s\S]{4}WEBP/, 'image/webp'],
  [/^RIFF[\s\S]{4}WAVE/, 'audio/wav'],
  [/^BM[\s\S]{4}\x00\x00\x00\x00/, 'image/bmp'],
  [/^%PDF-/, 'application/pdf'],
  [/^(?:ID3|\xff[\xfb\xf3\xf2])/, 'audio/mpeg'],
  [/^OggS/, 'audio/ogg'],
  [/^fLaC/, 'audio/flac'],
  [/^[\s\S]{4}ftyp(?:heic|mif1)/, 'image/heic'],
  [/^[\s\S]{4}ftypavif/, 'image/avif'],
  [/^[\s\S]{4}ftyp/, 'video/mp4'],
  [/^\x1aE\xdf\xa3/, 'video/webm'],
  [/^PK\x03\x04/, 'application/zip'],
  [/^\x1f\x8b/, 'application/gzip'],
]

/** The media type of bytes by their first ones; `undefined` when they do not tell. */
export function sniffType(bytes: Uint8Array): string | undefined {
  if (!hasStackRoom()) return undefined
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16)).toString('latin1')
  return MAGIC.find(([expression]) => expression.test(head))?.[1]
}

/** Whether a whole text is a medium: a data URI, or nothing but base64. */
export function isMediaText(text: string): boolean {
  if (text.length > 4 && text.charCodeAt(4) === COLON && /^data:/i.test(text))
    return /^data:[^,]{0,512},/i.test(text.slice(0, 600)) && !READABLE_TYPE.test(text.slice(5, 64))
  return (
    text.length >= MIN_BLOB_CHARS && beginsAsBase64(text) && isBlob(text, 0, text.length) && endOfBase64(text, 0) >= text.trimEnd().length
  )
}

/** Whether the first character that is not base64, where there is one, may begin an escape or a line break: prose is told by its first word. */
function beginsAsBase64(text: string): boolean {
  for (let at = 0; at < MIN_BLOB_CHARS; at += 1) {
    if (!isBaseCode(text.charCodeAt(at))) return '\r\n\\%'.includes(text.charAt(at))
  }
  return true
}

/** `text` with a summary in place of each data URI and each run of base64 in it; the same text when it holds none. */
export function summariseMedia(text: string): string {
  if (text.length < 24) return text
  const shown = text.includes('data:') || /data:/i.test(text.slice(0, 5)) ? summariseUris(text) : text
  return summariseBlobs(summariseKnown(shown))
}

const TYPE_FIELDS = ['media_type', 'mediaType', 'mimeType', 'mime_type', 'contentType', 'content_type', 'format'] as const
const DATA_FIELDS: ReadonlySet<string> = new NativeSet([
  'data',
  'base64',
  'b64_json',
  'bytes',
  'blob',
  'image',
  'audio',
  'video',
  'file',
  'file_data',
  'content',
])
/** Shorter ones are words as well as base64. */
const MIN_FIELD_CHARS = 64

/** The base64 of a part of a message whose other field says its type: `{ media_type: 'audio/pcm', data: '…' }`. */
export function summariseField(name: string, text: string, fields: PlainObject): string | undefined {
  if (text.length < MIN_FIELD_CHARS || !DATA_FIELDS.has(name) || !/^[\w+/-]+={0,2}$/.test(text)) return undefined
  const type = TYPE_FIELDS.map((field) => fields[field]).find((said) => typeof said === 'string' && said.length < 100)
  return typeof type === 'string' ? summariseBase64(text, type) : undefined
}

/** What `JSON.stringify` makes of a Buffer. */
export function summariseBuffer(fields: PlainObject): string | undefined {
  const data = fields['type'] === 'Buffer' ? fields['data'] : undefined
  if (!Array.isArray(data) || !data.every((byte: Plain) => typeof byte === 'number')) return undefined
  const bytes = Uint8Array.from(data as readonly number[])
  const type = sniffType(bytes)
  return toMediaSummary(type === undefined ? 'Buffer' : `Buffer ${type}`, bytes)
}

/** `base64` as a summary, named by what its bytes say or else by `type`. */
function summariseBase64(base64: string, type: string | undefined): string {
  const bytes = Buffer.from(toPlainBase64(base64), 'base64')
  return toMediaSummary(type ?? sniffType(bytes) ?? 'base64', bytes)
}

function summariseUris(text: string): string {
  let shown = ''
  let copied = 0
  for (const head of text.matchAll(URI_HEAD)) {
    const from = head.index + head[0].length
    if (head.index < copied) continue
    const [, given = 'text/plain', , base64] = head
    const type = given.replaceAll('\\', '')
    const content = text.slice(from, base64 === undefined ? endOfLiteral(text, from) : endOfBase64(text, from)).trimEnd()
    if (content.length === 0 || (base64 === undefined && READABLE_TYPE.test(type))) continue
    const summary = base64 === undefined ? toMediaSummary(type, Buffer.from(content)) : summariseBase64(content, type.toLowerCase())
    shown += text.slice(copied, head.index) + summary
    copied = from + content.length
  }
  return copied === 0 ? text : shown + text.slice(copied)
}

function endOfLiteral(text: string, from: number): number {
  LITERAL_RUN.lastIndex = from
  LITERAL_RUN.test(text)
  return LITERAL_RUN.lastIndex
}

function summariseKnown(text: string): string {
  let shown = ''
  let copied = 0
  let seen = 0
  for (const { index } of text.matchAll(KNOWN_BASE64)) {
    if (index < seen) continue
    const to = endOfBase64(text, index)
    seen = to
    const bytes = to - index < MIN_KNOWN_CHARS ? undefined : Buffer.from(toPlainBase64(text.slice(index, to)), 'base64')
    const type = bytes && sniffType(bytes)
    if (bytes === undefined || type === undefined) continue
    shown += text.slice(copied, index) + toMediaSummary(type, bytes)
    copied = to
  }
  return copied === 0 ? text : shown + text.slice(copied)
}

/** A long run covers every place that is looked at: a text without one costs a look at each {@link BLOB_STEP}th character. */
function summariseBlobs(text: string): string {
  let shown = ''
  let copied = 0
  let seen = 0
  for (let at = BLOB_STEP; at < text.length; at += BLOB_STEP) {
    if (!isBaseCode(text.charCodeAt(at))) continue
    const { from, to } = runAround(text, at, seen)
    if (to - from >= MIN_BLOB_CHARS && isBlob(text, from, to)) {
      shown += text.slice(copied, from) + summariseBase64(text.slice(from, to), undefined)
      copied = to
    }
    at = Math.max(at, to)
    // A place inside an escape says nothing of the lines around it.
    if (to - from >= BLOB_STEP >> 3) seen = to
  }
  return copied === 0 ? text : shown + text.slice(copied)
}

/** The lines that belong to the one at `at`; that line alone where the ones before it do not go on in it. */
function runAround(text: string, at: number, least: number): { readonly from: number; readonly to: number } {
  const from = startOfBase64(text, at, least)
  const to = endOfBase64(text, from)
  if (to > at) return { from, to }
  const line = startOfLine(text, at, Math.max(least, to))
  return { from: line, to: endOfBase64(text, line) }
}

/** What is left of an escape where a text was cut inside it. */
const CUT_ESCAPE = /(?:\\{1,16}(?:r\\{0,16})?|%[23]?)$/

/** Bytes use the whole alphabet; a long word, a number or a row of one letter does not. */
function isBlob(text: string, from: number, to: number): boolean {
  const part = toPlainBase64(text.slice(from, Math.min(to, from + MIN_BLOB_CHARS)).replace(CUT_ESCAPE, ''))
  // In this order, because prose is told by its first comma, and a row that repeats costs most to look for.
  return /^[\w+/=\s-]*$/.test(part) && /[A-Z]/.test(part) && /[a-z]/.test(part) && /\d/.test(part) && !/([\s\S]{1,4})\1{24}/.test(part)
}

/** Media by type, size and hash in place of their bytes: data URIs, base64 in text, and binary values. */
import { NativeSet } from '../natives.js'
import { createHash } from 'node:crypto'
import type { Plain, PlainObject } from './plain.js'

/** What becomes of media: a line that says what it is, or the bytes within the limits. */
export type MediaMode = 'summary' | 'keep'

/** Hashing a megabyte takes half a millisecond; of more, only both ends are hashed, and the summary says so. */
const MAX_HASHED_BYTES = 8_388_608
const END_BYTES = 524_288
/** Base64 that says by its beginning what it is may be short; anything else of that alphabet is a blob from this length. */
const MIN_BLOB_CHARS = 512
const BLOB_STEP = 256
const KNOWN_BASE64 =
  /(?<![A-Za-z0-9+/=_-])(?:iVBORw0KGgo|\/9j\/|R0lGOD[dl]h|UklGR|JVBERi0|SUQz|T2dnU|GkXfo|ZkxhQ|UEsDB|Qk0)[A-Za-z0-9+/_-]{40,}={0,2}/g
const URI_HEAD =
  /data:([\w.+-]{1,64}\/[\w.+-]{1,96})?((?:;[\w.+-]{1,64}=(?:[^;,"'\s]{0,128}|\\?"[^"\\]{0,128}\\?")){0,4})(;base64)?(?:;utf8)?,/gi
const BASE64_RUN = /(?:[A-Za-z0-9+/_=-]|%2[BbFf]|%3[Dd]|\\\/)*(?:\r?\n[A-Za-z0-9+/=]{20,76}(?![^\r\n"'\s<)]))*/y
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
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16)).toString('latin1')
  return MAGIC.find(([expression]) => expression.test(head))?.[1]
}

/** Whether a whole text is a medium: a data URI, or nothing but base64. */
export function isMediaText(text: string): boolean {
  if (/^data:/i.test(text)) return /^data:[^,]{0,512},/i.test(text.slice(0, 600)) && !READABLE_TYPE.test(text.slice(5, 64))
  return text.length >= MIN_BLOB_CHARS && isBlob(text, 0, text.length) && baseEnd(text, 0) === text.length
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
  const bytes = Buffer.from(base64.replaceAll('\\/', '/').replace(/%2B/gi, '+').replace(/%2F/gi, '/').replace(/%3D/gi, '='), 'base64')
  return toMediaSummary(type ?? sniffType(bytes) ?? 'base64', bytes)
}

function summariseUris(text: string): string {
  let shown = ''
  let copied = 0
  for (const head of text.matchAll(URI_HEAD)) {
    const from = head.index + head[0].length
    if (head.index < copied) continue
    const [, type = 'text/plain', , base64] = head
    const run = base64 === undefined ? LITERAL_RUN : BASE64_RUN
    run.lastIndex = from
    const content = (run.exec(text)?.[0] ?? '').trimEnd()
    if (content.length === 0 || (base64 === undefined && READABLE_TYPE.test(type))) continue
    const summary = base64 === undefined ? toMediaSummary(type, Buffer.from(content)) : summariseBase64(content, type.toLowerCase())
    shown += text.slice(copied, head.index) + summary
    copied = from + content.length
  }
  return copied === 0 ? text : shown + text.slice(copied)
}

function summariseKnown(text: string): string {
  return text.replace(KNOWN_BASE64, (base64) => {
    const bytes = Buffer.from(base64, 'base64')
    const type = sniffType(bytes)
    return type === undefined ? base64 : toMediaSummary(type, bytes)
  })
}

/** A long run covers every place that is looked at: a text without one costs a look at each {@link BLOB_STEP}th character. */
function summariseBlobs(text: string): string {
  let shown = ''
  let copied = 0
  for (let at = BLOB_STEP; at < text.length; at += BLOB_STEP) {
    if (!isBaseCode(text.charCodeAt(at))) continue
    const from = baseStart(text, at, copied)
    const to = baseEnd(text, from)
    if (to - from >= MIN_BLOB_CHARS && isBlob(text, from, to)) {
      shown += text.slice(copied, from) + summariseBase64(text.slice(from, to), undefined)
      copied = to
    }
    at = Math.max(at, to)
  }
  return copied === 0 ? text : shown + text.slice(copied)
}

/** Bytes use the whole alphabet; a long word, a number or a row of one letter does not. */
function isBlob(text: string, from: number, to: number): boolean {
  const part = text.slice(from, Math.min(to, from + MIN_BLOB_CHARS))
  // In this order, because prose is told by its first comma, and a row that repeats costs most to look for.
  return /^[\w+/=\s-]*$/.test(part) && /[A-Z]/.test(part) && /[a-z]/.test(part) && /\d/.test(part) && !/([\s\S]{1,4})\1{24}/.test(part)
}

/** Lines of at least this many characters go on in the next one, as MIME breaks them. */
const MIN_LINE_CHARS = 60

function baseStart(text: string, at: number, least: number): number {
  let from = startOfLine(text, at, least)
  for (;;) {
    const end = from - (text[from - 2] === '\r' ? 2 : 1)
    if (text[from - 1] !== '\n' || end <= least) return from
    const start = startOfLine(text, end, least)
    if (end - start < MIN_LINE_CHARS) return from
    from = start
  }
}

function startOfLine(text: string, at: number, least: number): number {
  let from = at
  while (from > least && isBaseCode(text.charCodeAt(from - 1))) from -= 1
  return from
}

function baseEnd(text: string, from: number): number {
  let to = endOfLine(text, from)
  for (let line = from; to - line >= MIN_LINE_CHARS; ) {
    line = to + (text[to] === '\r' ? 2 : 1)
    if (text[line - 1] !== '\n' || !isBaseCode(text.charCodeAt(line))) return to
    to = endOfLine(text, line)
  }
  return to
}

function endOfLine(text: string, from: number): number {
  let to = from
  while (to < text.length && isBaseCode(text.charCodeAt(to))) to += 1
  return to
}

// A-Z a-z 0-9 + / - _ =
function isBaseCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 47 && code <= 57) ||
    code === 43 ||
    code === 45 ||
    code === 95 ||
    code === 61
  )
}

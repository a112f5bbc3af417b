/** Strings of engines that know well-formedness (V8 11.3, Node 20), which the ES2023 type library does not list yet. */
interface WellFormedAware {
  toWellFormed(): string
}

const MARK = /… \[truncated, (\d+) characters\]$/
const MARK_END = ' characters]'
/** Longest text {@link MARK} can match: the mark with a 16-digit length. */
const MARK_TAIL_CHARS = 48
const encoder = new TextEncoder()

/** Replaces lone surrogates by U+FFFD, so that the text survives UTF-8. Gives back the same string when it is fine already. */
export function toWellFormedText(text: string): string {
  return (text as unknown as WellFormedAware).toWellFormed()
}

/** What stands at the end of a text that was cut; `originalChars` counts UTF-16 units. */
export function toTruncationMark(originalChars: number): string {
  return `… [truncated, ${originalChars} characters]`
}

/** What stands for the items or fields of a list that were left out. */
export function toCutListMark(leftOut: number, all: number, noun: 'items' | 'fields'): string {
  return `[truncated, ${leftOut} of ${all} ${noun} left out]`
}

/** How many items a list's mark stands for; 0 for anything else. */
export function readCutListMark(item: unknown): number {
  if (typeof item !== 'string' || item.length > MARK_TAIL_CHARS + 20) return 0
  return Number(/^\[truncated, (\d+) of \d+ items left out\]$/.exec(item)?.[1] ?? 0)
}

/** Kept of a cut text beyond its room until it was redacted, so that a secret at the cut is seen whole; bytes. */
export const OVERLAP_BYTES = 1024

/** Takes from a text that was cut what was kept for redaction alone. */
export function dropOverlap(text: string): string {
  const mark = text.endsWith(MARK_END) ? MARK.exec(text.slice(-MARK_TAIL_CHARS)) : null
  if (mark === null) return text
  const chars = text.length - mark[0].length
  return cutText(text, chars - Math.min(OVERLAP_BYTES, chars >> 1))
}

/** First `maxChars` UTF-16 units of `text` and a mark with its original length. */
export function cutText(text: string, maxChars: number): string {
  return headOf(text, maxChars) + toTruncationMark(originalLength(text))
}

/**
 * First `maxChars` UTF-16 units of `text`. Never splits a surrogate pair, and copies: a plain slice would keep the whole parent
 * string in memory.
 */
export function headOf(text: string, maxChars: number): string {
  let end = Math.max(0, maxChars)
  const last = end > 0 ? text.charCodeAt(end - 1) : 0
  if (last >= 0xd800 && last <= 0xdbff) end -= 1
  return Buffer.from(text.slice(0, end), 'utf8').toString('utf8')
}

/**
 * `text` as well-formed text of at most `maxBytes` UTF-8 bytes, a visible mark included. A text that was cut before keeps the
 * original length of that first cut. Where not even the mark fits, the bare head is left.
 */
export function clampText(text: string, maxBytes: number): string {
  const clean = toWellFormedText(text)
  if (clean.length * 3 <= maxBytes || Buffer.byteLength(clean) <= maxBytes) return clean
  const mark = toTruncationMark(originalLength(clean))
  const room = maxBytes - Buffer.byteLength(mark)
  return room < 0 ? headOfBytes(clean, maxBytes) : headOfBytes(clean, room) + mark
}

function headOfBytes(text: string, maxBytes: number): string {
  const target = new Uint8Array(Math.max(0, maxBytes))
  // Only the part that can fit is encoded; `encodeInto` stops before a character that does not.
  const { written } = encoder.encodeInto(text.slice(0, maxBytes), target)
  return Buffer.from(target.buffer, 0, written).toString('utf8')
}

function originalLength(text: string): number {
  const earlier = MARK.exec(text.slice(-MARK_TAIL_CHARS))?.[1]
  return earlier === undefined ? text.length : Number(earlier)
}

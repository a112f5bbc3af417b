/** Where base64 in text begins and ends: in one run, in lines as MIME and PEM break them, with the escapes of JSON and of URLs. */

/** A line that goes on in the next one has at least this many characters. */
const FULL_LINE_CHARS = 60
/** Behind a data URI the first line may be short; a next one of this length is no word. */
const LEAST_LINE_CHARS = 20
const BACKSLASH = 92
const ESCAPE = /%2[BbFf]|%3[Dd]|\\{1,16}\//y
const LINE_BREAK = /\r?\n|\\{1,16}r\\{1,16}n|\\{1,16}n/y
/** What stands behind a line that is base64 as a whole. */
const LINE_END = /$|[\r\n"'\s<)\]},\\]/y

/** `base64` of a text, its escapes and line breaks undone. */
export function toPlainBase64(base64: string): string {
  const slashed = base64.includes('\\') ? base64.replace(/\\+\//g, '/').replace(/\\+(?:r\\+)?n/g, '') : base64
  if (!slashed.includes('%')) return slashed
  return slashed.replace(/%2B/gi, '+').replace(/%2F/gi, '/').replace(/%3D/gi, '=')
}

/** The position behind the base64 that begins at `from`. */
export function endOfBase64(text: string, from: number): number {
  let to = endOfLine(text, from)
  let last = plainLength(text, from, to)
  let all = last
  while (last > 0 && text[to - 1] !== '=') {
    const start = endOf(LINE_BREAK, text, to)
    if (start === -1) return to
    const end = endOfLine(text, start)
    const chars = plainLength(text, start, end)
    if (!isNextLine(last, chars, all) || endOf(LINE_END, text, end) === -1) return to
    to = end
    last = chars
    all += chars
  }
  return to
}

/** A word below the last line would leave its groups of four uneven. */
function isNextLine(last: number, chars: number, all: number): boolean {
  if (last < FULL_LINE_CHARS) return chars >= LEAST_LINE_CHARS
  if (chars === 0 || chars > last) return false
  return chars === last || all % 4 !== 0 || chars % 4 === 0
}

/** The position where the base64 around `at` begins, not before `least`. */
export function startOfBase64(text: string, at: number, least: number): number {
  let from = startOfLine(text, at, least)
  for (;;) {
    const end = endOfLineBefore(text, from)
    if (end <= least || text[end - 1] === '=') return from
    const start = startOfLine(text, end, least)
    if (end - start < FULL_LINE_CHARS) return from
    from = start
  }
}

/** The position where the line of base64 around `at` begins, not before `least`. */
export function startOfLine(text: string, at: number, least: number): number {
  let from = at
  for (;;) {
    while (from > least && isBaseCode(text.charCodeAt(from - 1))) from -= 1
    if (from <= least) return from
    const before = startOfEscape(text, from)
    if (before === from) return isEscapedLetter(text, from) ? from + 1 : from
    from = Math.max(least, before)
  }
}

/** Of `\/` and `%2B` the last characters look like base64; `from` when no such escape begins before them. */
function startOfEscape(text: string, from: number): number {
  if (text[from] === '/' && text.charCodeAt(from - 1) === BACKSLASH) return startOfBackslashes(text, from)
  return text[from - 1] === '%' && endOf(ESCAPE, text, from - 1) !== -1 ? from - 1 : from
}

/** The end of the line before the one that begins at `from`; -1 where no line break stands before it. */
function endOfLineBefore(text: string, from: number): number {
  if (text[from - 1] === '\n') return from - (text[from - 2] === '\r' ? 2 : 1)
  if (text[from - 1] !== 'n' || !isEscapedLetter(text, from - 1)) return -1
  const end = startOfBackslashes(text, from - 1)
  return text[end - 1] === 'r' && text.charCodeAt(end - 2) === BACKSLASH ? startOfBackslashes(text, end - 1) : end
}

/** Whether the character at `at` is the last one of `\n`, `\r` or `\t`. */
function isEscapedLetter(text: string, at: number): boolean {
  return text.charCodeAt(at - 1) === BACKSLASH && (text[at] === 'n' || text[at] === 'r' || text[at] === 't')
}

function startOfBackslashes(text: string, at: number): number {
  let from = at
  while (text.charCodeAt(from - 1) === BACKSLASH) from -= 1
  return from
}

function endOfLine(text: string, from: number): number {
  let to = from
  for (;;) {
    while (isBaseCode(text.charCodeAt(to))) to += 1
    const end = endOf(ESCAPE, text, to)
    if (end === -1) return to
    to = end
  }
}

function plainLength(text: string, from: number, to: number): number {
  return toPlainBase64(text.slice(from, to)).length
}

function endOf(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : -1
}

/** A-Z a-z 0-9 + / - _ = */
export function isBaseCode(code: number): boolean {
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

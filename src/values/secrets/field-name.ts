/** Reads the name that stands before a separator in text: bare, in quotes of any escaping, in brackets, or percent-encoded. */

import { toWellFormedText } from '../text.js'

/** A name and where it stands. */
export interface NameInText {
  readonly name: string
  /** Where the name begins, its quote included. */
  readonly from: number
  /** What stands around the name: nothing, a quote with its backslashes, `%22` or `&quot;`. */
  readonly quote: string
}

const MAX_NAME_CHARS = 96
const MAX_ENCODED_CHARS = 6 * MAX_NAME_CHARS
const MAX_SPACES = 8
/** What stands between the words of a name: `date of birth`, `date+of+birth`, `date%20of%20birth`, `date d'anniversaire`. */
const WORD_GAP = /(?:%(?:25){0,3}2[07]|\+|['’]|[ \t\u00a0]{1,3})$/
const MAX_GAP_CHARS = 9
const FORM_PATH = /[\p{L}\p{M}\p{N}_.-]+(?:(?:\[|%5B)[\p{L}\p{M}\p{N}_.-]*(?:\]|%5D))+$/iu
const BACKSLASH = 92
const NAMED_QUOTES = ['%22', '%27', '&quot;', '&#34;', '&#39;']
const SIMPLE_ESCAPES = 'nrtbfv'

/** The name that ends right before `at`, or `undefined` where none stands. */
export function readNameBefore(text: string, at: number): NameInText | undefined {
  let end = skipSpaceBack(text, at)
  const mark = text[end - 1]
  if (mark === '?' || mark === '!') end -= 1
  // `**name**: …`
  if (mark === '*') end = skipStarsBack(text, end)
  const isBracketed = text[end - 1] === ']'
  if (isBracketed) end -= 1
  const quote = readQuoteBefore(text, end)
  if (quote !== '') return readQuoted(text, end - quote.length, quote)
  // `[name]: …` is a reference of Markdown or a computed field, `list[name]=…` a field of a form.
  if (isBracketed && text[at] === ':') return undefined
  if (text.startsWith('%5D', end - 3) || text.startsWith('%5d', end - 3)) end -= 3
  return readBare(text, end)
}

/** The quote that ends right before `end`, with the backslashes in front of it; an empty text where there is none. */
export function readQuoteBefore(text: string, end: number): string {
  const last = text[end - 1]
  if (last === '"' || last === "'" || last === '`') return text.slice(startOfEscapes(text, end - 1), end)
  if (last !== '2' && last !== '7' && last !== ';') return ''
  return NAMED_QUOTES.find((quote) => text.startsWith(quote, end - quote.length)) ?? ''
}

/** The word before the name that ends before `from`, for names of two words: `API key`. */
export function readWordBefore(text: string, from: number): string {
  if (text[from - 1] !== ' ') return ''
  return /[A-Za-z]{1,16}$/.exec(text.slice(Math.max(0, from - 17), from - 1))?.[0] ?? ''
}

/** The name that `last` and up to `words - 1` words before it make, where `isName` knows it: `credit card`, `credit+card`. */
export function readPhrase(text: string, last: NameInText, words: number, isName: (name: string) => boolean): NameInText | undefined {
  let { name, from } = last
  for (let count = 1; count < words; count += 1) {
    const gap = WORD_GAP.exec(text.slice(Math.max(0, from - MAX_GAP_CHARS), from))?.[0].length ?? 0
    const before = gap === 0 ? undefined : readBare(text, from - gap)
    if (before === undefined) return undefined
    from = before.from
    name = `${before.name} ${name}`
    if (isName(name)) return { name, from, quote: '' }
  }
  return undefined
}

/** The dotted path of a field of a form, `user.email` for `user[email]=…`, or `undefined` where the name has no brackets. */
export function readFormPath(text: string, at: number): NameInText | undefined {
  const before = text.slice(Math.max(0, at - MAX_NAME_CHARS), at)
  if (!/(?:\]|%5D)$/i.test(before)) return undefined
  const path = FORM_PATH.exec(before)?.[0]
  if (path === undefined) return undefined
  return { name: path.replace(/\[|%5B/gi, '.').replace(/\]|%5D/gi, ''), from: at - path.length, quote: '' }
}

function readQuoted(text: string, end: number, quote: string): NameInText | undefined {
  const open = text.lastIndexOf(quote.at(-1) === ';' || quote.startsWith('%') ? quote : quote.slice(-1), end - 1)
  if (open === -1 || end - open > MAX_NAME_CHARS) return undefined
  const isNamed = quote.length > 1 && (quote.startsWith('%') || quote.startsWith('&'))
  const from = isNamed ? open + quote.length : open + 1
  const name = text.slice(from, end)
  // From one apostrophe or backtick of a JSON text to the next: the end of a name in between is none of a name's.
  if ((quote === "'" || quote === '`') && name.includes('":')) return undefined
  return name === '' || name.includes('\n') ? undefined : { name, from: isNamed ? open : startOfEscapes(text, open), quote }
}

function readBare(text: string, end: number): NameInText | undefined {
  const least = Math.max(0, end - MAX_NAME_CHARS)
  const start = startOfName(text, end, least)
  if (text[start - 1] === '%' && isEncodedByte(text, start - 1)) return readEncoded(text, end)
  const from = Math.min(end, start + escapeLength(text, start))
  return from === end ? undefined : { name: text.slice(from, end), from, quote: '' }
}

/** A name of a form or a query whose letters beyond ASCII are percent-encoded. */
function readEncoded(text: string, end: number): NameInText | undefined {
  const least = Math.max(0, end - MAX_ENCODED_CHARS)
  let from = startOfName(text, end, least)
  while (from > least && isEncodedByte(text, from - 1)) from = startOfName(text, from - 1, least)
  from += escapeLength(text, from)
  const name = decodeBytes(text.slice(from, end))
  return name === '' ? undefined : { name, from, quote: '' }
}

function startOfName(text: string, end: number, least: number): number {
  let from = end
  while (from > least && isNameCode(text.charCodeAt(from - 1))) from -= 1
  return from
}

/** Whether the percent sign at `at` begins a byte of a letter beyond ASCII, encoded once or twice. */
function isEncodedByte(text: string, at: number): boolean {
  return /^%(?:25){0,3}[89A-Fa-f][0-9A-Fa-f]/.test(text.slice(at, at + 9))
}

function decodeBytes(encoded: string): string {
  const bytes = encoded
    .replace(/%(?:25)+/g, '%')
    .replace(/%([0-9A-Fa-f]{2})|[\s\S]/gu, (one, hex: string | undefined) =>
      hex === undefined ? encodeURIComponent(toWellFormedText(one)) : `%${hex}`,
    )
  try {
    return decodeURIComponent(bytes)
  } catch {
    // Bytes of another encoding than UTF-8.
    return encoded
  }
}

/** What looks like the beginning of a name may be the end of an escape: `\nPassword`, `\u0026token`, `%26token`. */
function escapeLength(text: string, from: number): number {
  const before = text[from - 1]
  if (before === '%') return /^(?:(?:25)+[2-7][0-9A-Fa-f]|[0-9A-Fa-f]{2})/.exec(text.slice(from, from + 10))?.[0].length ?? 0
  if (before !== '\\') return 0
  if (SIMPLE_ESCAPES.includes(text[from] ?? '-')) return 1
  return /^(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})/.exec(text.slice(from, from + 5))?.[0].length ?? 0
}

function startOfEscapes(text: string, at: number): number {
  let from = at
  while (from > 0 && text.charCodeAt(from - 1) === BACKSLASH) from -= 1
  return from
}

function skipStarsBack(text: string, at: number): number {
  let end = at
  while (end > at - 3 && text[end - 1] === '*') end -= 1
  return end
}

function skipSpaceBack(text: string, at: number): number {
  const least = Math.max(0, at - MAX_SPACES)
  let end = at
  while (end > least && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1
  return end
}

/** Letters, digits and the marks that stand inside names; all letters beyond ASCII, but none of the typographic and full-width marks. */
function isNameCode(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || isNameMark(code)
  return code > 0xbf && (code < 0x2000 || code > 0x206f) && (code < 0x3000 || code > 0x3020) && (code < 0xff00 || isFullWidthLetter(code))
}

function isFullWidthLetter(code: number): boolean {
  return (code >= 0xff10 && code <= 0xff19) || (code >= 0xff21 && code <= 0xff3a) || (code >= 0xff41 && code <= 0xff5a) || code >= 0xff66
}

// $ - . @ _
function isNameMark(code: number): boolean {
  return code === 95 || code === 45 || code === 46 || code === 36 || code === 64
}

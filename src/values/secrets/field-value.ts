/** Reads where the value behind a separator ends: in quotes of any escaping, a line, a pair of a list, or one word. */
import type { NameInText } from './field-name.js'
import { isCall, isLoneWord, isReference, isSentence } from './harmless.js'
import { skipReferences } from './references.js'

/** What is to be replaced. */
export interface ValueInText {
  readonly from: number
  readonly to: number
}

/** Where a value stands. */
export interface ValuePlace {
  readonly name: NameInText
  /** First position behind the separator. */
  readonly from: number
  /** `:` or `=`, or their percent-encoded forms as `%:` and `%=`. */
  readonly separator: ':' | '=' | '%:' | '%='
}

const MAX_SPACES = 32
const OPENING_QUOTE = /[bBuUrRfF@$]{0,2}(\\{0,16}["'`]|%22|%27|&quot;|&#34;|&#39;)/y
const LINE_START = /[\n\r][ \t>*#<+$|-]*(?:(?:export|set|setx|env|arg|declare -x|local|let|const|var|-e|--env)[ \t]+)?["'`\\]*$/i
const ESCAPED_LINE_START = /\\{1,16}[nr][ \t>*#<+$|-]*$/
const LINE_END = /[\n\r]|\\{1,16}[nr]|%0[aAdD]/g
const QUOTED_LINE_END = /[\n\r"]|\\{1,16}[nr"]/g
const WORD_END = /[\s“”"'`<>()[\]{}|;&]|\\{1,16}[nrtu"']|,(?=\s|$|[\w.-]{1,40}[:=])|,(?=["'\\])/g
const SETTING_END = /[\n\r\s"'`]|\\{1,16}[nrt"']/g
const SEGMENT_END = /[;\n\r"'`]|[?&](?=[\w.-]{1,40}=)|\\{1,16}[nr"']/g
const CONNECTION_END = /[\s&;"'`<>]|,(?=[\w.-]{1,40}=)|\\{1,16}[nrtu"']/g
const FIELD_BEFORE = /(?:[?&;]|[\w.:-],|[\w.-]{1,24}\s?=\s?[^\s,;()[\]{}"'`]{1,24} )$/
const ENCODED_END = /%(?:25)*(?:26|22|27|0[aAdD]|20|3[bB]|7[dD])|[\s&"'<>)\]}]/g
const NEXT_FORM_FIELD = /^[^\s&]{0,512}&(?:amp;)?[\w.%[\]-]{1,64}=/
const NEXT_SEGMENT = /^[^\n\r"'`;]{0,512};[ \t]{0,4}[\w .-]{1,40}=/
const BRACED = /\{(?:[^}\n]|\}\}){1,512}\}(?=[;\s"'`]|$)/y
const SCHEME = /^(?:bearer|basic|token|apikey|bot|dpop|negotiate|ntlm|splunk|hmac)(?:[ \t]+|%20|\+)/i
const LONG_SCHEME = /^(?:digest|aws4-[\w-]+|hawk|oauth|signature|ntlm|negotiate)[ \t]/i
const HEADER_NAME = /(?:authorization|cookie2?)$/i
const LINE_WINDOW = 48
/** `apiKey: string = "…"` */
const TYPE_BEFORE_VALUE = /^[A-Za-z_][\w.<>[\]|? ]{0,40}\s?=\s{0,4}(?=[bBuUrRfF@$]{0,2}["'`])/

/** The value at `place`, or `undefined` where what stands there is none. */
export function readValue(text: string, place: ValuePlace): ValueInText | undefined {
  const from = skipSpace(text, place.from)
  const quoted = readQuotedValue(text, from)
  if (quoted !== undefined) return quoted
  if (place.separator.startsWith('%')) return upTo(ENCODED_END, text, from)
  if (text[from] === '[') return readListed(text, from)
  if (text[from] === '(') {
    const isOdd = place.separator === '=' && from === place.from && isInConnection(text, place.name.from)
    return readLoginPair(text, from, place.name) ?? (isOdd ? readEqualValue(text, from, place.name) : undefined)
  }
  return place.separator === ':' ? readColonValue(text, from, place.name) : readEqualValue(text, from, place.name)
}

/** The content of the quotes that open at `at`, or `undefined` where none do. */
export function readQuotedValue(text: string, at: number): ValueInText | undefined {
  OPENING_QUOTE.lastIndex = at
  const quote = OPENING_QUOTE.exec(text)?.[1]
  if (quote === undefined) return undefined
  const from = OPENING_QUOTE.lastIndex
  return { from, to: closingQuote(text, from, quote) }
}

/** Whether a name that begins at `from` is the first word of its line. */
export function isLineStart(text: string, from: number): boolean {
  const before = (from <= LINE_WINDOW ? '\n' : '') + text.slice(Math.max(0, from - LINE_WINDOW), from)
  return LINE_START.test(before) || ESCAPED_LINE_START.test(before)
}

function readColonValue(text: string, from: number, name: NameInText): ValueInText | undefined {
  const isHeader = HEADER_NAME.test(name.name)
  const typed = isHeader ? null : TYPE_BEFORE_VALUE.exec(text.slice(from, from + LINE_WINDOW))
  if (typed !== null) return readQuotedValue(text, from + typed[0].length)
  if (isSentence(text, from) || (isHeader ? isCall(text, from) : isReference(text, from))) return undefined
  if (name.quote === '' && (isLineStart(text, name.from) || (isHeader && opener(text, name) !== ''))) return readLine(text, from, name)
  const word = upToBehind(WORD_END, text, from)
  if (word === undefined || isLoneWord(text.slice(word.from, word.to))) return undefined
  if (isHeader && (text[word.to] === ';' || LONG_SCHEME.test(text.slice(from, from + 24)))) return lineFrom(text, from, name)
  return withScheme(text, word)
}

function readLine(text: string, from: number, name: NameInText): ValueInText | undefined {
  const line = lineFrom(text, from, name)
  const value = HEADER_NAME.test(name.name) ? line : withoutComment(text, line)
  if (value === undefined || value.to <= value.from || isLoneWord(text.slice(value.from, value.to))) return undefined
  if (/^[|>][+-]?$/.test(text.slice(value.from, value.to))) return readBlock(text, line.to)
  return HEADER_NAME.test(name.name) ? value : withoutRemark(text, value)
}

function readEqualValue(text: string, from: number, name: NameInText): ValueInText | undefined {
  const rest = text.slice(from, from + 600)
  if (isInSegments(text, name.from) || NEXT_SEGMENT.test(rest))
    return readBraced(text, from) ?? checked(text, upTo(SEGMENT_END, text, from))
  const isSetting = isLineStart(text, name.from) && !NEXT_FORM_FIELD.test(rest) && text[from - 1] === '='
  if (isReference(text, from)) return undefined
  if (isInConnection(text, name.from)) return checked(text, readOddValue(text, from))
  return checked(text, upToBehind(isSetting ? SETTING_END : WORD_END, text, from))
}

/** ODBC and JDBC take values with semicolons in braces, in which a closing one is doubled. */
function readBraced(text: string, from: number): ValueInText | undefined {
  BRACED.lastIndex = from
  return BRACED.test(text) ? { from, to: BRACED.lastIndex } : undefined
}

function checked(text: string, value: ValueInText | undefined): ValueInText | undefined {
  if (value === undefined || isLoneWord(text.slice(value.from, value.to))) return undefined
  return withScheme(text, value)
}

/** Whether a field before this one ends in a semicolon, as in connection strings and cookies. */
function isInSegments(text: string, from: number): boolean {
  let at = from
  while (at > from - 24 && text[at - 1] !== ';' && /[\w .-]/.test(text[at - 1] ?? '\n')) at -= 1
  return text[at - 1] === ';' && !text.slice(Math.max(0, at - 6), at).includes('&')
}

/** Whether a field before this one belongs to the same connection string, query or login: `?user=x&password=…`, `user=x password=…`. */
function isInConnection(text: string, from: number): boolean {
  return FIELD_BEFORE.test(text.slice(Math.max(0, from - LINE_WINDOW), from))
}

/** Brackets that a value opens itself do not end it. */
function readOddValue(text: string, from: number): ValueInText | undefined {
  const word = upToBehind(WORD_END, text, from) ?? { from, to: from }
  return '([{'.includes(text[word.to] ?? ' ') ? upTo(CONNECTION_END, text, from) : word.to > from ? word : undefined
}

/** A scheme is followed by what it is about: both go. */
function withScheme(text: string, word: ValueInText): ValueInText {
  const scheme = SCHEME.exec(text.slice(word.from, word.from + 24))
  const rest = scheme === null || word.from + scheme[0].length <= word.to ? undefined : upTo(WORD_END, text, word.from + scheme[0].length)
  return rest === undefined ? word : { from: word.from, to: rest.to }
}

/** The rest of the line, or of the quotes that the whole line stands in. */
function lineFrom(text: string, from: number, name: NameInText): ValueInText {
  const quote = opener(text, name)
  if (quote !== '') return { from, to: Math.min(closingQuote(text, from, quote), endOf(LINE_END, text, from)) }
  const isEscaped = ESCAPED_LINE_START.test(text.slice(Math.max(0, name.from - LINE_WINDOW), name.from))
  return { from, to: endOf(isEscaped ? QUOTED_LINE_END : LINE_END, text, from) }
}

/** The quote right before a bare name: `-H 'Authorization: …'`. */
function opener(text: string, name: NameInText): string {
  if (name.quote !== '') return ''
  return /\\{0,16}["'`]$/.exec(text.slice(Math.max(0, name.from - 8), name.from))?.[0] ?? ''
}

/** A comment, a further field of the same line, or the comma that ends it. */
const LINE_REST = /[ \t](?:#|\/\/)|[,;|][ \t]{0,4}["']?[\w.-]{1,40}["']?[ \t]{0,4}[:=]|[ \t]\||[ \t]{0,8},?[ \t]{0,8}$/

function withoutComment(text: string, line: ValueInText): ValueInText | undefined {
  const comment = text.slice(line.from, Math.min(line.to, line.from + 4096)).search(LINE_REST)
  const to = comment === -1 ? line.to : line.from + comment
  return to > line.from ? { from: line.from, to } : undefined
}

/** `token: k3y-7 works for me`: what looks like a secret goes, words behind it stay. */
function withoutRemark(text: string, value: ValueInText): ValueInText {
  const [first = '', ...words] = text.slice(value.from, Math.min(value.to, value.from + 256)).split(' ')
  const isRemark = words.length > 1 && /[\d!$%&+=@^~_-]/.test(first) && words.every((word) => /^[\p{L}'’(),.;:!?]+$/u.test(word))
  return isRemark ? { from: value.from, to: value.from + first.length } : value
}

/** The lines of a YAML block, which are indented. */
function readBlock(text: string, at: number): ValueInText | undefined {
  const lines = /(?:\r?\n)+(?:[ \t]+[^\n]*(?:\n|$))+/y
  lines.lastIndex = at
  const found = lines.exec(text)
  return found === null ? undefined : { from: at + 1, to: at + found[0].trimEnd().length }
}

function readListed(text: string, from: number): ValueInText | undefined {
  const close = text.slice(from, from + 2048).indexOf(']')
  if (close === -1 || !/^\[\s*\\{0,16}["'`]/.test(text.slice(from, from + 16))) return undefined
  return { from: from + 1, to: from + close }
}

/** `auth=('user', 'password')` */
function readLoginPair(text: string, from: number, { name }: NameInText): ValueInText | undefined {
  const user = /auth$/i.test(name) ? /^\(\s{0,4}["'][^"'\n]{0,128}["']\s{0,4},\s{0,4}/.exec(text.slice(from, from + 160)) : null
  return user === null ? undefined : readQuotedValue(text, from + user[0].length)
}

/** Where the quotes close that opened before `from`; the end of the line or of the text when they do not. A quote that is doubled closes nothing. */
function closingQuote(text: string, from: number, quote: string): number {
  const isEscapable = quote.startsWith('\\') || quote.length === 1
  if (!isEscapable) return orEnd(text, text.indexOf(quote, from))
  const char = quote.slice(-1)
  const escapes = quote.length - 1
  const unit = 2 * (escapes + 1)
  for (let at = text.indexOf(char, from); at !== -1; at = text.indexOf(char, at + 1)) {
    if (escapesBefore(text, at, from) % unit !== escapes) continue
    if (escapes > 0 || at === from || text[at + 1] !== char) return at - escapes
    at += 1
  }
  return char === '"' ? text.length : endOf(LINE_END, text, from)
}

function escapesBefore(text: string, at: number, least: number): number {
  let first = at
  while (first > least && text[first - 1] === '\\') first -= 1
  return at - first
}

function skipSpace(text: string, at: number): number {
  let from = at
  while (from < at + MAX_SPACES && (text[from] === ' ' || text[from] === '\t')) from += 1
  return from
}

function upTo(end: RegExp, text: string, from: number): ValueInText | undefined {
  const to = endOf(end, text, from)
  return to > from ? { from, to } : undefined
}

/** A reference at the beginning of a value may hold what would end it: `${PREFIX}rest`. */
function upToBehind(end: RegExp, text: string, from: number): ValueInText | undefined {
  const to = endOf(end, text, skipReferences(text, from))
  return to > from ? { from, to } : undefined
}

function endOf(end: RegExp, text: string, from: number): number {
  end.lastIndex = from
  const found = end.exec(text)
  return found === null ? text.length : found.index
}

function orEnd(text: string, at: number): number {
  return at === -1 ? text.length : at
}

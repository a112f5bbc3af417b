/** Finds a secret in the encodings that keep its letters and digits: JSON escapes, percent-encoding, wrapped and URL-safe base64. */

/** A secret in any of its encodings. */
export interface EncodedSecret {
  /** Parts of the secret that no encoding changes; a text without any of them does not hold it. */
  readonly anchors: readonly string[]
  /** Source of the expression that finds it, which takes more memory than most tracers ever need. */
  readonly source: () => string
}

const LINE_BREAK = '(?:(?:\\r?\\n|\\\\{1,16}r\\\\{1,16}n|\\\\{1,16}n|%0[dD]%0[aA]|%0[aA])[ \\t]{0,8})?'
/** Enough that other texts hardly ever have it; V8 copies as much, where a longer part would hold all that it was cut from. */
const ANCHOR_CHARS = 12
/** Shortest line that base64 is broken into, by PEM. */
const LINE_CHARS = 64

/** `secret` in JSON and URLs of any writer. */
export function toEncodedText(secret: string): EncodedSecret {
  const chars = [...secret]
  return { anchors: [chars.every(isKept) ? secret : longestKept(secret)], source: () => chars.map(toAnyForm).join('') }
}

/** Base64 that stands in several lines, in the URL-safe alphabet, or encoded once more. */
export function toEncodedBase64(base64: string): EncodedSecret {
  return { anchors: piecesOf(base64).map(longestKept), source: () => [...base64].map(toAnyBase64Form).join(LINE_BREAK) }
}

/** One part more than there can be line breaks: one of them is whole. */
function piecesOf(base64: string): string[] {
  const count = Math.floor(base64.length / LINE_CHARS) + 2
  const chars = Math.ceil(base64.length / count)
  return Array.from({ length: count }, (_, i) => base64.slice(i * chars, (i + 1) * chars)).filter((piece) => piece !== '')
}

function isKept(char: string): boolean {
  return /^[A-Za-z0-9_.-]$/.test(char)
}

function longestKept(text: string): string {
  const longest = (text.match(/[A-Za-z0-9]+/g) ?? ['']).reduce((before, run) => (run.length > before.length ? run : before))
  return longest.slice(0, ANCHOR_CHARS)
}

function toAnyBase64Form(char: string): string {
  if (char === '+') return `(?:-|${toAnyForm(char)})`
  return char === '/' ? `(?:_|${toAnyForm(char)})` : toAnyForm(char)
}

/** The character as it is, `%2F`, `%252f`, `\u002F` and `\/`. */
function toAnyForm(char: string): string {
  if (isKept(char)) return char === '.' ? '\\.' : char
  const forms = [`${/[ -~]/.test(char) ? '\\' : ''}${char}`, toPercentForm(char), toUnicodeForm(char)]
  if (char === '/' || char === '"') forms.push(`\\\\{1,16}${char}`)
  if (char === ' ') forms.push('\\+')
  return `(?:${forms.join('|')})`
}

function toPercentForm(char: string): string {
  return [...Buffer.from(char)].map((byte) => `%(?:25){0,3}${toAnyCase(byte, 2)}`).join('')
}

function toUnicodeForm(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\\\{1,16}u${toAnyCase(char.charCodeAt(i), 4)}`).join('')
}

function toAnyCase(code: number, digits: number): string {
  const hex = code.toString(16).padStart(digits, '0')
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}

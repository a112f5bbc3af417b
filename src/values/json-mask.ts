/*
 * Masks the values of secret fields inside text that holds JSON: whole, cut off, embedded in prose, or JSON within JSON with its
 * quotes escaped. One pass from left to right over the quotes, so the time is linear and the rest of the text stays as it is.
 */

const QUOTE = '"'
const BACKSLASH = 92
const COLON = 58
const MAX_NAME_CHARS = 256

interface Quote {
  readonly at: number
  /** Backslashes right before it. */
  readonly escapes: number
}

/** `text` with `replacement` in place of every value whose field name is secret; the same string when there is none. */
export function maskJsonText(text: string, isSecretName: (name: string) => boolean, replacement: string): string {
  if (!text.includes(':')) return text
  let masked = ''
  let copied = 0
  let open = nextQuote(text, 0)
  while (open !== undefined) {
    const close = nextQuote(text, open.at + 1)
    if (close === undefined) break
    const valueAt = valueStart(text, close.at + 1)
    if (valueAt === -1 || !isSecretName(fieldName(text, open, close))) {
      open = close
      continue
    }
    const end = valueEnd(text, valueAt)
    if (!isEmptyValue(text, valueAt, end)) {
      masked += text.slice(copied, valueAt) + toJsonString(replacement, open.escapes)
      copied = end
    }
    open = nextQuote(text, end)
  }
  return copied === 0 ? text : masked + text.slice(copied)
}

function nextQuote(text: string, from: number): Quote | undefined {
  const at = text.indexOf(QUOTE, from)
  if (at === -1) return undefined
  let first = at
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return { at, escapes: at - first }
}

/** Where the value begins when a colon follows, else -1. */
function valueStart(text: string, from: number): number {
  const colon = skipSpace(text, from)
  return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

// JSON inside JSON writes its line breaks as backslash and letter; those are told apart from content by the colon only.
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function fieldName(text: string, open: Quote, close: Quote): string {
  const end = close.at - close.escapes
  const name = text.slice(Math.max(open.at + 1, end - MAX_NAME_CHARS), end)
  if (!name.includes('\\')) return name
  return name.replace(/\\+u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** First position after the value that starts at `from`; the end of the text when the value was cut off. */
function valueEnd(text: string, from: number): number {
  const quote = nextQuote(text, from)
  if (quote !== undefined && quote.at - quote.escapes === from) return stringEnd(text, quote)
  const first = text[from]
  if (first === '{' || first === '[') return bracketEnd(text, from)
  return scalarEnd(text, from)
}

/** A quote of the same nesting closes: at nesting k its backslashes are `2^k - 1` plus whole pairs of escaped backslashes. */
function stringEnd(text: string, open: Quote): number {
  const unit = 2 * (open.escapes + 1)
  for (let quote = nextQuote(text, open.at + 1); quote !== undefined; quote = nextQuote(text, quote.at + 1)) {
    if (quote.escapes % unit === open.escapes) return quote.at + 1
  }
  return text.length
}

function bracketEnd(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const char = text[at]
    if (char === QUOTE) {
      at = stringEnd(text, { at, escapes: escapesBefore(text, at, from) })
      continue
    }
    if (char === '{' || char === '[') depth += 1
    if (char === '}' || char === ']') depth -= 1
    at += 1
    if (depth === 0) return at
  }
  return text.length
}

function escapesBefore(text: string, at: number, from: number): number {
  let first = at
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return at - first
}

function scalarEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && !',}]"\\'.includes(text[at] ?? '') && !isSpace(text.charCodeAt(at))) at += 1
  return at
}

function isEmptyValue(text: string, from: number, end: number): boolean {
  return end === from || (end - from === 4 && text.startsWith('null', from))
}

/** A JSON string literal whose quotes carry `escapes` backslashes, as the quotes of the field's name do. */
function toJsonString(replacement: string, escapes: number): string {
  let literal = JSON.stringify(replacement)
  for (let level = escapes; level > 0; level = (level - 1) / 2) literal = JSON.stringify(literal).slice(1, -1)
  return literal
}

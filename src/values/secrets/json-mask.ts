/*
 * Masks the values of secret fields inside text that holds JSON: whole, cut off, embedded in prose, or JSON within JSON with its
 * quotes escaped. One pass from left to right over the quotes, so the time is linear and the rest of the text stays as it is.
 */

import { toJsonText } from '../../builtins.js'
import type { KeyRules } from './key-rules.js'
import { isModelTokenText, isSchemaText } from './look-alikes.js'

const QUOTE = '"'
const QUOTE_CODE = 34
const BACKSLASH = 92
const COLON = 58
const SCALAR_END = /[,}\]"\\\s]/
const MAX_NAME_CHARS = 256
const NEAR_CHARS = 8

/** `text` with `replacement` in place of every value whose field name is secret; the same string when there is none. */
export function maskJsonText(text: string, rules: KeyRules, replacement: string): string {
  if (!text.includes(':')) return text
  let masked = ''
  let copied = 0
  let open = nextQuote(text, 0)
  while (open !== -1) {
    const close = nextQuote(text, open + 1)
    if (close === -1) break
    const from = valueStart(text, close + 1)
    if (from === -1 || !isSecret(text, fieldName(text, open, close), from, rules)) {
      open = close
      continue
    }
    const end = valueEnd(text, from)
    if (isSchemaText(text, from, end)) {
      open = nextQuote(text, from)
      continue
    }
    if (!isEmptyValue(text, from, end)) {
      // A name may begin with a quote of its own, or end with backslashes.
      const escapes = Math.min(escapesBefore(text, open, copied), escapesBefore(text, close, open + 1))
      masked += text.slice(copied, from) + toJsonString(replacement, escapes)
      copied = end
    }
    open = nextQuote(text, end)
  }
  return copied === 0 ? text : masked + text.slice(copied)
}

function isSecret(text: string, name: string, from: number, rules: KeyRules): boolean {
  if (rules.isSecretName(name)) return !isModelTokenText(text, name, from)
  const first = text[from]
  return (first === QUOTE || first === '\\') && rules.isSecretTextName(name)
}

/** Looks at a few characters itself: where quotes stand close together, a search call for each costs more than they do. */
function nextQuote(text: string, from: number): number {
  const near = Math.min(text.length, from + NEAR_CHARS)
  for (let at = from; at < near; at += 1) {
    if (text.charCodeAt(at) === QUOTE_CODE) return at
  }
  return text.indexOf(QUOTE, near)
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

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function fieldName(text: string, open: number, close: number): string {
  let end = close
  while (end > open + 1 && text.charCodeAt(end - 1) === BACKSLASH) end -= 1
  return decodeEscapes(text.slice(Math.max(open + 1, end - MAX_NAME_CHARS), end))
}

/** A name whose letters may be written as `\u00f1`. */
export function decodeEscapes(name: string): string {
  if (!name.includes('\\')) return name
  return name.replace(/\\+u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** First position after the value that starts at `from`; the end of the text when the value was cut off. */
function valueEnd(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === BACKSLASH) at += 1
  if (text[at] === QUOTE) return stringEnd(text, at, at - from)
  const first = text[from]
  return first === '{' || first === '[' ? bracketEnd(text, from) : scalarEnd(text, from)
}

/** A quote of the same nesting closes: at nesting k its backslashes are `2^k - 1` plus whole pairs of escaped backslashes. */
function stringEnd(text: string, open: number, escapes: number): number {
  const unit = 2 * (escapes + 1)
  for (let at = nextQuote(text, open + 1); at !== -1; at = nextQuote(text, at + 1)) {
    if (escapesBefore(text, at, open + 1) % unit === escapes) return at + 1
  }
  return text.length
}

function bracketEnd(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const char = text[at]
    if (char === QUOTE) {
      at = stringEnd(text, at, escapesBefore(text, at, from))
      continue
    }
    if (char === '{' || char === '[') depth += 1
    if (char === '}' || char === ']') depth -= 1
    at += 1
    if (depth === 0) return at
  }
  return text.length
}

/** Backslashes right before `at`, not looking further back than `from`. */
function escapesBefore(text: string, at: number, from: number): number {
  let first = at
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return at - first
}

function scalarEnd(text: string, from: number): number {
  const length = text.slice(from).search(SCALAR_END)
  return length === -1 ? text.length : from + length
}

function isEmptyValue(text: string, from: number, end: number): boolean {
  return end === from || (end - from === 4 && text.startsWith('null', from))
}

/** A JSON string literal whose quotes carry `escapes` backslashes, as the quotes of the field's name do. */
export function toJsonString(replacement: string, escapes: number): string {
  let literal = toJsonText(replacement)
  for (let level = escapes; level > 0; level = (level - 1) / 2) literal = toJsonText(literal).slice(1, -1)
  return literal
}

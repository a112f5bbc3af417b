/*
 * Masks values inside JSON text by the declared path on which they stand: whole, cut off, embedded in prose, with apostrophes in
 * place of quotes, with bare names as `console.log` shows them, or JSON within JSON. One pass over the marks for each level.
 */
import { toJsonText } from '../../builtins.js'
import { readNameBefore } from './field-name.js'
import { decodeEscapes, toJsonString } from './json-mask.js'
import type { KeyRules } from './key-rules.js'
import { isSchemaText } from './look-alikes.js'
import { TextCuts } from './text-cuts.js'

const MARK = /[{}[\],:"']/g
/** An object, and no brace of prose: a name and a colon follow. */
const OBJECT_START = /\{\s{0,256}(?:\\{0,256}(?:"[^"{}\n]{0,256}"|'[^'{}\n]{0,256}')|[\p{L}\p{M}\p{N}_$.-]{1,256})\s{0,64}:/gu
const SCALAR_END = /[,}\]\s]/g
/** Further down, names are no longer joined to the path. */
const MAX_DEPTH = 64
const MAX_LEVELS = 8
const BACKSLASH = 92

interface Container {
  /** Path of the container itself. */
  readonly path: string
  readonly isList: boolean
  /** Path of the field or item that is met now. */
  at: string
  index: number
}

/** `text`, which stands at `path`, with `replacement` in place of values on declared paths. */
export function maskJsonPaths(text: string, path: string, rules: KeyRules, replacement: string): string {
  if (!text.includes('{')) return text
  const cuts = new TextCuts(text)
  scan(0, text.length, path, MAX_LEVELS)
  return cuts.finish()

  function scan(start: number, end: number, outer: string, levels: number): void {
    const inside: Container[] = []
    let at = start
    while (at < end) {
      const top = inside.at(-1)
      at = nextMark(top === undefined ? OBJECT_START : MARK, text, at, end)
      if (at >= end) return
      const mark = text[at]
      if (mark === '"' || mark === "'") at = passText(at, end, top?.at ?? outer, levels)
      else if (mark === ':') at = top === undefined || top.isList ? at + 1 : passField(top, at, end)
      else {
        if (mark === '{' || mark === '[') inside.push(toContainer(top?.at ?? outer, mark === '[', inside.length))
        else if (mark === ',') nextItem(top)
        else inside.pop()
        at += 1
      }
    }
  }

  /** Behind a text, which may hold JSON itself. */
  function passText(at: number, end: number, textPath: string, levels: number): number {
    const close = closingQuote(text, at, end)
    if (levels > 0 && close - at > 8 && text.slice(at, close).includes('{')) scan(at + 1, close, textPath, levels - 1)
    return close + 1
  }

  /** Behind the colon of a field, or behind its value where that was masked. */
  function passField(top: Container, colon: number, end: number): number {
    const found = readNameBefore(text, colon)
    if (found === undefined) return colon + 1
    const name = decodeEscapes(found.name)
    top.at = joinName(top, name)
    const from = skipSpace(text, colon + 1, end)
    if (!rules.isDeclaredPath(top.at, name) || from >= end) return colon + 1
    const to = valueEnd(text, from, end)
    if (text.startsWith('null', from) && to === from + 4) return to
    if (isSchemaText(text, from, to)) return colon + 1
    cuts.add(from, to, found.quote === '' ? toJsonText(replacement) : toQuoted(replacement, found.quote))
    return to
  }
}

function toContainer(path: string, isList: boolean, depth: number): Container {
  const isJoined = depth < MAX_DEPTH
  return { path: isJoined ? path : '', isList, at: isList && isJoined ? `${path}.0` : path, index: 0 }
}

function nextItem(top: Container | undefined): void {
  if (top === undefined || !top.isList) return
  top.index += 1
  top.at = `${top.path}.${top.index}`
}

function joinName({ path }: Container, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function nextMark(mark: RegExp, text: string, from: number, end: number): number {
  mark.lastIndex = from
  return mark.exec(text)?.index ?? end
}

function toQuoted(replacement: string, quote: string): string {
  return quote.endsWith('"') ? toJsonString(replacement, quote.length - 1) : quote + replacement + quote
}

/** Where a value ends: behind its quote or bracket, or at `end` where it was cut off. */
function valueEnd(text: string, from: number, end: number): number {
  let at = from
  while (text.charCodeAt(at) === BACKSLASH) at += 1
  if (text[at] === '"' || text[at] === "'") return Math.min(end, closingQuote(text, at, end) + 1)
  if (text[from] !== '{' && text[from] !== '[') {
    SCALAR_END.lastIndex = from
    return Math.min(end, orEnd(SCALAR_END.exec(text)?.index ?? -1, end))
  }
  let depth = 0
  for (at = from; at < end; at = nextMark(MARK, text, at, end)) {
    const mark = text[at]
    if (mark === '"' || mark === "'") at = closingQuote(text, at, end)
    else if (mark === '{' || mark === '[') depth += 1
    else if (mark === '}' || mark === ']') depth -= 1
    at += 1
    if (depth === 0) return Math.min(at, end)
  }
  return end
}

/** The quote that closes the one at `open`, with as many backslashes before it; `end` where none does. */
function closingQuote(text: string, open: number, end: number): number {
  const quote = text[open] as string
  const escapes = escapesBefore(text, open)
  const unit = 2 * (escapes + 1)
  for (let at = text.indexOf(quote, open + 1); at !== -1 && at < end; at = text.indexOf(quote, at + 1)) {
    if (escapesBefore(text, at, open + 1) % unit === escapes) return at
  }
  return end
}

function escapesBefore(text: string, at: number, least = 0): number {
  let first = at
  while (first > least && text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return at - first
}

function skipSpace(text: string, from: number, end: number): number {
  let at = from
  while (at < end && (text.charCodeAt(at) === 32 || (text.charCodeAt(at) >= 9 && text.charCodeAt(at) <= 13))) at += 1
  return at
}

function orEnd(at: number, end: number): number {
  return at === -1 ? end : at
}

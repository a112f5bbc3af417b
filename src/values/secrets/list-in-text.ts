import type { KeyRules } from './key-rules.js'
import { readNameBefore } from './field-name.js'
import { readQuotedValue, type ValueInText } from './field-value.js'
import { findSecretItems, isListOfNames } from './lists.js'

const MAX_ITEMS = 512
const BARE_ITEM = /[\w.+-]{1,40}/y
const SPACE = /\s*/y
const NESTED_CHARS = 4096

/** The values of secrets in the list that opens at `at` in a text: `["authorization", "Bearer …"]`, `('password', 'x')`. */
export function findSecretsInList(text: string, at: number, rules: KeyRules): readonly ValueInText[] {
  const items = readItems(text, skipSpace(text, at + 1))
  if (items.length < 2) return NONE
  const shown = items.map(({ from, to, isText }) => (isText && to - from <= 64 ? text.slice(from, to) : isText ? '\u0000' : undefined))
  const found = findSecretItems(shown, rules)
  if (found.length === 0 || isListOfNames(nameOfList(text, at))) return NONE
  return found.map((i) => items[i] as Item).filter(({ isText, isList }) => isText || isList)
}

const NONE: readonly ValueInText[] = Object.freeze([])

interface Item extends ValueInText {
  readonly isText: boolean
  readonly isList: boolean
}

/** The items of a flat list; a nested list ends it, as the value that it may be. */
function readItems(text: string, first: number): Item[] {
  const items: Item[] = []
  let at = first
  while (items.length < MAX_ITEMS) {
    const item = readItem(text, at, items.length)
    if (item === undefined) return items
    items.push(item)
    const next = skipSpace(text, item.next)
    if (text[next] !== ',') return items
    at = skipSpace(text, next + 1)
  }
  return items
}

function readItem(text: string, at: number, index: number): (Item & { readonly next: number }) | undefined {
  const quoted = readQuotedValue(text, at)
  if (quoted !== undefined) return { ...quoted, isText: true, isList: false, next: quoted.to + quoteLength(text, quoted.to) }
  if (index === 0) return undefined
  if (text[at] === '[') return readNested(text, at)
  BARE_ITEM.lastIndex = at
  return BARE_ITEM.test(text) ? { from: at, to: BARE_ITEM.lastIndex, isText: false, isList: false, next: BARE_ITEM.lastIndex } : undefined
}

function readNested(text: string, at: number): (Item & { readonly next: number }) | undefined {
  const close = text.slice(at, at + NESTED_CHARS).indexOf(']')
  return close === -1 ? undefined : { from: at + 1, to: at + close, isText: false, isList: true, next: at + close + 1 }
}

function quoteLength(text: string, at: number): number {
  return /^(?:\\{0,16}["'`]|%2[27]|&quot;|&#3[49];)/.exec(text.slice(at, at + 12))?.[0].length ?? 0
}

function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at
  SPACE.test(text)
  return Math.max(at, SPACE.lastIndex)
}

function nameOfList(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - 64), at).trimEnd()
  return /[:=]$/.test(before) ? (readNameBefore(before, before.length - 1)?.name ?? '') : ''
}

import { NativeMap } from '../natives.js'
import { isPlainArray, type Plain, type PlainObject, setField } from './plain.js'
import { clampText, readCutListMark, toCutListMark } from './text.js'

/**
 * The one account of room: what a value takes, who gets how much of it when it is tight, and how a value is cut to its part. Sizes
 * are those of JSON text.
 */

/** What every field is sure of, bytes: a number, a word, the beginning of a text. */
export const LEAST_PART_BYTES = 16
/** What is kept of a part at least where not all parts can be: a few that can be read are worth more than crumbs of many. */
const LEAST_KEPT_BYTES = 256
const MARK_BYTES = 64
const LEFT_OUT_KEY = '…'

/**
 * Fair shares: each gets all it asks for while there is room for that, and those that ask for most get equal parts of the rest.
 * Whole numbers; their sum is never more than `total`.
 */
export function shareOut(demands: readonly number[], total: number): number[] {
  const grants = new Array<number>(demands.length).fill(0)
  const ascending = demands.map((_, i) => i).sort((a, b) => (demands[a] ?? 0) - (demands[b] ?? 0))
  let left = Math.max(0, total)
  for (let i = 0; i < ascending.length; i += 1) {
    const index = ascending[i] ?? 0
    const grant = Math.min(demands[index] ?? 0, Math.floor(left / (ascending.length - i)))
    grants[index] = grant
    left -= grant
  }
  return grants
}

/** Roughly what a number takes. */
export function numberSize(value: number): number {
  if ((value | 0) !== value) return 18
  return value > -100 && value < 1000 ? 3 : 8
}

/** Rough size of plain data, a UTF-16 unit of text counted as one: cheap, and the same whenever it is asked for. */
export function sizeOf(value: Plain | undefined): number {
  switch (typeof value) {
    case 'string':
      return value.length + 2
    case 'number':
      return numberSize(value)
    case 'boolean':
      return 5
    case 'object':
      return value === null ? 4 : sizeOfContainer(value)
    default:
      return 0
  }
}

function sizeOfContainer(value: readonly Plain[] | PlainObject): number {
  let size = 2
  if (isPlainArray(value)) for (const item of value) size += sizeOf(item) + 1
  else for (const key of Object.keys(value)) size += key.length + 4 + sizeOf(value[key])
  return size
}

/** Size of plain data in UTF-8, as JSON without its escapes. */
export function valueBytes(value: Plain): number {
  return new Fitting(0).bytesOf(value)
}

function textBytes(text: string): number {
  return Buffer.byteLength(text) + 2
}

/**
 * `value` cut to at most `maxBytes` of UTF-8: short parts stay whole, the largest are cut first, whatever their order.
 *
 * @param overlapBytes how much longer a cut text may be (at most twice as long), for {@link dropOverlap} once it was redacted.
 */
export function fitValue(value: Plain, maxBytes: number, overlapBytes = 0): Plain {
  return new Fitting(overlapBytes).fit(value, maxBytes)
}

/** One cutting: what a container takes is counted once. */
class Fitting {
  readonly #overlapBytes: number
  readonly #sizes = new NativeMap<object, number>()

  constructor(overlapBytes: number) {
    this.#overlapBytes = overlapBytes
  }

  fit(value: Plain, maxBytes: number): Plain {
    if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return value
    if (this.bytesOf(value) <= maxBytes) return value
    if (typeof value === 'string') return this.#fitText(value, maxBytes - 2)
    return isPlainArray(value) ? this.#fitItems(value, maxBytes) : this.#fitFields(value, maxBytes)
  }

  #fitText(text: string, maxBytes: number): string {
    const most = Math.max(0, maxBytes)
    return clampText(text, most + Math.min(most, this.#overlapBytes))
  }

  #fitItems(given: readonly Plain[], maxBytes: number): Plain {
    const { items, leftOut } = withoutMark(given)
    const sizes = items.map((item) => this.bytesOf(item) + 1)
    const ends = keepEnds(leastOf(sizes, LEAST_KEPT_BYTES), maxBytes - 2 - (leftOut > 0 ? MARK_BYTES : 0))
    const chosen = indexesOf(items.length, ends)
    const missing = leftOut + items.length - chosen.length
    const grants = shareOut(
      chosen.map((i) => sizes[i] ?? 0),
      maxBytes - 2 - (missing > 0 ? MARK_BYTES : 0),
    )
    const copy = chosen.map((i, at) => this.fit(items[i] as Plain, (grants[at] ?? 0) - 1))
    if (missing > 0) copy.splice(ends.head, 0, toCutListMark(missing, leftOut + items.length, 'items'))
    return copy
  }

  #fitFields(fields: PlainObject, maxBytes: number): Plain {
    const names = Object.keys(fields)
    const keys = names.map((name) => textBytes(name) + 2)
    const sizes = names.map((name, i) => (keys[i] ?? 0) + this.bytesOf(fields[name] as Plain))
    const ends = keepFields(sizes, keys, maxBytes - 2)
    const chosen = indexesOf(names.length, ends)
    const missing = names.length - chosen.length
    const grants = shareOut(
      chosen.map((i) => sizes[i] ?? 0),
      maxBytes - 2 - (missing > 0 ? MARK_BYTES : 0),
    )
    const copy: { [key: string]: Plain } = {}
    for (const [at, i] of chosen.entries()) {
      const name = names[i] ?? ''
      setField(copy, name, this.fit(fields[name] as Plain, (grants[at] ?? 0) - (keys[i] ?? 0)))
    }
    if (missing > 0) copy[freeKey(fields)] = toCutListMark(missing, names.length, 'fields')
    return copy
  }

  bytesOf(value: Plain): number {
    if (typeof value === 'string') return textBytes(value)
    if (typeof value !== 'object' || value === null) return sizeOf(value)
    const known = this.#sizes.get(value)
    if (known !== undefined) return known
    let bytes = 2
    if (isPlainArray(value)) for (const item of value) bytes += this.bytesOf(item) + 1
    else for (const key of Object.keys(value)) bytes += textBytes(key) + 2 + this.bytesOf(value[key] as Plain)
    this.#sizes.set(value, bytes)
    return bytes
  }
}

/**
 * How many items of a list have room, counted from its two ends: a conversation keeps its instructions and its last question.
 *
 * @param least what each item takes at least.
 */
export function keepEnds(least: readonly number[], maxBytes: number): { head: number; tail: number } {
  let total = 0
  for (const size of least) total += size
  if (total <= maxBytes) return { head: least.length, tail: 0 }
  let left = maxBytes - MARK_BYTES
  let head = 0
  let tail = 0
  for (;;) {
    const isHeadNext = head <= tail
    const cost = least[isHeadNext ? head : least.length - 1 - tail] ?? 0
    if (cost > left || head + tail >= least.length - 1) return { head, tail }
    left -= cost
    if (isHeadNext) head += 1
    else tail += 1
  }
}

/** Every field has its part while there is room for that. */
function keepFields(sizes: readonly number[], keys: readonly number[], maxBytes: number): { head: number; tail: number } {
  const all = keepEnds(leastOf(sizes, LEAST_PART_BYTES, keys), maxBytes)
  return all.head === sizes.length ? all : keepEnds(leastOf(sizes, LEAST_KEPT_BYTES, keys), maxBytes)
}

function leastOf(sizes: readonly number[], most: number, keys?: readonly number[]): number[] {
  return sizes.map((size, i) => Math.min(size, most + (keys?.[i] ?? 0)))
}

function indexesOf(length: number, { head, tail }: { head: number; tail: number }): number[] {
  const indexes: number[] = []
  for (let i = 0; i < length; i += 1) {
    if (i < head || i >= length - tail) indexes.push(i)
  }
  return indexes
}

/** A list that was cut before counts what is missing since its first cut. */
function withoutMark(items: readonly Plain[]): { items: readonly Plain[]; leftOut: number } {
  const leftOut = readCutListMark(items.at(-1))
  return leftOut === 0 ? { items, leftOut } : { items: items.slice(0, -1), leftOut }
}

function freeKey(fields: PlainObject): string {
  let key = LEFT_OUT_KEY
  while (Object.hasOwn(fields, key)) key += LEFT_OUT_KEY
  return key
}

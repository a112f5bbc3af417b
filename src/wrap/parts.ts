import { types } from 'node:util'
import { takeSnapshot } from '../values/snapshot.js'
import type { Plain } from '../values/plain.js'
import { isEarlyName, isFinalMethod, isStreamGetter } from './members.js'
import { isNodeStream } from './node-stream.js'
import type { Recording } from './recorder.js'
import { isWebStream } from './web-stream.js'

/** A part of a result that completes later than the rest. */
export interface LatePart {
  readonly path: readonly string[]
  readonly value: object
  readonly isPromise: boolean
}

/** What a look at the fields of a result found. */
export interface Fields {
  readonly parts: readonly LatePart[]
  /** Whether there is a getter or method that gives something later, by its name. */
  readonly hasLateMember: boolean
}

/** Most fields that are looked at, all levels together. */
const MAX_FIELDS = 48
const MAX_DEPTH = 2

/**
 * Promises and other results that complete later in the fields of a plain object or in a list, on two levels. Getters are not read.
 *
 * @param isPlain whether `value` is a literal or a list; of other objects only streams of their own count.
 * @param isLate whether an object completes later than it is given.
 */
export function searchFields(value: object, isPlain: boolean, isLate: (field: object) => boolean): Fields | undefined {
  // Their items are numbers, and may be millions.
  if (types.isArrayBufferView(value) || types.isBoxedPrimitive(value)) return undefined
  const search: Search = { parts: [], hasLateMember: false, left: MAX_FIELDS, isLate: isPlain ? isLate : isStream }
  if (Array.isArray(value)) searchItems(value, [], search)
  else searchObject(value, [], isPlain, search)
  return search.parts.length > 0 || search.hasLateMember ? search : undefined
}

interface Search {
  readonly parts: LatePart[]
  hasLateMember: boolean
  left: number
  readonly isLate: (field: object) => boolean
}

function searchItems(items: readonly unknown[], path: readonly string[], search: Search): void {
  for (let i = 0; i < items.length && search.left > 0; i++) {
    search.left -= 1
    const item = items[i]
    if (typeof item === 'object' && item !== null) searchField(item, path, String(i), true, search)
  }
}

function searchObject(holder: object, path: readonly string[], isPlain: boolean, search: Search): void {
  for (const key in holder) {
    if (search.left-- <= 0) return
    const descriptor = Object.getOwnPropertyDescriptor(holder, key)
    if (descriptor === undefined) continue
    const { value } = descriptor as { value?: unknown }
    if (typeof value === 'object' && value !== null) searchField(value, path, key, isPlain, search)
    else if (path.length === 0 && (descriptor.get === undefined ? typeof value === 'function' && isFinalMethod(key) : isStreamGetter(key)))
      search.hasLateMember = true
  }
}

function searchField(field: object, path: readonly string[], key: string, isPlain: boolean, search: Search): void {
  if (types.isProxy(field)) return
  const isPromise = isPlain && types.isPromise(field)
  if (isPromise || search.isLate(field)) search.parts.push({ path: [...path, key], value: field, isPromise })
  else if (!isPlain || path.length + 1 >= MAX_DEPTH) return
  else if (Array.isArray(field)) searchItems(field, [...path, key], search)
  else if (isLiteral(field)) searchObject(field, [...path, key], true, search)
}

/** An object made by a literal, or a list. */
export function isLiteral(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function isStream(field: object): boolean {
  if (types.isGeneratorObject(field) || isWebStream(field)) return true
  // Connections are streams of Node's kind.
  return Symbol.asyncIterator in field && !isNodeStream(field)
}

/** Lets one recording live as long as the last part of a result. */
export class PartsRecording {
  readonly #recording: Recording
  /** Without the parts themselves: what ends the span of a result that was let go of must not hold it. */
  readonly #parts: readonly Omit<LatePart, 'value'>[]
  readonly #outputs: unknown[]
  /** What of the result is there already, copied now. */
  readonly #rest: Plain
  readonly #states: PartState[]
  #chunkCount: number | undefined
  #isOver = false

  constructor(recording: Recording, value: object, parts: readonly LatePart[]) {
    this.#recording = recording
    this.#parts = parts.map(({ path, isPromise }) => ({ path, isPromise }))
    this.#outputs = parts.map(() => undefined)
    this.#states = parts.map(({ isPromise }) => (isPromise ? 'pending' : 'unread'))
    this.#rest = takeSnapshot(withoutParts(value, parts), recording.maxBytes).value
  }

  /** What the part at `index` is recorded with. */
  recordingOf(index: number): Recording {
    const recording = this.#recording
    return {
      maxBytes: Math.ceil(recording.maxBytes / this.#parts.length),
      run: (fn, self, args) => recording.run(fn, self, args),
      enter: () => recording.enter(),
      leave: (before) => recording.leave(before),
      needsRun: recording.needsRun,
      firstChunk: () => recording.firstChunk?.(),
      begin: () => this.#setState(index, 'pending'),
      succeed: (output, chunkCount) => this.#succeed(index, output, chunkCount),
      fail: (error, output, chunkCount) => this.#fail(index, error, output, chunkCount),
    }
  }

  #setState(index: number, state: PartState): void {
    if (this.#states[index] !== 'done') this.#states[index] = state
  }

  #take(index: number, output: unknown, chunkCount: number | undefined): void {
    this.#states[index] = 'done'
    // A promise gives the host's own object, which may change.
    this.#outputs[index] = output === undefined ? undefined : takeSnapshot(output, this.#recording.maxBytes).value
    if (chunkCount !== undefined) this.#chunkCount = (this.#chunkCount ?? 0) + chunkCount
  }

  #succeed(index: number, output: unknown, chunkCount: number | undefined): void {
    if (this.#isOver) return
    this.#take(index, output, chunkCount)
    if (!this.#isDone()) return
    this.#isOver = true
    this.#recording.succeed(this.#result(), this.#chunkCount)
  }

  #fail(index: number, error: unknown, output: unknown, chunkCount: number | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#take(index, output, chunkCount)
    this.#recording.fail(error, this.#result(), this.#chunkCount)
  }

  /** A promise of the answer is enough: whoever awaits that may never read the stream beside it. */
  #isDone(): boolean {
    if (this.#states.includes('pending')) return false
    const hasAnswer = this.#parts.some(
      ({ isPromise, path }, i) => isPromise && this.#states[i] === 'done' && !isEarlyName(path.at(-1) ?? ''),
    )
    return hasAnswer || !this.#states.includes('unread')
  }

  #result(): unknown {
    for (const [i, { path }] of this.#parts.entries()) setAt(this.#rest, path, this.#outputs[i])
    return this.#rest
  }
}

/** `unread` is a stream that nobody began to read. */
type PartState = 'unread' | 'pending' | 'done'

/** A copy of the result down to its late parts, with a place kept for each. */
function withoutParts(value: object, parts: readonly LatePart[]): object {
  const copy = shallowCopy(value)
  for (const { path } of parts) {
    const [first = '', second] = path
    if (second === undefined) copy[first] = null
    else {
      const inner = shallowCopy(Reflect.get(value, first) as object)
      if (!wasCopied(copy[first], value, first)) copy[first] = inner
      Reflect.set(copy[first] as object, second, null)
    }
  }
  return copy
}

function wasCopied(inner: unknown, value: object, key: string): boolean {
  return inner !== Reflect.get(value, key)
}

function shallowCopy(value: object): Record<string, unknown> {
  // A list stays one; the type only says how it is written to.
  if (Array.isArray(value)) return [...(value as unknown[])] as unknown as Record<string, unknown>
  return { ...value }
}

function setAt(holder: Plain, path: readonly string[], value: unknown): void {
  let at: unknown = holder
  for (const key of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  if (typeof at === 'object' && at !== null) Reflect.set(at, path.at(-1) ?? '', value)
}

import { NativeSet, reflectGet } from '../builtins.js'
import { types } from 'node:util'
import { takeSnapshot } from '../values/snapshot.js'
import type { Plain } from '../values/plain.js'
import { isEarlyName, isFinalMethod, isStreamGetter } from './members.js'
import { isNodeStream } from './node-stream.js'
import type { Gathered, Recording } from './recorder.js'
import { isUnread, isWebStream } from './web-stream.js'

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

/** Most fields that are looked at, all levels together, and most items of one list. */
const MAX_FIELDS = 40
const MAX_ITEMS = 16

/** Methods by which a literal may be read later; the rest of them are there to be called. */
const READING_METHODS: ReadonlySet<string> = new NativeSet(['next', 'on', 'addEventListener', 'subscribe', 'getReader'])

/**
 * Promises and other results that complete later in the fields of a plain object or in a list, on two levels. Getters are not read.
 *
 * @param isPlain whether `value` is a literal or a list; of other objects only streams of their own count.
 * @param isLate whether an object completes later than it is given.
 */
export function searchFields(value: object, isPlain: boolean, isLate: (field: object) => boolean): Fields | undefined {
  // Their items are numbers, and may be millions.
  if (!isPlain && (types.isArrayBufferView(value) || types.isBoxedPrimitive(value))) return undefined
  const search = new Search(isPlain, isPlain ? isLate : isStream)
  if (Array.isArray(value)) search.items(value, undefined)
  else search.fields(value, undefined)
  return search.parts !== undefined || search.hasLateMember ? { parts: search.parts ?? [], hasLateMember: search.hasLateMember } : undefined
}

class Search {
  parts: LatePart[] | undefined
  hasLateMember = false
  #left = MAX_FIELDS
  readonly #isPlain: boolean
  readonly #isLate: (field: object) => boolean

  constructor(isPlain: boolean, isLate: (field: object) => boolean) {
    this.#isPlain = isPlain
    this.#isLate = isLate
  }

  /** @param parent the field that holds them, on the second level. */
  items(items: readonly unknown[], parent: string | undefined): void {
    const length = Math.min(items.length, MAX_ITEMS)
    for (let i = 0; i < length && this.#left > 0; i++) {
      this.#left -= 1
      const item = items[i]
      if (typeof item === 'object' && item !== null) this.#field(item, parent, String(i))
    }
  }

  fields(holder: object, parent: string | undefined): void {
    for (const key in holder) {
      if (this.#left-- <= 0) return
      const descriptor = Object.getOwnPropertyDescriptor(holder, key)
      if (descriptor === undefined) continue
      const { value } = descriptor as { value?: unknown }
      if (typeof value === 'object' && value !== null) this.#field(value, parent, key)
      else if (parent === undefined) this.#member(key, value, descriptor.get !== undefined)
    }
  }

  #member(key: string, value: unknown, isGetter: boolean): void {
    if (isGetter ? isStreamGetter(key) : typeof value === 'function' && (READING_METHODS.has(key) || isFinalMethod(key)))
      this.hasLateMember = true
  }

  #field(field: object, parent: string | undefined, key: string): void {
    const isPromise = this.#isPlain && types.isPromise(field)
    if (isPromise || (!types.isProxy(field) && this.#isLate(field))) {
      this.parts ??= []
      this.parts.push({ path: parent === undefined ? [key] : [parent, key], value: field, isPromise })
    } else if (!this.#isPlain || parent !== undefined || types.isProxy(field)) return
    else if (Array.isArray(field)) this.items(field, key)
    else if (isLiteral(field)) this.fields(field, key)
  }
}

/** An object made by a literal, or a list. */
export function isLiteral(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function isStream(field: object): boolean {
  if (types.isGeneratorObject(field)) return true
  if (isWebStream(field)) return isUnread(field)
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
  readonly #gather: (Parameters<NonNullable<Recording['gatherWith']>>[0] | undefined)[] = []
  #chunkCount: number | undefined
  #isOver = false

  constructor(recording: Recording, value: object, parts: readonly LatePart[]) {
    this.#recording = recording
    this.#parts = parts.map(({ path, isPromise }) => ({ path, isPromise }))
    this.#outputs = parts.map(() => undefined)
    this.#states = parts.map(({ isPromise }) => (isPromise ? 'pending' : 'unread'))
    this.#rest = takeSnapshot(withoutParts(value, parts), recording.maxBytes).value
    recording.gatherWith?.(() => this.#gathered())
  }

  /** What the part at `index` is recorded with. */
  recordingOf(index: number): Recording {
    const recording = this.#recording
    return {
      maxBytes: Math.ceil(recording.maxBytes / this.#parts.length),
      scope: recording.scope,
      run: (fn, self, args) => recording.run(fn, self, args),
      enter: (isPartEnough) => recording.enter(isPartEnough),
      leave: (before) => recording.leave(before),
      firstChunk: () => recording.firstChunk?.(),
      begin: () => this.#setState(index, 'pending'),
      gatherWith: (gather) => {
        this.#gather[index] = gather
      },
      succeed: (output, chunkCount) => this.#succeed(index, output, chunkCount),
      fail: (error, output, chunkCount) => this.#fail(index, error, output, chunkCount),
    }
  }

  /** What is there of all parts, before the last of them is done. */
  #gathered(): Gathered {
    for (const [i, gather] of this.#gather.entries()) {
      if (gather !== undefined && this.#states[i] !== 'done') this.#outputs[i] = gather().output
    }
    return { output: this.#result(), chunkCount: this.#chunkCount }
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
    const hasRead = this.#outputs.some((part) => part !== undefined)
    this.#recording.fail(error, hasRead ? this.#result() : undefined, this.#chunkCount)
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
      if (copy[first] === reflectGet(value, first)) copy[first] = shallowCopy(copy[first] as object)
      Reflect.set(copy[first] as object, second, null)
    }
  }
  return copy
}

function shallowCopy(value: object): Record<string, unknown> {
  // A list stays one; the type only says how it is written to.
  if (Array.isArray(value)) return [...(value as unknown[])] as unknown as Record<string, unknown>
  const copy: Record<string, unknown> = {}
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (descriptor.enumerable !== true) continue
    // A getter stays one: what it does when it is read is the host's to start.
    const isGetter = descriptor.get !== undefined || descriptor.set !== undefined
    Object.defineProperty(copy, key, { ...descriptor, configurable: true, ...(isGetter ? {} : { writable: true }) })
  }
  return copy
}

function setAt(holder: Plain, path: readonly string[], value: unknown): void {
  let at: unknown = holder
  for (const key of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? reflectGet(at, key) : undefined
  if (typeof at === 'object' && at !== null) Reflect.set(at, path.at(-1) ?? '', value)
}

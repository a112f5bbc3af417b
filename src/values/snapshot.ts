import { types } from 'node:util'
import { type Plain, setField } from './plain.js'
import { toBigIntText, toFunctionText, toStandIn, toSymbolText, toThrownName } from './stand-in.js'
import { cutText } from './text.js'

export type { Plain } from './plain.js'

/** Bounds of one snapshot; they act while the value is walked, so a huge value costs no more than its kept part. */
export interface SnapshotLimits {
  /** Bytes of JSON to keep, estimated. 4 KiB more are kept, so that redaction sees whole secrets before the exact cut. */
  readonly maxBytes: number
  /** Levels of nesting to keep. @defaultValue 64 */
  readonly maxDepth?: number
  /** Units of work: a leaf counts 1, an object or array 4, a Proxy 150, an item of a proxied list 10. @defaultValue 400_000 */
  readonly maxNodes?: number
}

/** A copy of a value that later changes to it cannot reach. */
export interface Snapshot {
  readonly value: Plain
  /** Rough size as JSON, in UTF-16 units. */
  readonly bytes: number
  /** Whether something was left out; the place carries a mark. */
  readonly truncated: boolean
}

/** Text that stands for an object which is not to be looked into, or `undefined`. Asked for objects that are not plain. */
export type OpaqueText = (value: object) => string | undefined

/** Kept beyond `maxBytes`, so that the exact cut comes after redaction. */
const OVERLAP_BYTES = 4096
// Deeper than messages and framework state get, and far from what a call stack holds.
const DEFAULT_MAX_DEPTH = 64
// About 20 ms of the worst shapes; 20,000 rows of three fields or 400,000 numbers pass whole.
const DEFAULT_MAX_NODES = 400_000
const CONTAINER_COST = 4
const PROXY_COST = 150
const TRAPPED_ITEM_COST = 10
const UNREADABLE = '[Unreadable]'
const CIRCULAR = '[Circular]'
const LEFT_OUT_KEY = '…'

interface Walk {
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxNodes: number
  readonly isOpaque: OpaqueText | undefined
  /** Objects being copied, outermost first. */
  readonly ancestors: object[]
  bytes: number
  nodes: number
  truncated: boolean
  /** What a `toJSON` gave back: walked, but not asked for another `toJSON`. */
  settled: object | undefined
}

/**
 * Copies `value` to plain data within `limits`: objects and arrays are copied, strings shared. Never throws, never changes
 * the value, reads each getter at most once and runs no other code of it than getters, Proxy traps and one `toJSON`.
 */
export function toSnapshot(value: unknown, limits: SnapshotLimits, isOpaque?: OpaqueText): Snapshot {
  return takeSnapshot(value, limits.maxBytes + OVERLAP_BYTES, limits, isOpaque)
}

/** {@link toSnapshot} without the overlap: at most `maxBytes`, estimated. */
export function takeSnapshot(value: unknown, maxBytes: number, limits: Partial<SnapshotLimits> = {}, isOpaque?: OpaqueText): Snapshot {
  const walk: Walk = {
    maxBytes,
    maxDepth: limits.maxDepth ?? DEFAULT_MAX_DEPTH,
    maxNodes: limits.maxNodes ?? DEFAULT_MAX_NODES,
    isOpaque,
    ancestors: [],
    bytes: 0,
    nodes: 0,
    truncated: false,
    settled: undefined,
  }
  try {
    return { value: copyValue(value, walk) ?? null, bytes: walk.bytes, truncated: walk.truncated }
  } catch {
    // The call stack may be nearly used up already; nothing of the host's is told apart here.
    return { value: UNREADABLE, bytes: UNREADABLE.length, truncated: true }
  }
}

/** `undefined` means: leave the field out. */
function copyValue(value: unknown, walk: Walk): Plain | undefined {
  walk.nodes += 1
  switch (typeof value) {
    case 'string':
      return copyText(value, walk)
    case 'number':
      return copyNumber(value, walk)
    case 'boolean':
      walk.bytes += 5
      return value
    case 'bigint':
      return copyText(toBigIntText(value), walk)
    case 'symbol':
      return copyText(toSymbolText(value), walk)
    case 'function':
      return copyFunction(value, walk)
    case 'object':
      if (value !== null) return copyObject(value, walk)
      walk.bytes += 4
      return null
    default:
      return undefined
  }
}

function copyText(text: string, walk: Walk): string {
  const room = walk.maxBytes - walk.bytes
  walk.bytes += text.length + 2
  if (text.length <= room) return text
  walk.bytes = walk.maxBytes + 1
  walk.truncated = true
  return cutText(text, room)
}

function copyNumber(value: number, walk: Walk): Plain {
  walk.bytes += numberBytes(value)
  if (value - value !== 0) return String(value)
  return value === 0 ? 0 : value
}

function numberBytes(value: number): number {
  if ((value | 0) !== value) return 18
  return value > -100 && value < 1000 ? 3 : 8
}

function copyFunction(value: object, walk: Walk): string {
  const text = walk.isOpaque?.(value) ?? toFunctionText(value)
  return copyText(text, walk)
}

function copyObject(value: object, walk: Walk): Plain | undefined {
  const { ancestors } = walk
  const depth = ancestors.length
  for (let i = 0; i < depth; i += 1) {
    if (ancestors[i] === value) return copyText(CIRCULAR, walk)
  }
  if (depth >= walk.maxDepth) return markDepth(value, walk)
  walk.nodes += types.isProxy(value) ? PROXY_COST : CONTAINER_COST
  ancestors.push(value)
  try {
    const copy = copyContent(value, walk)
    ancestors.pop()
    return copy
  } catch {
    ancestors.length = depth
    return copyText(UNREADABLE, walk)
  }
}

function markDepth(value: object, walk: Walk): string {
  walk.truncated = true
  let kind = 'Object'
  try {
    if (Array.isArray(value)) kind = 'Array'
  } catch {
    kind = 'Unreadable'
  }
  return copyText(`[truncated, ${kind} below depth ${walk.maxDepth}]`, walk)
}

function copyContent(value: object, walk: Walk): Plain | undefined {
  if (Array.isArray(value)) return copyArray(value, walk)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return copyFields(value, walk)
  const opaque = walk.isOpaque?.(value)
  if (opaque !== undefined) return copyText(opaque, walk)
  if (types.isMap(value)) return copyMap(value, walk)
  if (types.isSet(value)) return copySet(value, walk)
  if (value instanceof Error) return copyError(value, walk)
  const standIn = toStandIn(value)
  return standIn === undefined ? copyInstance(value, walk) : copyValue(standIn, walk)
}

function isFull(walk: Walk): boolean {
  return walk.bytes > walk.maxBytes || walk.nodes > walk.maxNodes
}

// ---- arrays -------------------------------------------------------------------------------------------------------------

function copyArray(value: readonly unknown[], walk: Walk): Plain {
  const length = toLength(value.length)
  walk.bytes += 2
  if (isOrdinaryArray(value)) return copyOrdinaryArray(value, length, walk)
  const copy: Plain[] = []
  for (let i = 0; i < length; i += 1) {
    if (isFull(walk)) return markItems(copy, length, walk)
    walk.nodes += TRAPPED_ITEM_COST
    copy.push(copyValue(readField(value, i), walk) ?? null)
    walk.bytes += 1
  }
  return copy
}

// `slice` would ask a subclass, a Proxy or an own `constructor` which array to build.
function isOrdinaryArray(value: readonly unknown[]): boolean {
  return Object.getPrototypeOf(value) === Array.prototype && !types.isProxy(value) && !Object.hasOwn(value, 'constructor')
}

/**
 * One native copy reads every item once, accessors included; then the copy is made plain in place. `length` is the true number of
 * items where `value` holds only the first of them.
 */
function copyOrdinaryArray(value: readonly unknown[], length: number, walk: Walk): Plain {
  const wanted = Math.min(length, value.length, Math.max(0, walk.maxNodes - walk.nodes) + 1, Math.max(0, walk.maxBytes - walk.bytes) + 1)
  let copy: unknown[]
  try {
    copy = Array.prototype.slice.call(value, 0, wanted)
  } catch (thrown) {
    return copyText(`[Throws: ${toThrownName(thrown)}]`, walk)
  }
  for (let i = takeNumbers(copy, walk); i < wanted; i += 1) {
    if (isFull(walk)) {
      copy.length = i
      return markItems(copy as Plain[], length, walk)
    }
    walk.bytes += 1
    const item = copy[i]
    const plain = copyValue(item, walk) ?? null
    if (plain !== item || plain === 0) copy[i] = plain
  }
  // Every item was replaced by its plain form above.
  return wanted < length ? markItems(copy as Plain[], length, walk) : (copy as Plain[])
}

/**
 * Counts the plain numbers an array begins with and gives back how many there are: embeddings need no more than this. Zero is
 * left to the caller because it may be -0, and so is an array that does not fit.
 */
function takeNumbers(items: readonly unknown[], walk: Walk): number {
  const count = items.length
  let bytes = 0
  let i = 0
  for (; i < count; i += 1) {
    const item = items[i]
    if (typeof item !== 'number' || item === 0 || item - item !== 0) break
    bytes += (item | 0) === item ? 8 : 19
  }
  if (walk.bytes + bytes > walk.maxBytes) return 0
  walk.bytes += bytes
  walk.nodes += i
  return i
}

function markItems(copy: Plain[], length: number, walk: Walk): Plain {
  walk.truncated = true
  const mark = `[truncated, ${length - copy.length} of ${length} items left out]`
  walk.bytes += mark.length
  copy.push(mark)
  return copy
}

// A Proxy may report anything.
function toLength(length: unknown): number {
  return typeof length === 'number' && length > 0 ? Math.min(Math.floor(length), 2 ** 32 - 1) : 0
}

// ---- objects ------------------------------------------------------------------------------------------------------------

/** `size` is the true number of fields where `source` holds only the first of them. */
function copyFields(source: object, walk: Walk, size?: number): Plain | undefined {
  const keys = Object.keys(source)
  const all = size ?? keys.length
  const copy: { [key: string]: Plain } = {}
  walk.bytes += 2
  for (let i = 0; i < keys.length; i += 1) {
    const key = keys[i] as string
    walk.bytes += key.length + 4
    if (isFull(walk)) return markFields(copy, all - i, all, walk)
    const field = readField(source, key)
    if (key === 'toJSON' && isCallable(field) && walk.settled !== source) return copyFromToJson(source, field, walk)
    const plain = copyValue(field, walk)
    if (plain === undefined) continue
    if (typeof field === 'object') silenceOwnPromise(source, key, field)
    setField(copy, key, plain)
  }
  return all > keys.length ? markFields(copy, all - keys.length, all, walk) : copy
}

function markFields(copy: { [key: string]: Plain }, leftOut: number, all: number, walk: Walk): Plain {
  walk.truncated = true
  const mark = `[truncated, ${leftOut} of ${all} fields left out]`
  walk.bytes += mark.length
  let key = LEFT_OUT_KEY
  while (Object.hasOwn(copy, key)) key += LEFT_OUT_KEY
  copy[key] = mark
  return copy
}

function readField(source: object, key: string | number): unknown {
  try {
    return (source as Record<string | number, unknown>)[key]
  } catch (thrown) {
    return `[Throws: ${toThrownName(thrown)}]`
  }
}

/** A promise that a getter made for us alone would end the process when it rejects; one that the user stored is left alone. */
function silenceOwnPromise(source: object, key: string, field: unknown): void {
  if (!types.isPromise(field)) return
  if (Object.getOwnPropertyDescriptor(source, key)?.get !== undefined) silence(field)
}

function silence(promise: Promise<unknown>): void {
  try {
    Reflect.apply(Promise.prototype.then, promise, [undefined, () => undefined])
  } catch {
    // A subclass with a species of its own refused; its rejections are its own affair.
  }
}

function copyInstance(value: object, walk: Walk): Plain | undefined {
  // An own, listed `toJSON` is met among the fields; asking here as well would call a getter twice.
  if (walk.settled === value || Object.prototype.propertyIsEnumerable.call(value, 'toJSON')) return copyFields(value, walk)
  const toJson = readField(value, 'toJSON')
  return isCallable(toJson) ? copyFromToJson(value, toJson, walk) : copyFields(value, walk)
}

type Callable = (...args: unknown[]) => unknown

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function'
}

/** Walks what `toJSON` gives back; the object's own fields when it throws or gives back itself. */
function copyFromToJson(value: object, toJson: Callable, walk: Walk): Plain | undefined {
  let result: unknown = value
  try {
    result = Reflect.apply(toJson, value, [''])
  } catch {
    // The own fields stand in.
  }
  if (types.isPromise(result)) silence(result)
  if (typeof result !== 'object' || result === null) return copyValue(result, walk)
  walk.settled = result
  return result === value ? copyFields(value, walk) : copyObject(result, walk)
}

// ---- collections and errors ---------------------------------------------------------------------------------------------

function copyMap(value: ReadonlyMap<unknown, unknown>, walk: Walk): Plain | undefined {
  const pairs = firstItems<[unknown, unknown]>(value, Map.prototype.entries, walk)
  const size: number = Reflect.get(Map.prototype, 'size', value)
  if (!pairs.every(([key]) => typeof key === 'string')) return copyOrdinaryArray(pairs, size, walk)
  const record: Record<string, unknown> = Object.create(null)
  for (const [key, item] of pairs) record[key as string] = item
  return copyFields(record, walk, size)
}

function copySet(value: ReadonlySet<unknown>, walk: Walk): Plain | undefined {
  const items = firstItems<unknown>(value, Set.prototype.values, walk)
  const size: number = Reflect.get(Set.prototype, 'size', value)
  return copyOrdinaryArray(items, size, walk)
}

/** Own iteration of the built-in, not the object's: a subclass may override it. */
function firstItems<T>(source: object, iterate: () => unknown, walk: Walk): T[] {
  const iterator = Reflect.apply(iterate, source, []) as Iterator<T, undefined>
  const items: T[] = []
  const most = Math.max(1, Math.min(walk.maxNodes - walk.nodes, walk.maxBytes - walk.bytes))
  for (let step = iterator.next(); step.done !== true && items.length < most; step = iterator.next()) items.push(step.value)
  return items
}

function copyError(error: Error, walk: Walk): Plain | undefined {
  const fields: Record<string, unknown> = Object.create(null)
  for (const key of ['name', 'message', 'stack', 'cause', 'errors']) {
    const field = readField(error, key)
    if (field !== undefined) fields[key] = field
  }
  for (const key of Object.keys(error)) {
    if (!(key in fields)) fields[key] = readField(error, key)
  }
  return copyFields(fields, walk)
}

import { types } from 'node:util'
import { isStoredObject, readProperty, silenceMade, silencePromise } from '../promises.js'
import { isMediaText, type MediaMode, summariseMedia } from './media.js'
import { type Plain, setField } from './plain.js'
import { isArrayPrototype, isErrorLike, isPlainPrototype } from './realm.js'
import { hasStackRoom } from '../stack-used-up.js'
import { PROMISE, toBigIntText, toFunctionText, toStandIn, toSymbolText, toThrownName } from './stand-in.js'
import { fitValue, LEAST_PART_BYTES, numberSize, sizeOf } from './room.js'
import { cutText, OVERLAP_BYTES, toCutListMark } from './text.js'
import { FirstFields } from './web-objects.js'

export type { Plain } from './plain.js'

/** Bounds of one snapshot. A huge value costs no more than the walk of `maxNodes` and its kept part. */
export interface SnapshotLimits {
  /**
   * Bytes of JSON to keep. Each part of the value gets its fair share of them. A text that is cut keeps up to 1 KiB more, so that
   * redaction sees whole secrets before the exact cut.
   */
  readonly maxBytes: number
  /** Levels of nesting to keep. @defaultValue 64 */
  readonly maxDepth?: number
  /** Units of work: a leaf counts 1, an object or array 4, a Proxy 150, an item of a proxied list 10. @defaultValue 400_000 */
  readonly maxNodes?: number
  /** What becomes of media. @defaultValue `'summary'` */
  readonly media?: MediaMode
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

// Deeper than messages and framework state get, and far from what a call stack holds.
const DEFAULT_MAX_DEPTH = 64
// About 20 ms of the worst shapes; 20,000 rows of three fields or 400,000 numbers pass whole.
const DEFAULT_MAX_NODES = 400_000
const CONTAINER_COST = 4
const PROXY_COST = 150
/** Kept free for the marks of what is left out. */
const MARKS_BYTES = 512
/** More than any number takes with its comma. */
const NUMBER_BYTES = 19
const TRAPPED_ITEM_COST = 10
/** Nodes that each later field of an object is sure of, while that is less than half of what is left. */
const RESERVED_NODES = 512
/** What is read of texts before they are only looked at, in multiples of the bytes to keep: a getter may make a new one each time. */
const MOST_TEXT = 16
const SHORT_TEXT_CHARS = 256
/** A medium that is longer is summarised at once, so that it takes no room of other fields; a shorter one when it is exported. */
const SHORTEST_MEDIUM_CHARS = 4096
/** Bytes that each later field of an object is sure of, while that is less than half of what is left. */
const RESERVED_BYTES = 4096
const UNREADABLE = '[Unreadable]'
const CIRCULAR = '[Circular]'
const LEFT_OUT_KEY = '…'
/** In place of the key of what stands for an object: the fields of that are of the object. */
const STAND_IN_KEY = -1

interface Walk {
  readonly media: MediaMode
  readonly maxDepth: number
  /** Where the part that is walked now has to end, counted in `nodes`. */
  maxNodes: number
  readonly maxBytes: number
  readonly isOpaque: OpaqueText | undefined
  /** The object that is being copied. */
  inside: Ancestor | undefined
  /** The field or item of it that is being copied. */
  key: string | number
  /** Levels down to which there was room on the stack. */
  roomyDepth: number
  /** Where that part has to end, counted in bytes that no cut of a text gives back. */
  maxFirmBytes: number
  bytes: number
  /** Those of `bytes` that texts can give back. */
  looseBytes: number
  nodes: number
  truncated: boolean
  /** What a `toJSON` gave back: walked, but not asked for another `toJSON`. */
  settled: object | undefined
}

/** An object being copied; a list through all that it stands in, which costs a small value less than an array. */
interface Ancestor {
  /** `undefined` for the object that {@link toResultSnapshot} puts around. */
  readonly value: object | undefined
  /** Where it was found in the outer one. */
  readonly key: string | number
  readonly depth: number
  readonly outer: Ancestor | undefined
}

/**
 * Copies `value` to plain data within `limits`: objects and arrays are copied, strings shared. Never throws, never changes
 * the value, reads each getter at most once and runs no other code of it than getters, Proxy traps and one `toJSON`.
 */
export function toSnapshot(value: unknown, limits: SnapshotLimits, isOpaque?: OpaqueText): Snapshot {
  return walkAndFit(copyValue, value, limits, OVERLAP_BYTES, isOpaque)
}

/** {@link toSnapshot} of `{ result: value }`, without that object: most calls have one. */
export function toResultSnapshot(value: unknown, limits: SnapshotLimits, isOpaque?: OpaqueText): Snapshot {
  return walkAndFit(copyResult, value, limits, OVERLAP_BYTES, isOpaque)
}

/** {@link toSnapshot} where nothing is redacted later: no text is longer than its share. */
export function takeSnapshot(value: unknown, maxBytes: number): Snapshot {
  return walkAndFit(copyValue, value, { maxBytes }, 0, undefined)
}

type Copy = (value: unknown, walk: Walk) => Plain | undefined

function walkAndFit(
  copyWhole: Copy,
  value: unknown,
  limits: SnapshotLimits,
  overlapBytes: number,
  isOpaque: OpaqueText | undefined,
): Snapshot {
  const { maxBytes, maxDepth = DEFAULT_MAX_DEPTH, maxNodes = DEFAULT_MAX_NODES } = limits
  const walk: Walk = {
    media: limits.media ?? 'summary',
    maxBytes,
    maxDepth,
    // A byte of JSON holds less than two nodes.
    maxNodes: Math.min(maxNodes, 2 * maxBytes + 1000),
    isOpaque,
    inside: undefined,
    key: '',
    roomyDepth: -1,
    maxFirmBytes: maxBytes - Math.min(MARKS_BYTES, maxBytes >> 2),
    bytes: 0,
    looseBytes: 0,
    nodes: 0,
    truncated: false,
    settled: undefined,
  }
  try {
    const copy = copyWhole(value, walk)
    if (copy === undefined) return { value: null, bytes: sizeOf(null), truncated: false }
    if (walk.bytes <= maxBytes) return { value: copy, bytes: walk.bytes, truncated: walk.truncated }
    const kept = fitValue(copy, maxBytes, overlapBytes)
    return { value: kept, bytes: sizeOf(kept), truncated: true }
  } catch {
    // The call stack may be nearly used up already; nothing of the host's is told apart here.
    return { value: UNREADABLE, bytes: UNREADABLE.length + 2, truncated: true }
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

/** Counts what {@link copyObject} counts of the object around it. */
function copyResult(value: unknown, walk: Walk): Plain {
  walk.nodes += 1 + CONTAINER_COST
  walk.bytes += 2
  if (isFull(walk)) return markFields({}, 1, 1, walk)
  walk.inside = { value: undefined, key: '', depth: 1, outer: undefined }
  const result = copyValue(value, walk)
  if (result === undefined) return {}
  walk.bytes += 'result'.length + 4
  return { result }
}

function copyText(text: string, walk: Walk): string {
  if (text.length > SHORTEST_MEDIUM_CHARS && walk.media === 'summary' && hasRoomFor(walk) && isMediaText(text))
    return countText(summariseMedia(text), walk)
  const most = walk.bytes > MOST_TEXT * walk.maxBytes ? SHORT_TEXT_CHARS : walk.maxBytes + OVERLAP_BYTES
  if (text.length <= most) return countText(text, walk)
  walk.truncated = true
  return countText(cutText(text, most), walk)
}

/** Whether expressions may be used so deep in the value; looked up once for each depth, as most long texts stand beside others. */
function hasRoomFor(walk: Walk): boolean {
  const depth = walk.inside?.depth ?? 0
  if (depth <= walk.roomyDepth) return true
  if (!hasStackRoom()) return false
  walk.roomyDepth = depth
  return true
}

function countText(text: string, walk: Walk): string {
  walk.bytes += text.length + 2
  if (text.length > LEAST_PART_BYTES) walk.looseBytes += text.length - LEAST_PART_BYTES
  return text
}

function copyNumber(value: number, walk: Walk): Plain {
  if (value - value !== 0) return copyText(String(value), walk)
  walk.bytes += numberSize(value)
  return value === 0 ? 0 : value
}

function copyFunction(value: object, walk: Walk): string {
  const text = walk.isOpaque?.(value) ?? toFunctionText(value)
  return copyText(text, walk)
}

function copyObject(value: object, walk: Walk): Plain | undefined {
  const { inside } = walk
  for (let at = inside; at !== undefined; at = at.outer) {
    if (at.value === value) return copyText(CIRCULAR, walk)
  }
  const depth = inside === undefined ? 0 : inside.depth
  if (depth >= walk.maxDepth) return markDepth(value, walk)
  walk.nodes += types.isProxy(value) ? PROXY_COST : CONTAINER_COST
  const { bytes, looseBytes } = walk
  walk.inside = { value, key: walk.key, depth: depth + 1, outer: inside }
  try {
    const copy = copyContent(value, walk)
    walk.inside = inside
    return copy
  } catch {
    walk.inside = inside
    walk.bytes = bytes
    walk.looseBytes = looseBytes
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
  if (prototype === Object.prototype || prototype === null || isPlainPrototype(prototype)) return copyFields(value, walk)
  const opaque = walk.isOpaque?.(value)
  if (opaque !== undefined) return copyText(opaque, walk)
  if (types.isMap(value)) return copyMap(value, walk)
  if (types.isSet(value)) return copySet(value, walk)
  if (isErrorLike(value)) return copyError(value, walk)
  const standIn = toStandIn(value, walk.media, walk.maxBytes)
  if (standIn instanceof FirstFields) return copyFirstFields(standIn, walk)
  if (typeof standIn === 'object' && standIn !== null && !Array.isArray(standIn)) silenceFields(value, standIn)
  if (standIn === undefined) return copyInstance(value, walk)
  walk.key = STAND_IN_KEY
  return copyValue(standIn, walk)
}

function copyFirstFields({ fields, leftOut }: FirstFields, walk: Walk): Plain | undefined {
  return copyFields(fields, walk, Object.keys(fields).length + leftOut)
}

/** What stands for `source` holds what its getters gave. */
function silenceFields(source: object, standIn: object): void {
  for (const [key, field] of Object.entries(standIn)) if (key in source) silenceMade(source, key, field)
}

/** {@link silenceMade} for what was read of the object that is being copied, which may have been made itself. */
function silenceRead(source: object, key: string | number, value: unknown, walk: Walk): void {
  if (!types.isPromise(value)) return
  if (isInsideMade(walk)) silencePromise(value)
  else silenceMade(source, key, value)
}

/** The promises of an object that was made for us, in those of its fields that are not read. */
function silenceLeftOut(source: object, keys: readonly string[], walk: Walk): void {
  if (!isInsideMade(walk)) return
  for (const key of keys) silencePromise(Object.getOwnPropertyDescriptor(source, key)?.value)
}

/** Whether the object that is being copied came to be because it was read: by a getter, a trap or `toJSON`, or within what they gave. */
function isInsideMade(walk: Walk): boolean {
  for (let at = walk.inside; at?.outer !== undefined; at = at.outer) {
    const { value, key, outer } = at
    if (value === undefined || outer.value === undefined || key === STAND_IN_KEY) continue
    const isEntry = types.isMap(outer.value) || types.isSet(outer.value)
    if (!isEntry && !isStoredObject(outer.value, key, value)) return true
  }
  return false
}

function isFull(walk: Walk): boolean {
  return walk.nodes > walk.maxNodes || walk.bytes - walk.looseBytes > walk.maxFirmBytes
}

/** Copies one of several parts so that the `later` ones have room left. */
function copyPart(value: unknown, later: number, walk: Walk): Plain | undefined {
  if (later === 0 || typeof value !== 'object') return copyValue(value, walk)
  const { maxNodes, maxFirmBytes } = walk
  walk.maxNodes -= reserve(later * RESERVED_NODES, maxNodes - walk.nodes)
  walk.maxFirmBytes -= reserve(later * RESERVED_BYTES, firmRoom(walk))
  const copy = copyValue(value, walk)
  walk.maxNodes = maxNodes
  walk.maxFirmBytes = maxFirmBytes
  return copy
}

function firmRoom(walk: Walk): number {
  return Math.max(0, walk.maxFirmBytes - walk.bytes + walk.looseBytes)
}

function reserve(wanted: number, left: number): number {
  return Math.min(wanted, Math.max(0, left) >> 1)
}

/** An item of a list has its place whatever it is. */
function copyItem(value: unknown, later: number, walk: Walk): Plain {
  walk.bytes += 1
  const copy = copyPart(value, later, walk)
  if (copy !== undefined) return copy
  walk.bytes += 4
  return null
}

// ---- arrays -------------------------------------------------------------------------------------------------------------

function copyArray(value: readonly unknown[], walk: Walk): Plain {
  const length = toLength(readProperty(value, 'length'))
  if (isOrdinaryArray(value)) return copyOrdinaryArray(value, length, walk)
  const copy: Plain[] = []
  walk.bytes += 2
  for (let i = 0; i < length; i += 1) {
    if (isFull(walk)) return markItems(copy, length, walk)
    walk.nodes += TRAPPED_ITEM_COST
    const item = readField(value, i)
    walk.key = i
    copy.push(copyItem(item, length - 1 - i, walk))
    silenceRead(value, i, item, walk)
  }
  return copy
}

// `slice` would ask a subclass, a Proxy or an own `constructor` which array to build.
function isOrdinaryArray(value: readonly unknown[]): boolean {
  return isArrayPrototype(Object.getPrototypeOf(value)) && !types.isProxy(value) && !Object.hasOwn(value, 'constructor')
}

/**
 * One native copy reads every item once, accessors included; then the copy is made plain in place. `length` is the true number of
 * items where `value` holds only the first of them.
 */
function copyOrdinaryArray(value: readonly unknown[], length: number, walk: Walk): Plain {
  const wanted = Math.min(length, value.length, Math.max(0, walk.maxNodes - walk.nodes) + 1, firmRoom(walk) + 1)
  let copy: unknown[]
  try {
    copy = Array.prototype.slice.call(value, 0, wanted)
  } catch (thrown) {
    return copyText(`[Throws: ${toThrownName(thrown)}]`, walk)
  }
  walk.bytes += 2
  for (let i = takeNumbers(copy, walk); i < wanted; i += 1) {
    if (isFull(walk)) {
      for (let rest = i; rest < wanted; rest += 1) silenceRead(value, rest, copy[rest], walk)
      copy.length = i
      return markItems(copy as Plain[], length, walk)
    }
    const item = copy[i]
    walk.key = i
    const plain = copyItem(item, wanted - 1 - i, walk)
    if (plain === PROMISE) silenceRead(value, i, item, walk)
    if (plain !== item || plain === 0) copy[i] = plain
  }
  // Every item was replaced by its plain form above.
  return wanted < length ? markItems(copy as Plain[], length, walk) : (copy as Plain[])
}

/**
 * Counts the plain numbers an array begins with and gives back how many there are: embeddings need no more than this. Zero is
 * left to the caller because it may be -0.
 */
function takeNumbers(items: readonly unknown[], walk: Walk): number {
  const count = Math.min(items.length, walk.maxNodes - walk.nodes, firmRoom(walk) / NUMBER_BYTES)
  let i = 0
  for (; i < count; i += 1) {
    const item = items[i]
    if (typeof item !== 'number' || item === 0 || item - item !== 0) break
    walk.bytes += numberSize(item) + 1
  }
  walk.nodes += i
  return i
}

function markItems(copy: Plain[], length: number, walk: Walk): Plain {
  walk.truncated = true
  const mark = toCutListMark(length - copy.length, length, 'items')
  walk.bytes += mark.length + 3
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
  const { bytes, looseBytes } = walk
  walk.bytes += 2
  for (let i = 0; i < keys.length; i += 1) {
    const key = keys[i] as string
    if (isFull(walk)) {
      silenceLeftOut(source, keys.slice(i), walk)
      return markFields(copy, all - i, all, walk)
    }
    const field = readField(source, key)
    walk.key = key
    if (key === 'toJSON' && isCallable(field) && walk.settled !== source) {
      walk.bytes = bytes
      walk.looseBytes = looseBytes
      return copyFromToJson(source, field, walk)
    }
    const plain = copyPart(field, keys.length - 1 - i, walk)
    if (plain === undefined) continue
    walk.bytes += key.length + 4
    if (plain === PROMISE) silenceRead(source, key, field, walk)
    setField(copy, key, plain)
  }
  return all > keys.length ? markFields(copy, all - keys.length, all, walk) : copy
}

function markFields(copy: { [key: string]: Plain }, leftOut: number, all: number, walk: Walk): Plain {
  walk.truncated = true
  const mark = toCutListMark(leftOut, all, 'fields')
  let key = LEFT_OUT_KEY
  while (Object.hasOwn(copy, key)) key += LEFT_OUT_KEY
  walk.bytes += key.length + mark.length + 6
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

function copyInstance(value: object, walk: Walk): Plain | undefined {
  // An own, listed `toJSON` is met among the fields; asking here as well would call a getter twice.
  if (walk.settled === value || Object.prototype.propertyIsEnumerable.call(value, 'toJSON')) return copyFields(value, walk)
  const toJson = readField(value, 'toJSON')
  silenceMade(value, 'toJSON', toJson)
  return isCallable(toJson) ? copyFromToJson(value, toJson, walk) : copyFields(value, walk)
}

type Callable = (...args: unknown[]) => unknown

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function'
}

/** Walks what `toJSON` gives back; the object's own fields when it throws, is async or gives back itself. */
function copyFromToJson(value: object, toJson: Callable, walk: Walk): Plain | undefined {
  let result: unknown = value
  try {
    result = Reflect.apply(toJson, value, [''])
  } catch {
    // The own fields stand in.
  }
  silencePromise(result)
  // What an async one has to say is not there in time.
  if (types.isPromise(result)) result = value
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
  const most = Math.max(1, Math.min(walk.maxNodes - walk.nodes, firmRoom(walk)))
  for (let step = iterator.next(); step.done !== true && items.length < most; step = iterator.next()) items.push(step.value)
  return items
}

function copyError(error: Error, walk: Walk): Plain | undefined {
  const fields: Record<string, unknown> = Object.create(null)
  for (const key of ['name', 'message', 'stack', 'cause', 'errors']) {
    const field = readField(error, key)
    silenceMade(error, key, field)
    if (field !== undefined) fields[key] = field
  }
  for (const key of Object.keys(error)) {
    if (key in fields) continue
    fields[key] = readField(error, key)
    silenceMade(error, key, fields[key])
  }
  return copyFields(fields, walk)
}

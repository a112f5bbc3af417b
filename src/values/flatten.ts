import { joinPath } from './paths.js'
import { isPlainArray, type Plain, type PlainObject, setField } from './plain.js'
import { takeSnapshot } from './snapshot.js'
import { clampText, toWellFormedText } from './text.js'

export { clampText, toWellFormedText } from './text.js'

/** One value an OTLP attribute can carry; numbers are finite and within the safe integers. */
export type AttributeScalar = string | number | boolean

/** Bounds and hooks of one {@link flatten}. */
export interface FlattenOptions {
  /** Most attributes to emit, at least 1. */
  readonly budget: number
  /** Most bytes of UTF-8 over all leaves, their own keys included and repeated path prefixes not. */
  readonly maxBytes: number
  /** Replaces a leaf before it is cut; `path` is the whole attribute name, also for leaves that travel inside JSON text. */
  readonly transform?: ((path: string, leaf: Plain) => Plain) | undefined
}

/** What one {@link flatten} did. */
export interface FlattenResult {
  /** Attributes emitted. */
  readonly count: number
  /** Whether bytes were cut. Travelling as JSON text because of `budget` loses nothing and does not count. */
  readonly truncated: boolean
}

/** Longest attribute name built from a path; what lies deeper travels as JSON text, so that long keys do not multiply. */
const MAX_PATH_CHARS = 1024
/** Most bytes of one attribute given through `setAttribute`. */
const MAX_ATTRIBUTE_BYTES = 10_485_760
const CUT_LEAF = '[truncated]'

type Emit = (key: string, value: AttributeScalar) => void

interface Run {
  readonly emit: Emit
  readonly transform: ((path: string, leaf: Plain) => Plain) | undefined
  bytesLeft: number
  count: number
  truncated: boolean
  /** Whether the leaves that were left out have their one mark. */
  hasMark: boolean
}

/**
 * Emits the leaves of `value` as `prefix.path`. What an attribute cannot say travels as one JSON text at its path: empty
 * containers, arrays with `null`, keys that would collide, and as many subtrees as it takes to stay within `budget`.
 */
export function flatten(prefix: string, value: Plain, options: FlattenOptions, emit: Emit): FlattenResult {
  const run: Run = { emit, transform: options.transform, bytesLeft: options.maxBytes, count: 0, truncated: false, hasMark: false }
  const path = toWellFormedText(prefix)
  if (value === null) {
    emitLeaf(path, 'null', run)
  } else {
    const top = separateDots(value)
    const allowance = Math.max(1, options.budget)
    if (countLeaves(top, allowance + 1) <= allowance) spread(path, path, top, run)
    else flattenNode(path, path, top, allowance, run)
  }
  return { count: run.count, truncated: run.truncated }
}

/** {@link flattenNode} where every leaf fits into the budget. */
function spread(path: string, key: string, node: Plain, run: Run): void {
  if (typeof node !== 'object' || node === null) return emitTransformed(path, key, node, run)
  if (path.length > MAX_PATH_CHARS) return emitJson(path, key, node, run)
  if (isPlainArray(node)) spreadItems(path, key, node, run)
  else spreadFields(path, key, node, run)
}

function spreadItems(path: string, key: string, items: readonly Plain[], run: Run): void {
  if (isOneText(items)) return emitJson(path, key, items, run)
  for (let i = 0; i < items.length; i += 1) {
    const name = String(i)
    spread(joinPath(path, name), name, items[i] as Plain, run)
  }
}

function spreadFields(path: string, key: string, fields: PlainObject, run: Run): void {
  const names = Object.keys(fields)
  if (isEmpty(fields, names) || hasCollision(fields, names)) return emitJson(path, key, fields, run)
  for (const name of names) {
    const field = fields[name] as Plain
    if (field !== null) spread(joinPath(path, name), name, field, run)
  }
}

function flattenNode(path: string, key: string, node: Plain, allowance: number, run: Run): void {
  if (typeof node !== 'object' || node === null) return emitTransformed(path, key, node, run)
  const children = path.length > MAX_PATH_CHARS ? undefined : childrenOf(node)
  if (children === undefined || children.length > allowance) return emitJson(path, key, node, run)
  const grants = shareOut(children, allowance)
  for (let i = 0; i < children.length; i += 1) {
    const [name, child] = children[i] as Child
    flattenNode(joinPath(path, name), name, child, grants?.[i] ?? allowance, run)
  }
}

type Child = readonly [name: string, value: Plain]

/** The fields that become paths of their own, or `undefined` when the node has to travel as JSON text. */
function childrenOf(node: readonly Plain[] | PlainObject): Child[] | undefined {
  if (isPlainArray(node)) return isOneText(node) ? undefined : node.map((item, i): Child => [String(i), item])
  const names = Object.keys(node).filter((name) => node[name] !== null)
  if (names.length === 0 || hasCollision(node, names)) return undefined
  return names.map((name): Child => [name, node[name] as Plain])
}

/** An attribute cannot say that a list is empty, nor where in it a `null` stands. */
function isOneText(items: readonly Plain[]): boolean {
  return items.length === 0 || items.includes(null)
}

function isEmpty(fields: PlainObject, names: readonly string[]): boolean {
  for (const name of names) {
    if (fields[name] !== null) return false
  }
  return true
}

/** Whether a dotted key reads as a path through another key: `{ a: 1, 'a.b': 2 }`. */
function hasCollision(node: PlainObject, names: readonly string[]): boolean {
  for (const name of names) {
    if (node[name] !== null && (name.length > MAX_PATH_CHARS || collides(node, name))) return true
  }
  return false
}

function collides(node: PlainObject, name: string): boolean {
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    if (dot > MAX_PATH_CHARS) return false
    if (Object.hasOwn(node, name.slice(0, dot))) return true
  }
  return false
}

/** The bare prefix must stay free for other fields of the bucket, so a colliding key of the top level is renamed instead. */
function separateDots(value: Plain): Plain {
  if (typeof value !== 'object' || value === null || isPlainArray(value)) return value
  const names = Object.keys(value)
  if (!names.some((name) => collides(value, name))) return value
  const clashing = names.filter((name) => collides(value, name))
  const copy: { [key: string]: Plain } = {}
  for (const [name, child] of Object.entries(value)) {
    if (!clashing.includes(name)) setField(copy, name, child)
  }
  for (const name of clashing) {
    let free = name.replaceAll('.', '_')
    while (Object.hasOwn(value, free) || Object.hasOwn(copy, free)) free += '_'
    setField(copy, free, value[name] as Plain)
  }
  return copy
}

// ---- sharing the budget -------------------------------------------------------------------------------------------------

/** How many attributes each child may use: small ones all they need, what is left goes to the largest. `undefined`: enough. */
function shareOut(children: readonly Child[], allowance: number): number[] | undefined {
  const sizes: number[] = []
  let total = 0
  for (const [, child] of children) {
    const size = countLeaves(child, allowance + 1)
    sizes.push(size)
    total += size
  }
  if (total <= allowance) return undefined
  let spare = allowance - children.length
  const grants = sizes.map(() => 1)
  const bySize = sizes.map((_, i) => i).sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0))
  for (const i of bySize) {
    const extra = Math.min((sizes[i] ?? 1) - 1, spare)
    grants[i] = 1 + extra
    spare -= extra
  }
  return grants
}

/** Leaves of a subtree, counted up to `most`. A container that travels as JSON counts as one. */
function countLeaves(node: Plain, most: number): number {
  if (typeof node !== 'object' || node === null) return 1
  const items = isPlainArray(node) ? node : Object.values(node)
  let count = 0
  for (const item of items) {
    if (item !== null) count += typeof item === 'object' ? countLeaves(item, most - count) : 1
    if (count >= most) return most
  }
  return Math.max(1, count)
}

// ---- leaves -------------------------------------------------------------------------------------------------------------

function emitTransformed(path: string, key: string, leaf: Plain, run: Run): void {
  const shown = run.transform === undefined ? leaf : run.transform(path, leaf)
  if (shown === null) return emitLeaf(path, 'null', run)
  if (typeof shown === 'object') return emitLeaf(path, toJsonText(shown, run), run)
  spend(key, run)
  emitLeaf(path, toScalar(shown), run)
}

function emitJson(path: string, key: string, node: Plain, run: Run): void {
  const { transform } = run
  const shown = transform === undefined ? node : mapLeaves(path, node, transform)
  spend(key, run)
  emitLeaf(path, toJsonText(shown, run), run)
}

function spend(key: string, run: Run): void {
  run.bytesLeft -= key.length + 4
}

function emitLeaf(path: string, value: AttributeScalar, run: Run): void {
  if (run.bytesLeft <= 0) {
    if (!run.hasMark) send(path, CUT_LEAF, run)
    run.hasMark = true
    run.truncated = true
    return
  }
  if (typeof value !== 'string') {
    run.bytesLeft -= 8
    return send(path, value, run)
  }
  const text = clampText(value, run.bytesLeft)
  if (text.length !== value.length) run.truncated = true
  run.bytesLeft -= Buffer.byteLength(text) + 2
  send(path, text, run)
}

function send(path: string, value: AttributeScalar, run: Run): void {
  run.count += 1
  run.emit(path, value)
}

function toScalar(leaf: AttributeScalar): AttributeScalar {
  if (typeof leaf !== 'number') return leaf
  if (!Number.isFinite(leaf) || (Number.isInteger(leaf) && !Number.isSafeInteger(leaf))) return String(leaf)
  return leaf === 0 ? 0 : leaf
}

/** JSON text that fits: too large a value is shortened inside, so that the text stays valid JSON. */
function toJsonText(value: Plain, run: Run): string {
  const text = JSON.stringify(value)
  if (text.length <= run.bytesLeft && Buffer.byteLength(text) <= run.bytesLeft) return text
  run.truncated = true
  for (const share of [0.9, 0.45, 0.2]) {
    const shorter = JSON.stringify(takeSnapshot(value, Math.floor(run.bytesLeft * share)).value)
    if (Buffer.byteLength(shorter) <= run.bytesLeft) return shorter
  }
  return text
}

function mapLeaves(path: string, node: Plain, transform: (path: string, leaf: Plain) => Plain): Plain {
  if (typeof node !== 'object') return transform(path, node)
  if (node === null) return null
  if (isPlainArray(node)) return node.map((item, i) => mapLeaves(`${path}.${i}`, item, transform))
  const copy: { [key: string]: Plain } = {}
  for (const [name, child] of Object.entries(node)) setField(copy, name, mapLeaves(`${path}.${name}`, child, transform))
  return copy
}

// ---- attributes given by hand -------------------------------------------------------------------------------------------

/**
 * Anything given to `setAttribute`, made fit for OTLP: arrays of one primitive type are copied, other objects become JSON
 * text. `undefined` for `undefined` and `null`. Never throws.
 */
export function toAttributeValue(value: unknown): AttributeScalar | AttributeScalar[] | undefined {
  if (typeof value === 'string') return clampText(value, MAX_ATTRIBUTE_BYTES)
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return toScalar(value)
  if (value === undefined || value === null) return undefined
  const { value: plain } = takeSnapshot(value, MAX_ATTRIBUTE_BYTES)
  if (plain === null) return undefined
  if (typeof plain !== 'object') return typeof plain === 'string' ? clampText(plain, MAX_ATTRIBUTE_BYTES) : toScalar(plain)
  const items = isPlainArray(plain) ? toHomogeneous(plain) : undefined
  return items ?? clampText(JSON.stringify(plain), MAX_ATTRIBUTE_BYTES)
}

function toHomogeneous(items: readonly Plain[]): AttributeScalar[] | undefined {
  const kind = typeof items[0]
  if (kind === 'object' || items.some((item) => typeof item !== kind)) return undefined
  // Every item has the type of the first, and that is a scalar one (or there is no item).
  const scalars = (items as readonly AttributeScalar[]).map(toScalar)
  const isUniform = scalars.every((item) => typeof item === kind)
  if (!isUniform) return scalars.map(String)
  return kind === 'string' ? scalars.map((item) => toWellFormedText(String(item))) : scalars
}

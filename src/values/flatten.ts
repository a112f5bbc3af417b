import { toJsonText } from '../builtins.js'
import { clashingNames, createUndotted } from './dotted-names.js'
import { joinPath } from './paths.js'
import { isPlainArray, type Plain, type PlainObject, setField } from './plain.js'
import { shareOut } from './room.js'
import { takeSnapshot } from './snapshot.js'
import { clampText, toWellFormedText } from './text.js'

/** One value an OTLP attribute can carry; numbers are finite and within the safe integers. */
export type AttributeScalar = string | number | boolean

/** Longest attribute name built from a path; what lies deeper travels as JSON text, so that long keys do not multiply. */
const MAX_PATH_CHARS = 1024
/** Most bytes of one attribute given through `setAttribute`. */
const MAX_ATTRIBUTE_BYTES = 10_485_760

type Emit = (key: string, value: AttributeScalar) => void

/**
 * Emits the leaves of `value` as `prefix.path`. What an attribute cannot say travels as one JSON text at its path: empty
 * containers, arrays with `null`, keys that would collide, and as many subtrees as it takes to stay within `budget` attributes, at
 * least 1. Nothing is lost.
 */
export function flatten(prefix: string, value: Plain, budget: number, emit: Emit): void {
  const path = toWellFormedText(prefix)
  if (value === null) return emit(path, 'null')
  const top = separateDots(value)
  const allowance = Math.max(1, budget)
  if (countLeaves(top, allowance + 1) <= allowance) spread(path, top, emit)
  else flattenNode(path, top, allowance, emit)
}

/** {@link flatten} without a budget. */
export function flattenAll(prefix: string, value: Plain, emit: Emit): void {
  if (value === null) emit(prefix, 'null')
  else spread(prefix, separateDots(value), emit)
}

/** {@link flattenNode} where every leaf fits into the budget. */
function spread(path: string, node: Plain, emit: Emit): void {
  if (typeof node !== 'object' || node === null) return emit(path, toLeaf(node))
  if (path.length > MAX_PATH_CHARS) return emit(path, toJsonText(node))
  if (isPlainArray(node)) spreadItems(path, node, emit)
  else spreadFields(path, node, emit)
}

function spreadItems(path: string, items: readonly Plain[], emit: Emit): void {
  if (isOneText(items)) return emit(path, toJsonText(items))
  for (let i = 0; i < items.length; i += 1) spread(joinPath(path, String(i)), items[i] as Plain, emit)
}

function spreadFields(path: string, fields: PlainObject, emit: Emit): void {
  const names = Object.keys(fields)
  if (isEmpty(fields, names) || hasCollision(fields, names)) return emit(path, toJsonText(fields))
  for (const name of names) {
    const field = fields[name] as Plain
    if (field !== null) spread(joinPath(path, name), field, emit)
  }
}

function flattenNode(path: string, node: Plain, allowance: number, emit: Emit): void {
  if (typeof node !== 'object' || node === null) return emit(path, toLeaf(node))
  const children = path.length > MAX_PATH_CHARS ? undefined : childrenOf(node)
  if (children === undefined || children.length > allowance) return emit(path, toJsonText(node))
  const grants = shareLeaves(children, allowance)
  for (let i = 0; i < children.length; i += 1) {
    const [name, child] = children[i] as Child
    flattenNode(joinPath(path, name), child, grants?.[i] ?? allowance, emit)
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
  const clashing = clashingNames(names)
  for (const name of names) {
    if (node[name] !== null && (name.length > MAX_PATH_CHARS || clashing.has(name))) return true
  }
  return false
}

/** The bare prefix must stay free for other fields of the bucket, so a colliding key of the top level is renamed instead. */
function separateDots(value: Plain): Plain {
  if (typeof value !== 'object' || value === null || isPlainArray(value)) return value
  const clashing = clashingNames(Object.keys(value))
  if (clashing.size === 0) return value
  const copy: { [key: string]: Plain } = {}
  for (const [name, child] of Object.entries(value)) {
    if (!clashing.has(name)) setField(copy, name, child)
  }
  const toFree = createUndotted((name) => Object.hasOwn(value, name) || Object.hasOwn(copy, name))
  for (const name of clashing) setField(copy, toFree(name), value[name] as Plain)
  return copy
}

// ---- sharing the budget -------------------------------------------------------------------------------------------------

/** How many attributes each child may use, at least one. `undefined`: enough for all. */
function shareLeaves(children: readonly Child[], allowance: number): number[] | undefined {
  const sizes = children.map(([, child]) => countLeaves(child, allowance + 1))
  return sizes.reduce((total, size) => total + size, 0) <= allowance ? undefined : shareOut(sizes, allowance)
}

/** Leaves of a subtree, counted up to `most`. A container that travels as JSON counts as one. */
export function countLeaves(node: Plain, most: number): number {
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

function toLeaf(leaf: AttributeScalar | null): AttributeScalar {
  if (leaf === null) return 'null'
  return typeof leaf === 'string' ? toWellFormedText(leaf) : toScalar(leaf)
}

function toScalar(leaf: AttributeScalar): AttributeScalar {
  if (typeof leaf !== 'number') return leaf
  if (!Number.isFinite(leaf) || (Number.isInteger(leaf) && !Number.isSafeInteger(leaf))) return String(leaf)
  return leaf === 0 ? 0 : leaf
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
  return items ?? clampText(toJsonText(plain), MAX_ATTRIBUTE_BYTES)
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

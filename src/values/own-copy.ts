import { types } from 'node:util'
import { isArrayPrototype, isPlainPrototype } from './realm.js'

/**
 * `value` with lists and literals of its own, down to the innermost: what is done to them does not show in `value`. Objects of a class,
 * functions and proxies are shared, and so is what cannot be copied.
 */
export function toOwnCopy<T>(value: T): T {
  try {
    return copyOf(value, new Map()) as T
  } catch {
    // Deeper than the stack holds.
    return value
  }
}

/** @param copies what was copied already: an object may stand in several places, or in itself. */
function copyOf(value: unknown, copies: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) return isList(value) ? copyList(value, copies) : value
  return isPlainPrototype(Object.getPrototypeOf(value)) ? copyLiteral(value, copies) : value
}

/** A list that has more than its items, or fewer than its length says, is more than a list. */
function isList(value: readonly unknown[]): boolean {
  return isArrayPrototype(Object.getPrototypeOf(value)) && Reflect.ownKeys(value).length === value.length + 1
}

function copyList(list: readonly unknown[], copies: Map<object, object>): unknown[] {
  const copy = list.slice()
  copies.set(list, copy)
  for (let i = 0; i < copy.length; i += 1) {
    const item = copy[i]
    if (typeof item === 'object') copy[i] = copyOf(item, copies)
  }
  return copy
}

/** Getters stay getters. */
function copyLiteral(literal: object, copies: Map<object, object>): object {
  const copy = Object.create(Object.getPrototypeOf(literal) as object | null) as object
  copies.set(literal, copy)
  for (const key of Reflect.ownKeys(literal)) {
    const descriptor = Object.getOwnPropertyDescriptor(literal, key)
    if (descriptor === undefined) continue
    if (typeof descriptor.value === 'object') descriptor.value = copyOf(descriptor.value, copies)
    Object.defineProperty(copy, key, descriptor)
  }
  return copy
}

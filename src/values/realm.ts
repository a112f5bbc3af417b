/**
 * What a value is, in whichever realm it was made: a `vm` context, a worker's message, jsdom. `instanceof` knows one realm alone.
 * All of these may run traps of a Proxy.
 */
import { types } from 'node:util'

const MAX_PROTOTYPES = 16

/** Whether objects with this prototype are what a literal makes: the root of some realm, or no prototype at all. */
export function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype || prototype === null) return true
  return typeof prototype === 'object' && prototype !== null && isRoot(prototype)
}

/** Whether a prototype is the `Object.prototype` of some realm. */
function isRoot(prototype: object): boolean {
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf') && Object.hasOwn(prototype, '__defineGetter__')
  )
}

/** Whether a list is an array of some realm and no subclass. */
export function isArrayPrototype(prototype: unknown): boolean {
  if (prototype === Array.prototype) return true
  return Array.isArray(prototype) && isPlainPrototype(Object.getPrototypeOf(prototype))
}

/** Errors of any realm, those of the DOM, and what inherits from one. */
export function isErrorLike(value: object): value is Error {
  return types.isNativeError(value) || inheritsFrom(value, isErrorPrototype)
}

function isErrorPrototype(prototype: object): boolean {
  if (prototype === Error.prototype) return true
  const made: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  const name: unknown = typeof made === 'function' ? Object.getOwnPropertyDescriptor(made, 'name')?.value : undefined
  const isNamed = name === 'Error' || name === 'DOMException'
  return isNamed && 'message' in prototype && 'name' in prototype
}

/** Whether one of the prototypes of `value` is as asked. */
export function inheritsFrom(value: object, isWanted: (prototype: object) => boolean): boolean {
  let prototype: object | null = Object.getPrototypeOf(value)
  for (let level = 0; prototype !== null && level < MAX_PROTOTYPES; level += 1) {
    if (isWanted(prototype)) return true
    prototype = Object.getPrototypeOf(prototype)
  }
  return false
}

/** Streams of Node, without touching a getter. */
export function isNodeStream(value: object): boolean {
  return 'pipe' in value && 'on' in value && 'emit' in value && ('readable' in value || 'writable' in value || '_events' in value)
}

/** The global object of a realm. */
export function isGlobal(value: object): boolean {
  return value === globalThis || Object.getOwnPropertyDescriptor(value, 'globalThis')?.value === value
}

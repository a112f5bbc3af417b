import { types } from 'node:util'
import { reflectApply } from '../builtins.js'
import { giveBackFrames, makeRoomForFrames } from './stack-frames.js'

/** A method, whatever it takes and gives. */
export type Method = (...args: unknown[]) => unknown

/** Makes spans current around a call. */
export interface Surrounding {
  enter(): unknown
  leave(before: unknown): void
}

/** What happens around a method or getter of one object. What these hooks throw is not seen by anyone. */
export interface Around {
  /** Current while the original runs. */
  readonly inside?: Surrounding | undefined
  /** Told before the original is called. */
  before?(args: readonly unknown[]): void
  /** Arguments that the original gets in place of the caller's. */
  args?(args: unknown[]): unknown[]
  /** Called in place of the original. */
  instead?(original: Method, self: unknown, args: unknown[]): unknown
  /** Told what the original gave; what it gives back is handed out in its place. */
  result?(result: unknown, self: unknown): unknown
  thrown?(error: unknown): void
}

/** Puts a method on `value` that stands before the one it has; false when it has none or cannot be changed. */
export function shadow(value: object, key: PropertyKey, around: Around): boolean {
  const found = findProperty(value, key)
  const original: unknown = found?.descriptor.value
  if (found === undefined || typeof original !== 'function') return false
  const method = function honeyhiveCall(this: unknown, ...args: unknown[]): unknown {
    const beneath = this === value ? undefined : findBeneathCopy(this, key, method, original as Method)
    return beneath === undefined ? call(around, original as Method, this, args) : reflectApply(beneath, this, args)
  }
  return put(value, key, found, { value: method, configurable: true, writable: true })
}

/**
 * What an object of another class would call without `method`, which was copied to it: libraries give a promise the properties of another one.
 * `undefined` where it is no such copy.
 */
export function findBeneathCopy(self: unknown, key: PropertyKey, method: unknown, original: Method): Method | undefined {
  if (typeof self !== 'object' || self === null || types.isProxy(self)) return undefined
  if (Object.getOwnPropertyDescriptor(self, key)?.value !== method) return undefined
  const prototype = Object.getPrototypeOf(self) as object | null
  const beneath = prototype === null ? undefined : findMethod(prototype, key)
  return beneath === original ? undefined : beneath
}

/** Puts a getter on `value` that stands before the one it has, which is not read now. */
export function shadowGetter(value: object, key: PropertyKey, around: Around): boolean {
  const found = findProperty(value, key)
  const { get, set } = found?.descriptor ?? {}
  if (found === undefined || get === undefined) return false
  const getter = function honeyhiveCall(this: unknown): unknown {
    return call(around, get as Method, this, [])
  }
  return put(value, key, found, { get: getter, ...(set === undefined ? {} : { set }), configurable: true })
}

/** A new property is out of sight of loops over the keys; an own one stays as visible as it was. */
function put(value: object, key: PropertyKey, { owner, descriptor }: Found, made: PropertyDescriptor): boolean {
  const isOwn = owner === value
  if (isOwn ? descriptor.configurable !== true : !Object.isExtensible(value)) return false
  made.enumerable = isOwn && descriptor.enumerable === true
  return Reflect.defineProperty(value, key, made)
}

/** A shadowed call goes through two functions of ours. They are named alike, so that the stack of a recorded error can do without them. */
const OWN_FRAMES = 2

const call = function honeyhiveCall(around: Around, original: Method, self: unknown, args: unknown[]): unknown {
  const given = toArguments(around, args)
  const before = around.inside?.enter()
  const stackLimit = makeRoomForFrames(OWN_FRAMES)
  let result: unknown
  try {
    result = around.instead === undefined ? reflectApply(original, self, given) : around.instead(original, self, given)
  } catch (error) {
    giveBackFrames(stackLimit, OWN_FRAMES)
    around.inside?.leave(before)
    tell(() => around.thrown?.(error))
    throw error
  }
  try {
    giveBackFrames(stackLimit, OWN_FRAMES)
    around.inside?.leave(before)
    return around.result === undefined ? result : around.result(result, self)
  } catch {
    // Also where the stack is used up: what the host's own call gave is the caller's all the same.
    return result
  }
}

function toArguments(around: Around, args: unknown[]): unknown[] {
  try {
    around.before?.(args)
    return around.args?.(args) ?? args
  } catch {
    return args
  }
}

function tell(work: () => void): void {
  try {
    work()
  } catch {
    // The border to the host: what fails in telling of its call is not its business.
  }
}

/** Longest prototype chain that is followed: a hostile proxy can make one without end. */
const MAX_PROTOTYPES = 64

/** A property and the object that has it. */
export interface Found {
  readonly owner: object
  readonly descriptor: PropertyDescriptor
}

/** Finds a property without reading it, so that no getter runs. */
export function findProperty(value: object, key: PropertyKey): Found | undefined {
  let owner: object | null = value
  for (let i = 0; owner !== null && i < MAX_PROTOTYPES; i++) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key)
    if (descriptor !== undefined) return { owner, descriptor }
    owner = Object.getPrototypeOf(owner) as object | null
  }
  return undefined
}

/** The method `key` of an object, found without running a getter. */
export function findMethod(value: object, key: PropertyKey): Method | undefined {
  const found: unknown = findProperty(value, key)?.descriptor.value
  return typeof found === 'function' ? (found as Method) : undefined
}

/** Classes deeper than this are nobody's. */
const MAX_CLASSES = 8

/** The prototypes of an object's class and of those it extends, without that of every object. */
export function chainOf(prototype: object): object[] {
  const chain: object[] = []
  for (let at: object | null = prototype; at !== null && chain.length < MAX_CLASSES; at = Object.getPrototypeOf(at) as object | null) {
    if (Object.getPrototypeOf(at) !== null) chain.push(at)
  }
  return chain
}

/** Whether an own property `key` may be put on `value`. */
export function canDefine(value: object, key: PropertyKey): boolean {
  const own = Object.getOwnPropertyDescriptor(value, key)
  return own === undefined ? Object.isExtensible(value) : own.configurable === true
}

/** Puts a method on one object. A new one is out of sight of loops over its keys; an own one stays as visible as it was. */
export function define(value: object, key: PropertyKey, method: unknown): void {
  const enumerable = Object.prototype.propertyIsEnumerable.call(value, key)
  Object.defineProperty(value, key, { value: method, configurable: true, enumerable, writable: true })
}

import { types } from 'node:util'
import { NativePromise, reflectApply } from './builtins.js'

const { then } = NativePromise.prototype
const MAX_PROTOTYPES = 16

/**
 * True for a promise, which can then no longer end the process by being rejected. Only for one that came to be because this package
 * asked: what a function of the user's gave where an answer was wanted at once. A promise of the user's own is left alone.
 *
 * @param onRejected hears of it; must not throw.
 */
export function silencePromise(value: unknown, onRejected: (reason: unknown) => void = ignore): value is Promise<unknown> {
  if (!types.isPromise(value)) return false
  try {
    reflectApply(then, value, [undefined, onRejected])
  } catch {
    // A subclass with a species of its own refused; its rejections are its own affair.
  }
  return true
}

/** {@link silencePromise} for what was read of `holder`, unless the promise is stored there: then it is the user's. */
export function silenceMade(holder: object, key: PropertyKey, value: unknown): void {
  if (types.isPromise(value) && !isStored(holder, key, value)) silencePromise(value)
}

/** Reads a property as it is, with {@link silenceMade} for what it gives. */
export function readProperty(holder: object, key: PropertyKey): unknown {
  const value: unknown = Reflect.get(holder, key)
  if (typeof value === 'object') silenceMade(holder, key, value)
  return value
}

/**
 * Whether an object that was read of `holder` is the user's, and so are the promises in it: no getter made it and no trap of a Proxy, other
 * than one that shows what is stored there through a Proxy of its own.
 */
export function isStoredObject(holder: object, key: PropertyKey, value: object): boolean {
  const stored = findStored(holder, key)
  return stored === value || (typeof stored === 'object' && stored !== null && types.isProxy(holder))
}

/** Whether no getter and no trap of a Proxy made it. */
function isStored(holder: object, key: PropertyKey, value: unknown): boolean {
  return findStored(holder, key) === value
}

/** What is stored as a property, without a look through its getter; `undefined` where nothing is. */
function findStored(holder: object, key: PropertyKey): unknown {
  try {
    let at: object | null = holder
    for (let level = 0; at !== null && level < MAX_PROTOTYPES; level++) {
      const descriptor = Object.getOwnPropertyDescriptor(at, key)
      if (descriptor !== undefined) return descriptor.value
      at = Object.getPrototypeOf(at) as object | null
    }
  } catch {
    // A trap that throws stores nothing.
  }
  return undefined
}

function ignore(): void {
  // Nobody is waiting for it.
}

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

/** Whether no getter and no trap of a Proxy made it. */
function isStored(holder: object, key: PropertyKey, value: unknown): boolean {
  try {
    let at: object | null = holder
    for (let level = 0; at !== null && level < MAX_PROTOTYPES; level++) {
      const descriptor = Object.getOwnPropertyDescriptor(at, key)
      if (descriptor !== undefined) return descriptor.value === value
      at = Object.getPrototypeOf(at) as object | null
    }
  } catch {
    // A trap that throws stores nothing.
  }
  return false
}

function ignore(): void {
  // Nobody is waiting for it.
}

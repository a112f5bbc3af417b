import { NativeWeakMap, reflectApply } from '../builtins.js'
import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
import { createSettlementGroup, type Settlement, type SettlementGroup } from './settlement.js'
import { canDefine, define, findProperty, shadow, shadowGetter } from './shadow.js'
import { watchSharedPromise } from './shared-promise.js'
import { findStartingMethods } from './starting-methods.js'

export type { Settlement } from './settlement.js'

type AnyFunction = (...args: unknown[]) => unknown
type Then = (onValue?: unknown, onError?: unknown) => unknown

const nativePromise = Promise
const nativeThen = Promise.prototype.then

/**
 * Watches `value` settle without changing what its consumers see.
 *
 * @param isFresh nobody else can hold `value`, so a promise that settles alike may be given in its place.
 * @returns what to hand out in place of `value`; `undefined` when it is no thenable or cannot be watched.
 */
export function watchThenable(value: object, isFresh: boolean, settlement: Settlement): unknown {
  if (!('then' in value)) return undefined
  if (!isPlainPromise(value)) return watchForeign(value, settlement) ? value : undefined
  if (isFresh) return deriveFrom(value, settlement)
  watchSharedPromise(value, settlement)
  return value
}

/** A promise of the language itself, with nothing of its own in the way of `await`. */
function isPlainPromise(value: object): value is Promise<unknown> {
  return types.isPromise(value) && Object.getPrototypeOf(value) === nativePromise.prototype && !Object.hasOwn(value, 'then')
}

/** A promise that settles as `promise` does, once its settlement was told. */
export function deriveFrom(promise: Promise<unknown>, settlement: Settlement): Promise<unknown> {
  return nativeThen.call(
    promise,
    (value) => {
      settlement.onValue(value)
      return value
    },
    (error) => {
      settlement.onError(error)
      throw error
    },
  )
}

/** Objects whose `then` is watched already. A cache keyed by the object: it holds nothing alive. */
const groups = new NativeWeakMap<object, SettlementGroup>()

// Wrappers within wrappers are a few; a shared query handed out again and again must not slow down with each time.
const MAX_WAITING = 16

function watchForeign(value: object, settlement: Settlement): boolean {
  const known = groups.get(value)
  if (known !== undefined) return known.join(settlement)
  const group = createSettlementGroup(MAX_WAITING)
  if (!shadowThen(value, group)) return false
  shadowStartingMethods(value, group)
  groups.set(value, group)
  return group.join(settlement)
}

/** Puts an own `then` before the object's, which calls it with callbacks that note how it settles. */
function shadowThen(value: object, settlement: Settlement): boolean {
  const found = findProperty(value, 'then')
  if (found === undefined || !canDefine(value, 'then')) return false
  const { descriptor } = found
  if (descriptor.get !== undefined) return shadowThenGetter(value, settlement)
  if (typeof descriptor.value !== 'function') return false
  const then = shadowOf(descriptor.value as AnyFunction, settlement)
  define(value, 'then', then)
  shadowCatch(value, then)
  shadowFinally(value, then)
  return true
}

/** Read when the host reads it. What gives no function is no thenable, and complete as it is. */
function shadowThenGetter(value: object, settlement: Settlement): boolean {
  return shadowGetter(value, 'then', {
    result(then) {
      if (typeof then === 'function') return shadowOf(then as AnyFunction, settlement)
      settlement.onValue(value)
      return then
    },
  })
}

/** A query may be run by its `exec()`, and the answer of a request taken with its headers: all of it is the one piece of work. */
function shadowStartingMethods(value: object, settlement: Settlement): void {
  let depth = 0
  for (const name of findStartingMethods(value)) {
    shadow(value, name, {
      instead(original, self, args) {
        depth += 1
        try {
          return settlement.run(original, self, args)
        } finally {
          depth -= 1
        }
      },
      result(result) {
        // One that another of them calls gives a part of what that gives.
        if (depth > 0 || typeof result !== 'object' || result === null || result === value) return result
        return watchThenable(result, false, settlement) ?? result
      },
      thrown: (error) => settlement.onError(error),
    })
  }
}

function shadowOf(original: AnyFunction, settlement: Settlement): Then {
  return function then(this: unknown, onValue?: unknown, onError?: unknown): unknown {
    // The callbacks belong to the caller, not to the work that `then` may start.
    const inCaller = AsyncLocalStorage.snapshot()
    const noteValue = (value: unknown, ...rest: unknown[]): unknown => {
      settlement.onValue(value)
      return typeof onValue === 'function' ? inCaller(onValue as AnyFunction, value, ...rest) : value
    }
    const noteError = (error: unknown, ...rest: unknown[]): unknown => {
      settlement.onError(error)
      if (typeof onError === 'function') return inCaller(onError as AnyFunction, error, ...rest)
      throw error
    }
    try {
      return settlement.run(original, this, [noteValue, noteError])
    } catch (error) {
      settlement.onError(error)
      throw error
    }
  }
}

/** `catch` of a lazy thenable may start its work past `then`. */
function shadowCatch(value: object, then: Then): void {
  const original = findProperty(value, 'catch')?.descriptor.value as unknown
  if (typeof original !== 'function' || !canDefine(value, 'catch')) return
  define(value, 'catch', function (this: unknown, ...args: unknown[]): unknown {
    // More arguments, or none, mean something only the object itself knows.
    if (args.length !== 1 || typeof args[0] !== 'function') return reflectApply(original, this, args)
    return reflectApply(then, this, [undefined, args[0]])
  })
}

function shadowFinally(value: object, then: Then): void {
  const original = findProperty(value, 'finally')?.descriptor.value as unknown
  if (typeof original !== 'function' || !canDefine(value, 'finally')) return
  define(value, 'finally', function (this: unknown, ...args: unknown[]): unknown {
    const [settled] = args
    if (args.length !== 1 || typeof settled !== 'function') return reflectApply(original, this, args)
    const after = async (outcome: () => unknown): Promise<unknown> => {
      await reflectApply(settled, undefined, [])
      return outcome()
    }
    return reflectApply(then, this, [
      (result: unknown) => after(() => result),
      (error: unknown) =>
        after(() => {
          throw error
        }),
    ])
  })
}

import { types } from 'node:util'
import { NativePromise, NativeWeakMap, reflectApply } from '../builtins.js'
import { Outside, runWork } from './outside.js'
import { createSettlementGroup, type Settlement, type SettlementGroup } from './settlement.js'
import { canDefine, define, findBeneathCopy, findProperty, type Method, shadow, shadowGetter } from './shadow.js'
import { watchSharedPromise } from './shared-promise.js'
import { findStartingMethods } from './starting-methods.js'

export type { Settlement } from './settlement.js'

export const nativeThen: (this: unknown, ...handlers: Handlers) => Promise<unknown> = NativePromise.prototype.then

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
  return types.isPromise(value) && Object.getPrototypeOf(value) === NativePromise.prototype && !Object.hasOwn(value, 'then')
}

/** A promise that settles as `promise` does, once its settlement was told. */
function deriveFrom(promise: Promise<unknown>, settlement: Settlement): Promise<unknown> {
  return reflectApply(nativeThen, promise, handlersOf(settlement))
}

/** What `then` takes of a promise, for one that settles as it does once `settlement` was told. */
export function handlersOf(settlement: Settlement): Handlers {
  return [
    (value) => {
      settlement.onValue(value)
      return value
    },
    (error) => {
      settlement.onError(error)
      throw error
    },
  ]
}

export type Handlers = [onValue: (value: unknown) => unknown, onError: (error: unknown) => never]

/** Objects whose `then` is watched already. A cache keyed by the object: it holds nothing alive. */
const groups = new NativeWeakMap<object, SettlementGroup>()

/** A thenable, apart from who holds it. */
interface Watched {
  readonly group: SettlementGroup
  /** Whether somebody waits for it: what it started may settle long after the object itself is gone. */
  isTaken: boolean
}

/** Ends the spans of thenables that the host let go of, or used in a way of its own: nothing can be told of them any more. */
const abandoned = new FinalizationRegistry<Watched>(({ group, isTaken }) => {
  if (!isTaken) group.onValue(undefined)
})

// Wrappers within wrappers are a few; a shared query handed out again and again must not slow down with each time.
const MAX_WAITING = 16

function watchForeign(value: object, settlement: Settlement): boolean {
  const known = groups.get(value)
  if (known !== undefined) return known.join(settlement)
  const watched: Watched = { group: createSettlementGroup(MAX_WAITING), isTaken: false }
  const { group } = watched
  const follow: Settlement = {
    get scopes() {
      return group.scopes
    },
    run(fn, self, args) {
      watched.isTaken = true
      return group.run(fn, self, args)
    },
    onValue: group.onValue,
    onError: group.onError,
  }
  if (!shadowThen(value, follow)) return false
  shadowStartingMethods(value, follow)
  groups.set(value, group)
  // One with a cursor is let go of by whoever iterates.
  if (!(Symbol.asyncIterator in value)) abandoned.register(value, watched)
  return group.join(settlement)
}

/** Puts an own `then` before the object's, which calls it with callbacks that note how it settles. */
function shadowThen(value: object, settlement: Settlement): boolean {
  const found = findProperty(value, 'then')
  if (found === undefined || !canDefine(value, 'then')) return false
  const { descriptor } = found
  if (descriptor.get !== undefined) return shadowThenGetter(value, settlement)
  if (typeof descriptor.value !== 'function') return false
  define(value, 'then', shadowOf(value, descriptor.value as Method, settlement))
  for (const key of ['catch', 'finally'] as const) shadowOutcome(value, key, settlement)
  return true
}

/** Read when the host reads it. What gives no function is no thenable, and complete as it is. */
function shadowThenGetter(value: object, settlement: Settlement): boolean {
  return shadowGetter(value, 'then', {
    result(then) {
      if (typeof then === 'function') return shadowOf(value, then as Method, settlement)
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
      args: (args) => new Outside(settlement.scopes).aroundAll(args),
      instead(original, self, args) {
        depth += 1
        try {
          return runWork(() => settlement.run(original, self, args))
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

/** Whether this is what the `then` of a promise takes; other things of this name are no promises, whatever else they are. */
function isCallback(given: unknown): boolean {
  return typeof given === 'function' || given === undefined || given === null
}

function shadowOf(value: object, original: Method, settlement: Settlement): Method {
  // A promise passes an error on as if there was no callback. Who knows what something else does without one, or with one that throws.
  const passesErrors = 'catch' in value
  return function then(this: unknown, ...args: unknown[]): unknown {
    const beneath = this === value ? undefined : findBeneathCopy(this, 'then', then, original)
    if (beneath !== undefined) return reflectApply(beneath, this, args)
    const [onValue, onError, ...more] = args
    if (!isCallback(onValue) || !isCallback(onError)) return reflectApply(original, this, args)
    // The callbacks belong to the caller, not to the work that `then` may start.
    const outside = new Outside(settlement.scopes)
    function noteValue(this: unknown, ...given: unknown[]): unknown {
      settlement.onValue(given[0])
      return typeof onValue === 'function' ? outside.call(onValue as Method, this, given) : given[0]
    }
    function noteError(this: unknown, ...given: unknown[]): unknown {
      settlement.onError(given[0])
      if (typeof onError === 'function') return outside.call(onError as Method, this, given)
      throw given[0]
    }
    const isTold = passesErrors || typeof onError === 'function'
    const given = isTold ? [noteValue, noteError, ...more] : [noteValue, ...args.slice(1)]
    try {
      const result = runWork(() => settlement.run(original, this, given))
      return isTold ? result : watchOutcome(result, settlement)
    } catch (error) {
      settlement.onError(error)
      throw error
    }
  }
}

/** A lazy thenable may start its work by these, past its `then`. What they give settles as it does, after the callback. */
function shadowOutcome(value: object, key: 'catch' | 'finally', settlement: Settlement): void {
  const original = findProperty(value, key)?.descriptor.value as unknown
  if (typeof original !== 'function' || !canDefine(value, key)) return
  const method = function (this: unknown, ...args: unknown[]): unknown {
    const beneath = this === value ? undefined : findBeneathCopy(this, key, method, original as Method)
    if (beneath !== undefined) return reflectApply(beneath, this, args)
    const [callback] = args
    // More arguments, or none, mean something only the object itself knows.
    if (args.length !== 1 || typeof callback !== 'function') return reflectApply(original, this, args)
    const outside = new Outside(settlement.scopes)
    function note(this: unknown, ...given: unknown[]): unknown {
      if (key === 'catch') settlement.onError(given[0])
      return outside.call(callback as Method, this, given)
    }
    return watchOutcome(
      runWork(() => settlement.run(original as Method, this, [note])),
      settlement,
    )
  }
  define(value, key, method)
}

/** Follows what a thenable gave in place of itself; what was told of it before counts. */
function watchOutcome(result: unknown, settlement: Settlement): unknown {
  if (typeof result !== 'object' || result === null) return result
  try {
    return watchThenable(result, false, settlement) ?? result
  } catch {
    // A hostile object that cannot be looked at.
    return result
  }
}

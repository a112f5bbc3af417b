import { reflectApply } from '../builtins.js'
import { types } from 'node:util'
import type { Reading } from './audience.js'
import { findMethod, type Method, shadow } from './shadow.js'
import { watchThenable } from './thenable.js'

/** Of this module, because some loaders make a call of each look at what is imported, and there may be no stack for one. */
const applyNow = reflectApply

/** Follows one iterator through its own `next`, `return` and `throw`; false when it cannot be changed. */
export function watchIterator(iterator: object, reading: Reading): boolean {
  const onStep = (result: unknown): unknown =>
    noteSettled(result, reading, (step) =>
      noteStep(
        step,
        (value) => reading.item(value),
        (value) => reading.end(value),
      ),
    )
  const onLastStep = (result: unknown): unknown =>
    noteSettled(result, reading, (step) =>
      noteStep(
        step,
        (value) => reading.item(value),
        (value) => reading.stop(value),
      ),
    )
  const around = { inside: reading, before: () => reading.begin(), thrown: (error: unknown) => reading.fail(error) }
  if (!shadow(iterator, 'next', { ...around, result: onStep })) return false
  shadow(iterator, 'throw', { ...around, result: onStep })
  shadow(iterator, 'return', { ...around, result: onLastStep })
  return true
}

/**
 * Follows the first iteration of an object such as a model's answer stream; further ones are the object's own business.
 *
 * @param keys its methods that give an iterator.
 */
export function watchIterations(iterable: object, keys: readonly PropertyKey[], reading: Reading): boolean {
  let isClaimed = false
  const onIterator = (iterator: unknown): unknown => {
    if (isClaimed || typeof iterator !== 'object' || iterator === null) return iterator
    isClaimed = true
    reading.begin()
    watchIterator(iterator, reading)
    return iterator
  }
  const around = { inside: reading, thrown: (error: unknown) => reading.fail(error), result: onIterator }
  return keys.map((key) => shadow(iterable, key, around)).every(Boolean)
}

/** Follows an object through its iteration, and both halves when it is split. */
export function watchIterable(iterable: object, reading: Reading): boolean {
  const isIterator = findMethod(iterable, 'next') !== undefined
  const isWatched = (isIterator && watchIterator(iterable, reading)) || watchIterations(iterable, [Symbol.asyncIterator], reading)
  if (isWatched) watchTee(iterable, reading, watchIterable)
  return isWatched
}

/** @param watch follows one half. */
export function watchTee(value: object, reading: Reading, watch: (half: object, reading: Reading) => void): void {
  shadow(value, 'tee', {
    result(halves) {
      if (!Array.isArray(halves)) return halves
      const readings = reading.split(halves.length)
      for (const [i, part] of readings.entries()) {
        const half: unknown = halves[i]
        if (typeof half === 'object' && half !== null) watch(half, part)
      }
      return halves
    },
  })
}

/**
 * Notes a result now, or when it settles. A promise of one step belongs to its caller, so one that settles alike may stand for it.
 *
 * @param onError told of a rejection. @defaultValue the reading fails
 */
export function noteSettled(
  result: unknown,
  reading: Reading,
  note: (result: unknown) => void,
  onError: (error: unknown) => void = (error) => reading.fail(error),
): unknown {
  if (typeof result !== 'object' || result === null) return result
  if (!types.isPromise(result)) {
    note(result)
    return result
  }
  return watchThenable(result, true, { scopes: [], run: plainRun, onValue: note, onError }) ?? result
}

function plainRun<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
  return applyNow(fn as Method, self, args as unknown[]) as R
}

/** Tells of one step of an iterator or reader. */
export function noteStep(result: unknown, onItem: (value: unknown) => void, onDone: (value: unknown) => void): void {
  if (typeof result !== 'object' || result === null) return
  const { done, value } = result as IteratorResult<unknown>
  if (done === true) onDone(value)
  else onItem(value)
}

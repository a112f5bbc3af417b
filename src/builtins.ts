import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import * as timersPromises from 'node:timers/promises'

/**
 * Functions of Node and the language as they were when this package was loaded. Test runners fake timers and clocks or replace them by a
 * browser's, whose timers are numbers; what this package does for itself must neither wait for them nor be seen by them.
 */

export const setTimeout: typeof timers.setTimeout = timers.setTimeout
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout
export const setInterval: typeof timers.setInterval = timers.setInterval
export const clearInterval: typeof timers.clearInterval = timers.clearInterval
export const setImmediate: typeof timers.setImmediate = timers.setImmediate
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate
export const NativeAbortController: typeof AbortController = AbortController
export const concatBytes: typeof Buffer.concat = Buffer.concat
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask

/** `setTimeout` of `node:timers/promises`. */
export const delay: typeof timersPromises.setTimeout = timersPromises.setTimeout
/** `setImmediate` of `node:timers/promises`. */
export const nextTurn: typeof timersPromises.setImmediate = timersPromises.setImmediate

/** Milliseconds since the Unix epoch. */
export const unixMs: () => number = Date.now

// Fake clocks replace the method of the one object that there is.
const readMonotonic = performance.now

/** Milliseconds since the process began, of a clock that nobody sets. */
export function monotonicMs(): number {
  return readMonotonic.call(performance)
}

export {
  areAllTrue,
  hasOwnField,
  NativeMap,
  NativePromise,
  NativeProxy,
  NativeSet,
  NativeWeakMap,
  outcomesOf,
  parseJsonText,
  reflectApply,
  reflectConstruct,
  reflectGet,
  resolved,
  toJsonText,
} from './natives.js'

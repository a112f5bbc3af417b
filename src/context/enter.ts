import { createHook } from 'node:async_hooks'
import { NativePromise, setImmediate } from '../builtins.js'
import { processState } from './globals.js'
import type { Scope } from './frame.js'

/**
 * A resolved promise; the code that goes on after `await`ing it runs with `toScope(its scope)` from there to its end.
 *
 * `AsyncLocalStorage.enterWith` at the time of the call would also change the rest of the caller's synchronous run: its
 * siblings under `Promise.all`, and on Node 20 the next request on a kept-alive socket. Instead, one continuation is
 * singled out by a promise hook (the first promise whose parent is this one) and its scope is set as it resumes.
 * The hook is off again as soon as that happened, or after one turn of the event loop.
 */
export function enterOnAwait<T>(value: T, toScope: (current: Scope | undefined) => Scope, onUnused: () => void): Promise<T> {
  let promiseId: number | undefined
  const continuations = new Set<number>()
  const hook = createHook({
    init(asyncId, type, triggerAsyncId) {
      if (type !== 'PROMISE') return
      if (promiseId === undefined) promiseId = asyncId
      else if (triggerAsyncId === promiseId) continuations.add(asyncId)
    },
    before(asyncId) {
      if (!continuations.delete(asyncId)) return
      hook.disable()
      wasUsed = true
      processState.scopes.enterWith(toScope(processState.scopes.getStore()))
    },
  })
  let wasUsed = false
  hook.enable()
  const promise = new NativePromise<T>((resolve) => resolve(value))
  setImmediate(() => {
    hook.disable()
    if (!wasUsed) onUnused()
  })
  return promise
}

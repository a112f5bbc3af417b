import { type AsyncHook, createHook } from 'node:async_hooks'
import { setImmediate, NativePromise, NativeSet } from '../builtins.js'
import type { Scope } from './frame.js'
import { processState } from './globals.js'
import { runInScope } from './scope.js'

/** Why nothing goes on in a scope: nothing awaited the promise itself, or this runtime tells nobody which code does. */
export type UnusedReason = 'notAwaited' | 'noPromiseHooks'

/** What {@link enterOnAwait} does for its caller. */
export interface Entry {
  /** The scope to go on in, made of the one that is current there. */
  readonly toScope: (current: Scope | undefined) => Scope
  /** Told once when nothing goes on in it, and why. */
  readonly onUnused: (why: UnusedReason) => void
}

/**
 * A resolved promise; the code that goes on after `await`ing it runs with `toScope(its scope)` from there to its end, and
 * so does what awaits a promise that `then`, `catch` and `finally` make of it. A callback given to `then` runs in it as well.
 *
 * `AsyncLocalStorage.enterWith` at the time of the call would also change the rest of the caller's synchronous run: its
 * siblings under `Promise.all`, and on Node 20 the next request on a kept-alive socket. Instead, the continuations are
 * singled out by a promise hook and their scope is set as they resume. The hook is on for one turn of the event loop, and
 * for one more when a promise made of this one settles later.
 *
 * Whoever waits through any other promise (`Promise.all`, an async function that returns this one) goes on in code that
 * nothing links to it, so `onUnused` says that the scope was left out.
 */
export function enterOnAwait<T>(value: T, entry: Entry): Promise<T> {
  const entrance = new Entrance(entry)
  entrance.open()
  return entrance.watch((resolve) => resolve(value))
}

/** Who waits for one promise, and what becomes of their scope. */
class Entrance {
  readonly #entry: Entry
  readonly #hook: AsyncHook
  /** Promises whose awaiters enter: the first one and those that were made of it. */
  readonly #watched = new NativeSet<number>()
  /** Continuations that have not resumed. */
  readonly #awaiting = new NativeSet<number>()
  #isOpen = false
  /** True while the next promise to be made is one to watch. */
  #isWatching = false
  /** Watched promises that have not settled. */
  #unsettled = 0
  #run: Run | undefined
  #isUsed = false
  readonly #prototype: object

  constructor(entry: Entry) {
    this.#entry = entry
    this.#prototype = toPrototype((promise, onFulfilled, onRejected) => this.#follow(promise, onFulfilled, onRejected))
    this.#hook = createHook({
      init: (asyncId, type, triggerAsyncId) => this.#note(asyncId, type, triggerAsyncId),
      before: (asyncId) => this.#resume(asyncId),
      promiseResolve: () => {
        if (this.#run !== undefined) this.#run.hasResolved = true
      },
      after: (asyncId) => this.#leave(asyncId),
    })
  }

  /** Looks at promises until the event loop has turned. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#hook.enable()
    setImmediate(() => this.#close())
  }

  #close(): void {
    this.#hook.disable()
    this.#isOpen = false
    if (this.#isUsed || this.#unsettled > 0) return
    this.#isUsed = true
    this.#entry.onUnused('notAwaited')
  }

  /** A promise whose awaiters enter. */
  watch<T>(executor: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void): Promise<T> {
    this.#isWatching = this.#isOpen
    const promise = new NativePromise<T>(executor)
    // Still so: the hook did not hear of the promise that was just made.
    if (this.#isWatching) this.#giveUp()
    this.#isWatching = false
    // On a prototype in between and not on the promise itself: `await` goes past it, everything else does not, and V8 gives
    // up its quick paths for all promises of the process when one of them has a `then` of its own.
    return Object.setPrototypeOf(promise, this.#prototype) as Promise<T>
  }

  /** Bun and Deno have no promise hooks. */
  #giveUp(): void {
    if (this.#isUsed) return
    this.#isUsed = true
    this.#entry.onUnused('noPromiseHooks')
  }

  /** `then`, with a promise that is watched as well. */
  #follow(promise: Promise<unknown>, onFulfilled: unknown, onRejected: unknown): Promise<unknown> {
    const callback = isCallback(onFulfilled) ? (value: unknown) => this.#call(onFulfilled, value) : onFulfilled
    const settled = NativePromise.prototype.then.call(promise, callback as undefined, onRejected as undefined)
    this.#unsettled++
    const settle = (): void => {
      this.#unsettled--
      this.open()
    }
    return this.watch((resolve, reject) => {
      const pass =
        <V>(take: (value: V) => void): ((value: V) => void) =>
        (value) => {
          settle()
          take(value)
        }
      void NativePromise.prototype.then.call(settled, pass(resolve), pass(reject))
    })
  }

  #call(callback: (value: unknown) => unknown, value: unknown): unknown {
    this.#isUsed = true
    return runInScope(this.#entry.toScope(processState.scopes.getStore()), callback, value)
  }

  #note(asyncId: number, type: string, triggerAsyncId: number): void {
    if (this.#run !== undefined) this.#run.hasStarted = true
    if (type !== 'PROMISE') return
    if (this.#isWatching) {
      this.#isWatching = false
      this.#watched.add(asyncId)
    } else if (this.#watched.has(triggerAsyncId)) {
      this.#awaiting.add(asyncId)
    }
  }

  #resume(asyncId: number): void {
    if (!this.#awaiting.delete(asyncId)) return
    const scope = this.#entry.toScope(processState.scopes.getStore())
    processState.scopes.enterWith(scope)
    this.#run = { asyncId, order: processState.lastOrder, hasStarted: false, hasResolved: false }
  }

  #leave(asyncId: number): void {
    const run = this.#run
    if (run?.asyncId !== asyncId) return
    this.#run = undefined
    // A function that only handed the result on: whoever called it goes on elsewhere.
    const isPassedOn = run.hasResolved && !run.hasStarted && run.order === processState.lastOrder
    if (!isPassedOn) this.#isUsed = true
    // Who awaits the same promise did so before the first of them resumes.
    if (this.#isUsed && this.#awaiting.size === 0) this.#hook.disable()
  }
}

type Then = (promise: Promise<unknown>, onFulfilled: unknown, onRejected: unknown) => Promise<unknown>

/** That of promises, with another `then`. */
function toPrototype(follow: Then): object {
  const then = function (this: Promise<unknown>, onFulfilled?: unknown, onRejected?: unknown): Promise<unknown> {
    return follow(this, onFulfilled, onRejected)
  }
  // biome-ignore lint/suspicious/noThenProperty: it is the prototype of promises.
  return Object.create(NativePromise.prototype, { then: { value: then, configurable: true, writable: true } }) as object
}

/** What was seen of a continuation, from its start to where it waits again or ends. */
interface Run {
  readonly asyncId: number
  /** The last place given out before it. */
  readonly order: number
  /** Whether it began anything asynchronous. */
  hasStarted: boolean
  /** Whether it settled a promise, as an async function does that ends. */
  hasResolved: boolean
}

const BUILT_IN = 'function () { [native code] }'

/** False for the functions without a name by which the engine links promises to one another: nothing of the host runs in them. */
function isCallback(given: unknown): given is (value: unknown) => unknown {
  if (typeof given !== 'function') return false
  return given.name !== '' || Function.prototype.toString.call(given) !== BUILT_IN
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import v8 from 'node:v8'
import { NativePromise, clearTimeout, setImmediate, setTimeout, NativeSet, NativeWeakMap } from '../builtins.js'
import { hasStackRoom } from '../stack-used-up.js'
import { processState } from '../context/globals.js'
import { createSettlementGroup, type Settlement, type SettlementGroup } from './settlement.js'

const nativeThen = NativePromise.prototype.then
const settled: Promise<void> = NativePromise.resolve()

/** Promises that are watched already. A cache keyed by the promise: it holds nothing alive. */
const groups = new NativeWeakMap<Promise<unknown>, SettlementGroup>()

/**
 * Watches a native promise that others may hold, without becoming one of its consumers.
 *
 * A reaction of ours would mark a later rejection as handled, and whether the host has handled it already cannot be asked.
 * So nothing is attached until the host consumes the promise: `await`, `then`, `catch`, `all`, … all read `constructor`, which
 * is an own accessor until then, and make a promise of it at once, which who merely looks does not. A promise nobody consumes is
 * looked at from time to time, and the host sees of its rejection exactly what it would have seen.
 */
export function watchSharedPromise(promise: Promise<unknown>, settlement: Settlement): void {
  const known = groups.get(promise)
  if (known !== undefined) {
    known.join(settlement)
    return
  }
  const group = createSettlementGroup(Number.POSITIVE_INFINITY)
  group.join(settlement)
  groups.set(promise, group)
  noteConsumption(promise, group)
  // Most callers wait at once, and then there is nothing to look at. A reaction costs less than `queueMicrotask`.
  void nativeThen.call(settled, () => {
    if (groups.get(promise) === group && !look(promise, group)) unconsumed.add(promise, group)
  })
}

function noteConsumption(promise: Promise<unknown>, group: SettlementGroup): void {
  // A frozen promise, or one with a `constructor` of its own, is only looked at.
  if (!Object.isExtensible(promise) || Object.hasOwn(promise, 'constructor')) return
  Reflect.defineProperty(promise, 'constructor', {
    configurable: true,
    enumerable: false,
    get() {
      // One that was frozen since keeps this getter for good.
      if (groups.get(promise) === group) attachIfConsumed(promise, group)
      return NativePromise
    },
    set(value: unknown) {
      Reflect.defineProperty(promise, 'constructor', { value, configurable: true, enumerable: true, writable: true })
    },
  })
}

/**
 * Whoever consumes a promise makes one of it right after its look at `constructor`; whoever only wants to know what it is makes none, and
 * a later rejection stays theirs to miss.
 */
function attachIfConsumed(promise: Promise<unknown>, group: SettlementGroup): void {
  // Half of this would leave the hook on; the promise is looked at later.
  if (!hasStackRoom()) return
  const stop = onPromiseMade((parent) => {
    if (parent !== promise) return
    stop?.()
    if (groups.get(promise) === group) attach(promise, group)
  })
  if (stop === undefined) attach(promise, group)
  else void nativeThen.call(settled, () => stop())
}

/** Tells of promises that are made of another until it is stopped; `undefined` where the runtime (Bun, Deno) cannot tell. */
function onPromiseMade(listen: (parent: Promise<unknown> | undefined) => void): (() => void) | undefined {
  try {
    return v8.promiseHooks.onInit((_, parent) => listen(parent)) as () => void
  } catch {
    // Then a look counts as consumption.
    return undefined
  }
}

/** The host consumes the promise, or it is fulfilled: a reaction of ours changes nothing any more. */
function attach(promise: Promise<unknown>, group: SettlementGroup): void {
  release(promise)
  try {
    void nativeThen.call(promise, group.onValue, group.onError)
  } catch {
    // A `constructor` of the host's own that cannot be used: its outcome stays unknown.
    group.onValue(undefined)
  }
}

function release(promise: Promise<unknown>): void {
  groups.delete(promise)
  const own = Object.getOwnPropertyDescriptor(promise, 'constructor')
  if (own?.get !== undefined && own.configurable === true) Reflect.deleteProperty(promise, 'constructor')
}

/** True when there is nothing left to wait for. */
function look(promise: Promise<unknown>, group: SettlementGroup): boolean {
  const state = stateOf(promise)
  if (state === 'pending') return false
  if (state === 'fulfilled') {
    attach(promise, group)
    return true
  }
  release(promise)
  group.onError(new Error('The promise was rejected and nobody waited for it'))
  return true
}

/** The language has no way to ask a promise for its state; Node's inspector of values has. */
function stateOf(promise: Promise<unknown>): 'pending' | 'fulfilled' | 'rejected' {
  try {
    const text = inspect(promise, { depth: 0, customInspect: false, maxStringLength: 0, maxArrayLength: 0 })
    const [, state] = /^\S* ?\{\s*<(pending|rejected)>/.exec(text) ?? []
    return state === 'pending' || state === 'rejected' ? state : 'fulfilled'
  } catch {
    // A hostile property of the promise or of its value: it stays unknown.
    return 'pending'
  }
}

interface Unconsumed {
  readonly promise: WeakRef<Promise<unknown>>
  readonly group: SettlementGroup
}

// Looking costs about 2 us: 0.2 ms at a time, and never more than a few per cent of the time.
const MAX_LOOKS = 100
const FIRST_DELAY_MS = 5
const LAST_DELAY_MS = 1000

/** Promises that plain functions returned and that nobody consumes so far. They are held weakly. */
const unconsumed = createUnconsumedList()

function createUnconsumedList(): { add(promise: Promise<unknown>, group: SettlementGroup): void } {
  // Whose context happens to be current when a promise is added must not live on in the timer.
  const outsideAnyContext = AsyncLocalStorage.snapshot()
  const entries = new NativeSet<Unconsumed>()
  let delayMs = FIRST_DELAY_MS
  let timer: NodeJS.Timeout | undefined
  let isNextTurnSet = false

  function lookAtAll(limit: number): void {
    let looks = 0
    for (const entry of entries) {
      if (looks++ >= limit) break
      entries.delete(entry)
      if (!isDone(entry)) entries.add(entry)
    }
  }

  function schedule(): void {
    if (entries.size === 0) {
      processState.exitTasks.delete(lookBeforeExit)
      return
    }
    timer = outsideAnyContext(() => setTimeout(onTimer, delayMs))
    timer.unref()
    delayMs = Math.min(delayMs * 1.5, LAST_DELAY_MS)
  }

  function onTimer(): void {
    lookAtAll(Math.min(entries.size, MAX_LOOKS))
    schedule()
  }

  function onNextTurn(): void {
    isNextTurnSet = false
    clearTimeout(timer)
    delayMs = FIRST_DELAY_MS
    onTimer()
  }

  const lookBeforeExit = async (): Promise<void> => lookAtAll(entries.size)

  return {
    add(promise, group) {
      entries.add({ promise: new WeakRef(promise), group })
      processState.exitTasks.add(lookBeforeExit)
      if (isNextTurnSet) return
      isNextTurnSet = true
      outsideAnyContext(() => setImmediate(onNextTurn))
    },
  }
}

function isDone({ promise, group }: Unconsumed): boolean {
  const alive = promise.deref()
  if (alive === undefined) {
    // Collected, so it was never consumed and its outcome is gone.
    group.onValue(undefined)
    return true
  }
  return groups.get(alive) !== group || look(alive, group)
}

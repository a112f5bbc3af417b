import { types } from 'node:util'
import { hasOwnField, queueMicrotask, reflectApply, reflectConstruct, reflectGet, NativeProxy } from '../builtins.js'
import type { Scope } from '../context/frame.js'
import { NEEDS_RUN, type Recording, type ResolveRecorder } from './recorder.js'
import type { Audience } from './audience.js'
import { watchIterationToo, watchLateResult } from './late-result.js'
import { createOnce } from './once.js'
import { scopesOf } from './settlement.js'
import { giveBackFrames, makeRoomForFrames } from './stack-frames.js'
import { endFailed, endUnended, type Unended, unended } from './unended.js'
import { handlersOf, nativeThen, type Settlement, watchThenable } from './thenable.js'
import type { Callable, CompiledCall } from './trace-options.js'

export type { Recorder, Recording, ResolveRecorder } from './recorder.js'
export type { Callable } from './trace-options.js'

/** Of this module, because some loaders make a call of each look at what is imported, and there may be no stack for one. */
const applyNow = reflectApply
const constructNow = reflectConstruct

/** Of this module, because some loaders make a call of each look at what is imported. */
const waiting = unended

/** Picks the call by its `this`, for methods that learn the name of their class when they are called. */
export type CallFor = (self: unknown) => CompiledCall

/** `in` every wrapper whose promises nobody but the caller can hold. */
const RETURNS_FRESH_PROMISE = Symbol.for('honeyhive-tracer.returns-fresh-promise')

/** A wrapper answers with what it wraps. */
const WRAPPED = Symbol('honeyhive-tracer.wrapped')
const { toString: toSourceText } = Function.prototype

/** The source of what is wrapped: containers such as awilix read the names of parameters there. A proxy's own is `[native code]`. */
function toWrappedSourceText(this: object): string {
  const wrapped: unknown = reflectGet(this, WRAPPED)
  return typeof wrapped === 'function' ? String(wrapped) : reflectApply(toSourceText, this, [])
}

/**
 * A function that behaves as `fn` in every respect and records each of its calls.
 *
 * The wrapper is a proxy, so `name`, `length`, own properties, `prototype`, `new` and `instanceof` are those of `fn`, live.
 * `fn` runs exactly once for each call, recorded or not.
 */
export function wrapFunction<F extends Callable>(fn: F, call: CompiledCall | CallFor, resolve: ResolveRecorder): F {
  const { wrapper } = new Wrapping(fn, call, resolve)
  copyMetadata(fn, wrapper)
  return wrapper
}

/** What is behind a wrapper: how its calls are recorded, and what it answers instead of the function. */
class Wrapping<F extends Callable> implements ProxyHandler<F> {
  /** Its own: V8 looks for it at each call, and finds it sooner here than where classes have their methods. */
  readonly apply: typeof honeyhiveCall = honeyhiveCall
  readonly wrapper: F
  readonly call: CompiledCall | CallFor
  readonly resolve: ResolveRecorder
  readonly isAsync: boolean
  readonly isFresh: boolean

  constructor(fn: F, call: CompiledCall | CallFor, resolve: ResolveRecorder) {
    this.call = call
    this.resolve = resolve
    // An async generator is an async function, too.
    this.isAsync = types.isAsyncFunction(fn) && !types.isGeneratorFunction(fn)
    this.isFresh = types.isAsyncFunction(fn) || RETURNS_FRESH_PROMISE in fn
    this.wrapper = new NativeProxy<F>(fn, this)
  }

  construct(target: F, args: unknown[], newTarget: Callable): object {
    // A class that compares `new.target` with itself must find itself.
    const made = newTarget === this.wrapper ? target : newTarget
    const recording = open(this, undefined, args)
    if (recording === undefined) return constructNow(target, args, made)
    const instance = runRecorded(recording, (...given: never[]): object => constructNow(target, given, made), undefined, args)
    // An instance is not an answer: it has no output, and may hold connections and keys.
    succeed(recording, undefined)
    return instance
  }

  has(target: F, key: PropertyKey): boolean {
    return key === RETURNS_FRESH_PROMISE ? this.isFresh : key in target
  }

  get(target: F, key: PropertyKey, receiver: unknown): unknown {
    if (key === WRAPPED) return target
    const field: unknown = reflectGet(target, key, receiver)
    // One of its own may be frozen, which a proxy has to show as it is.
    return field === toSourceText && !hasOwnField(target, key) ? toWrappedSourceText : field
  }
}

/** Calls what is wrapped. Named, so that the stack of a recorded error can do without it. */
function honeyhiveCall(this: Wrapping<Callable>, target: Callable, self: unknown, args: unknown[]): unknown {
  const recording = open(this, self, args)
  if (recording === undefined) return applyNow(target, self, args)
  let before: unknown = NEEDS_RUN
  let stackLimit: number | undefined
  let result: unknown
  try {
    before = recording.enter()
    if (before === NEEDS_RUN) result = recording.run(target, self, args)
    else {
      stackLimit = makeRoomForFrames()
      result = applyNow(target, self, args)
    }
  } catch (error) {
    // As `giveBackFrames`, which cannot be called where the stack is used up.
    if (stackLimit !== undefined && Error.stackTraceLimit === stackLimit + 1) Error.stackTraceLimit = stackLimit
    const failed: Unended = { recording, isFailed: true, outcome: error, next: undefined, isEnded: false }
    if (waiting.last === undefined) waiting.first = failed
    else waiting.last.next = failed
    waiting.last = failed
    leave(recording, before)
    endFailed(failed)
    throw error
  }
  try {
    giveBackFrames(stackLimit)
    leave(recording, before)
    if (waiting.first !== undefined) endUnended()
    if (!this.isAsync || recording.isUnwatched === true) return afterCall(recording, result, this.isFresh, self, args)
    // Of an async function: nobody else holds it, and nothing of it is in the way of `await`. Called here, because Node has to be told
    // that its rejection is handled on no less stack than that on which it was told of the rejection.
    return reflectApply(nativeThen, result, handlersOf(new CallSettlement(recording, self, args)))
  } catch {
    // A host that changed what all promises have, or whose stack is used up: what the function gave is the caller's all the same.
    const done: Unended = { recording, isFailed: false, outcome: result, next: undefined, isEnded: false }
    if (waiting.last === undefined) waiting.first = done
    else waiting.last.next = done
    waiting.last = done
    try {
      endUnended()
    } catch {
      // By the next call on the way out.
    }
    return result
  }
}

function afterCall(recording: Recording, result: unknown, isFresh: boolean, self: unknown, args: readonly unknown[]): unknown {
  if (recording.isUnwatched === true) return watchIfLazy(recording, result, isFresh)
  if ((typeof result !== 'object' || result === null) && typeof result !== 'function') {
    succeed(recording, result)
    return result
  }
  return watchResult(recording, result, isFresh, self, args)
}

/** `reflect-metadata` keeps what other decorators said about a function by its identity, and Nest reads routes from there. */
function copyMetadata(from: object, to: object): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as Partial<Metadata>
  if (getOwnMetadataKeys === undefined || getOwnMetadata === undefined || defineMetadata === undefined) return
  for (const key of getOwnMetadataKeys(from)) defineMetadata(key, getOwnMetadata(key, from), to)
}

/** What `reflect-metadata` adds to `Reflect` when the host has loaded it. */
interface Metadata {
  getOwnMetadataKeys(target: object): unknown[]
  getOwnMetadata(key: unknown, target: object): unknown
  defineMetadata(key: unknown, value: unknown, target: object): void
}

function open({ call, resolve }: Wrapping<Callable>, self: unknown, args: readonly unknown[]): Recording | undefined {
  try {
    const compiled = typeof call === 'function' ? call(self) : call
    return resolve(compiled)?.record(compiled, self, args)
  } catch {
    // The border to the host: a recorder that fails leaves the call untraced.
    return undefined
  }
}

function runRecorded<R>(recording: Recording, fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
  try {
    return recording.run(fn, self, args)
  } catch (error) {
    fail(recording, error)
    throw error
  }
}

/** Where nothing is recorded only a generator is followed: its body has still to run, and in the scope of its tracer. */
function watchIfLazy(recording: Recording, result: unknown, isFresh: boolean): unknown {
  const isLazy = typeof result === 'object' && result !== null && 'next' in result
  return isLazy ? watchResult(recording, result, isFresh, undefined, []) : result
}

/** Gives back what the caller gets: `result` itself, or for a promise only the caller can hold, one that settles alike. */
function watchResult(recording: Recording, result: object, isFresh: boolean, self: unknown, args: readonly unknown[]): unknown {
  try {
    const watched = 'then' in result ? watchPromise(recording, result, isFresh, self, args) : undefined
    if (watched !== undefined) return watched
  } catch {
    // A hostile object that cannot be looked at is a value like any other.
    succeed(recording, result)
    return result
  }
  watchValue(recording, result, self, args)
  return result
}

function watchPromise(only: Recording, promise: object, isFresh: boolean, self: unknown, args: readonly unknown[]): unknown {
  const isCursor = Symbol.asyncIterator in promise
  const recording = isCursor ? createOnce(only) : only
  const settlement = new CallSettlement(recording, self, args)
  const watched = watchThenable(promise, isFresh, settlement)
  if (isCursor && watched !== undefined) settlement.iteration = watchIterationToo(promise, recording)
  return watched
}

/** How the promise of a call settles. */
class CallSettlement implements Settlement {
  /** Who follows the same object as something to iterate. */
  iteration: Audience | undefined
  readonly #recording: Recording
  readonly #self: unknown
  readonly #args: readonly unknown[]

  constructor(recording: Recording, self: unknown, args: readonly unknown[]) {
    this.#recording = recording
    this.#self = self
    this.#args = args
  }

  get scopes(): readonly Scope[] {
    return scopesOf(this.#recording)
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    return this.#recording.run(fn, self, args)
  }

  onValue(value: unknown): void {
    // Iterating a promise of a page waits for that, and goes on to the next one.
    if (this.iteration?.hasBegun === true) return
    this.iteration?.dismiss()
    watchValue(this.#recording, value, this.#self, this.#args)
  }

  onError(error: unknown): void {
    this.iteration?.dismiss()
    fail(this.#recording, error)
  }
}

/** Ends the span with `value`, or lets it live until `value` is complete. */
function watchValue(recording: Recording, value: unknown, self: unknown, args: readonly unknown[]): void {
  try {
    if (typeof value === 'object' && value !== null && watchLateResult(value, recording, self, args)) return
  } catch {
    // As above.
  }
  succeed(recording, value)
}

function succeed(recording: Recording, output: unknown): void {
  try {
    recording.succeed(output)
  } catch {
    // `Recording` promises not to throw, but where the host's stack is used up it is not even called.
    succeedLater(recording, output)
  }
}

function succeedLater(recording: Recording, output: unknown): void {
  try {
    queueMicrotask(() => succeedAgain(recording, output))
  } catch {
    // Not even this: the span stays open, and is exported like any that nothing ends.
  }
}

function succeedAgain(recording: Recording, output: unknown): void {
  try {
    recording.succeed(output)
  } catch {
    // As in `fail`.
  }
}

function leave(recording: Recording, before: unknown): void {
  if (before === NEEDS_RUN) return
  try {
    recording.leave(before)
  } catch {
    // The stack is used up: the call around this one, which has more of it, goes back to what was before that.
  }
}

function fail(recording: Recording, error: unknown): void {
  try {
    recording.fail(error)
  } catch {
    // `Recording` promises not to throw; the host does not pay if it does.
  }
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
import { context, type Span, trace } from '@opentelemetry/api'
import { NativeProxy, reflectApply } from '../builtins.js'
import { activeContext, findSpan } from '../context/active.js'
import type { Scope } from '../context/frame.js'
import { currentScope, isWithin, runInScope } from '../context/scope.js'
import { isWorkerd } from '../natives.js'
import type { Method, Surrounding } from './shadow.js'

/**
 * The piece of work that runs: what a result does once somebody asks for it, which belongs to the span of the call that gave it. Callbacks that
 * are called from there belong to whoever gave them.
 */
const works = new AsyncLocalStorage<object | undefined>()

/** Makes a new piece of work current for the rest of this synchronous run, until {@link leaveWork} is given what this gives back. */
function enterWork(): object | undefined {
  const before = works.getStore()
  if (!isWorkerd) works.enterWith({})
  return before
}

function leaveWork(before: object | undefined): void {
  if (!isWorkerd) works.enterWith(before)
}

/** What {@link asWork} made current. */
interface EnteredWork {
  readonly work: object | undefined
  readonly before: unknown
}

/** As `surrounding`, and what runs in it is a piece of work, so that {@link Outside} knows its callbacks to be somebody else's. */
export function asWork(surrounding: Surrounding): Surrounding {
  return {
    enter(): EnteredWork {
      const work = enterWork()
      return { work, before: surrounding.enter() }
    },
    leave(entered): void {
      const { work, before } = entered as EnteredWork
      surrounding.leave(before)
      leaveWork(work)
    },
  }
}

/** Calls `fn`, which runs work of a result. */
export function runWork<R>(fn: () => R): R {
  const before = enterWork()
  try {
    return fn()
  } finally {
    leaveWork(before)
  }
}

/**
 * Where somebody gave a callback. It runs in the scope in which it was given, also where a library calls it from somebody else's; one that was
 * given outside of any scope is taken out of the calls that gave the result, and of work that began since. Everything else that it finds is as
 * whoever calls it has it, contexts of the host included.
 */
export class Outside {
  readonly #calls: readonly Scope[]
  readonly #work: object | undefined = works.getStore()
  readonly #scope: Scope | undefined = currentScope()
  readonly #span: Span | undefined = findSpan(activeContext())

  /** @param calls the scopes of the calls that gave what the callback is given to. */
  constructor(calls: readonly Scope[]) {
    this.#calls = calls
  }

  call(callback: Method, self: unknown, args: readonly unknown[]): unknown {
    if (!this.#isElsewhere(currentScope())) return reflectApply(callback, self, args)
    return works.run(this.#work, () => runInScope(this.#scope, () => this.#callOutOfSpan(callback, self, args)))
  }

  #isElsewhere(scope: Scope | undefined): boolean {
    if (works.getStore() !== this.#work) return true
    if (this.#scope !== undefined) return scope !== this.#scope
    return this.#calls.some((call) => isWithin(scope, call))
  }

  /** The callback, as it looks, called where it was given. */
  around<F>(callback: F): F {
    if (typeof callback !== 'function') return callback
    return new NativeProxy(callback, {
      apply: (target, self, args: unknown[]) => this.call(target as unknown as Method, self, args),
    })
  }

  /** Arguments of a call whose functions are called where they were given, those in the fields of a literal included. */
  aroundAll(args: readonly unknown[]): unknown[] {
    return args.map((arg) => (isOptions(arg) ? this.#aroundFields(arg) : this.around(arg)))
  }

  /** The same object to look at and to write to; it may be more than options, and its functions may have it as `this`. */
  #aroundFields(options: object): object {
    return new NativeProxy(options, {
      get: (target, key, receiver) => {
        const field: unknown = Reflect.get(target, key, receiver)
        return typeof field === 'function' && !isFixed(target, key) ? this.around(field) : field
      },
    })
  }

  /** Only a span of a tracer is taken away: the host's own is where the callback is called. */
  #callOutOfSpan(callback: Method, self: unknown, args: readonly unknown[]): unknown {
    const active = activeContext()
    const span = findSpan(active)
    if (span === undefined || span === this.#span || !isOwnSpan(span)) return reflectApply(callback, self, args)
    const around = this.#span === undefined ? trace.deleteSpan(active) : trace.setSpan(active, this.#span)
    return context.with(around, () => reflectApply(callback, self, args))
  }
}

function isOwnSpan(span: Span): boolean {
  try {
    return 'honeyhiveSpan' in span
  } catch {
    return false
  }
}

/** Callbacks come in a literal, if not by themselves. */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  return Object.values(Object.getOwnPropertyDescriptors(value)).some((field) => typeof field.value === 'function')
}

/** Of these a proxy has to give what is there. */
function isFixed(holder: object, key: PropertyKey): boolean {
  const field = Object.getOwnPropertyDescriptor(holder, key)
  return field?.configurable === false && field.writable === false
}

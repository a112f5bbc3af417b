import { AsyncLocalStorage } from 'node:async_hooks'
import { context, type Span, trace } from '@opentelemetry/api'
import { NativeProxy, reflectApply } from '../builtins.js'
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
  readonly #span: Span | undefined = trace.getActiveSpan()

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

  #aroundFields(options: object): object {
    const fields = Object.getOwnPropertyDescriptors(options)
    const names = Object.keys(fields) as (keyof typeof fields)[]
    const callbacks = names.filter((name) => typeof (fields[name] as PropertyDescriptor).value === 'function')
    if (callbacks.length === 0) return options
    for (const name of callbacks) {
      const field = fields[name] as PropertyDescriptor
      field.value = this.around(field.value)
    }
    return Object.create(Object.getPrototypeOf(options) as object | null, fields) as object
  }

  /** Only a span of a tracer is taken away: the host's own is where the callback is called. */
  #callOutOfSpan(callback: Method, self: unknown, args: readonly unknown[]): unknown {
    const active = context.active()
    const span = trace.getSpan(active)
    if (span === undefined || span === this.#span || !('honeyhiveSpan' in span)) return reflectApply(callback, self, args)
    const around = this.#span === undefined ? trace.deleteSpan(active) : trace.setSpan(active, this.#span)
    return context.with(around, () => reflectApply(callback, self, args))
  }
}

/** Callbacks come in a literal, if not by themselves. */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

import { reflectApply } from '../builtins.js'
import { type Context, context } from '@opentelemetry/api'
import type { Instance } from '../context/instance.js'
import type { Scope } from '../context/frame.js'
import { enterScope, renewScope, runInScope } from '../context/scope.js'
import { enterContext, hasHost } from '../provider/host.js'
import { findInnermost, readSurroundings, type Surroundings } from '../provider/owner.js'
import { type Callable, type Recording, wrapFunction } from '../wrap/function.js'
import type { NEEDS_RUN } from '../wrap/recorder.js'
import { fieldsOf } from '../options/fields.js'
import { compileCall } from '../wrap/trace-options.js'
import type { TracerInstance } from './instance.js'
import { enterWith, type Left, leaveFor } from './left-scope.js'

/** Of this module, because some loaders make a call of each look at what is imported, and there may be no stack for one. */
const applyNow = reflectApply

const CALL = compileCall(fieldsOf({}), 'bound')

/**
 * A function that runs `fn` in the scope of now, with the tracers, sessions and spans that are current here: for queues, limiters,
 * loaders and emitters, which run what they are given where it suits them. With {@link HoneyHiveTracer.bind} one tracer is chosen.
 *
 * @returns `fn` in every other respect; anything that is no function is given back as it is.
 */
export function bindScope<F extends Callable>(fn: F): F {
  const at = readSurroundings()
  // Any copy of this package may have made the instance; the context layer need not know what it can do.
  const instance = findInnermost(at).instance as (Instance & Pick<TracerInstance, 'enter' | 'frameHere'>) | undefined
  return bindIn(fn, instance === undefined ? at.scope : instance.enter(instance.frameHere(at), at), at)
}

/** {@link bindScope} with `instance` as the innermost. */
export function bindTo<F extends Callable>(instance: TracerInstance, fn: F): F {
  const at = readSurroundings()
  return bindIn(fn, instance.enter(instance.frameHere(at), at), at)
}

function bindIn<F extends Callable>(fn: F, scope: Scope | undefined, at: Surroundings): F {
  if (typeof fn !== 'function') return fn
  const recording = new BoundScope(scope, at.context)
  const recorder = { record: () => recording }
  return wrapFunction(fn, CALL, () => recorder)
}

/** Calls that are not recorded and run where they were bound, the steps of a generator too. */
class BoundScope implements Recording {
  readonly isUnwatched = true
  readonly maxBytes = 0
  readonly #scope: Scope | undefined
  readonly #context: Context

  constructor(scope: Scope | undefined, at: Context) {
    this.#scope = scope
    this.#context = at
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    const call = applyNow as (...call: unknown[]) => R
    // Beside a host its own context stays that of the caller, and ours is put inside of it.
    if (hasHost()) return runInScope(renewScope(this.#scope, readSurroundings().span), call, fn, self, args)
    return context.with(this.#context, runInScope<unknown[], R>, undefined, this.#scope, call, fn, self, args)
  }

  enter(isPartEnough = false): Left | typeof NEEDS_RUN {
    // As in `run`.
    if (hasHost()) return enterScope(renewScope(this.#scope, readSurroundings().span))
    return enterWith(
      this.#scope,
      enterContext(() => this.#context),
      isPartEnough,
    )
  }

  leave(before: Left): void {
    leaveFor(before)
  }

  succeed(): void {
    // Nothing was started.
  }

  fail(): void {
    // Nothing was started.
  }
}

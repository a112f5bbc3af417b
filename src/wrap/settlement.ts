import { reflectApply } from '../builtins.js'
import type { Scope } from '../context/frame.js'
import type { Recording } from './recorder.js'

/** Told once how a promise or thenable settles. */
export interface Settlement {
  /** Entered while a lazy thenable starts its work. */
  readonly run: Recording['run']
  /** The scopes of the calls that wait. */
  readonly scopes: readonly Scope[]
  onValue(value: unknown): void
  onError(error: unknown): void
}

/** The scope of a call that waits, where it has one. */
export function scopesOf({ scope }: Recording): readonly Scope[] {
  return scope === undefined ? [] : [scope]
}

/** Several calls that returned one object and wait for it together. */
export interface SettlementGroup extends Settlement {
  /** False when too many wait already. */
  join(settlement: Settlement): boolean
}

/** @param maxWaiting most calls that wait at the same time. */
export function createSettlementGroup(maxWaiting: number): SettlementGroup {
  let waiting: Settlement[] = []

  function tell(how: (settlement: Settlement) => void): void {
    const told = waiting
    waiting = []
    for (const settlement of told) how(settlement)
  }

  function enter<R>(index: number, fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    const settlement = waiting[index]
    if (settlement === undefined) return reflectApply(fn, self, args as never[])
    if (index === 0) return settlement.run(fn, self, args)
    return settlement.run(() => enter(index - 1, fn, self, args), undefined, [])
  }

  return {
    join(settlement) {
      if (waiting.length >= maxWaiting) return false
      waiting.push(settlement)
      return true
    },
    // The first that joined is the innermost.
    run: (fn, self, args) => enter(waiting.length - 1, fn, self, args),
    get scopes() {
      return waiting.flatMap(({ scopes }) => scopes)
    },
    onValue: (value) => tell((settlement) => settlement.onValue(value)),
    onError: (error) => tell((settlement) => settlement.onError(error)),
  }
}

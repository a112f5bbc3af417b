import type { Context } from '@opentelemetry/api'
import { processState } from './globals.js'

// A property of the context, as of an SDK's span: a weak map is paid for by every garbage collection.
const FIRST_MET = Symbol.for('honeyhive-tracer.first-met')
type Holder = { [FIRST_MET]?: number }

/**
 * Notes the place in the order of everything at which `at`, a context with a span of ours, was met for the first time. A
 * context that was there before a scope was entered is an outer one that a library kept; a later one was made by hand.
 */
export function noteContext(at: Context): void {
  try {
    ;(at as Holder)[FIRST_MET] ??= processState.lastOrder
  } catch {
    // A frozen one, or one that refuses to be read, is never taken for an outer one.
  }
}

/** Whether `at` was met before place `order`. */
export function wasMetBefore(at: Context, order: number): boolean {
  try {
    const met = (at as Holder)[FIRST_MET]
    return met !== undefined && met < order
  } catch {
    return false
  }
}

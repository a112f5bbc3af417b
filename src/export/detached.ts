import { AsyncResource } from 'node:async_hooks'
import { context, createContextKey, ROOT_CONTEXT, type Context } from '@opentelemetry/api'
import { processState } from '../context/globals.js'

/** Captures the async context of module load, in which no request of the host is current. */
const outside = new AsyncResource('honeyhive-tracer')

/** `createContextKey` uses `Symbol.for`, so this is the very key `suppressTracing` of `@opentelemetry/core` sets. */
const suppressed: Context = ROOT_CONTEXT.setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true)

/**
 * Runs `fn` outside every scope, session and request of the host and with tracing suppressed, so that our own work is
 * neither traced nor keeps the host's async context alive through pooled sockets and timers.
 */
export function runDetached<R>(fn: () => R): R {
  return outside.runInAsyncScope(runSuppressed<R>, undefined, fn)
}

function runSuppressed<R>(fn: () => R): R {
  let hasBegun = false
  const run = (): R => {
    hasBegun = true
    return processState.scopes.run(undefined, fn)
  }
  try {
    return context.with(suppressed, run)
  } catch (error) {
    // What is registered as the context manager may be none.
    if (hasBegun) throw error
    return run()
  }
}

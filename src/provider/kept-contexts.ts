import { type Context, trace } from '@opentelemetry/api'
import { frameOf } from '../context/scope.js'
import { GuardedSpan } from './guarded-span.js'
import { findInnermost, findOwned, readSurroundings } from './owner.js'

/**
 * Instrumentors, by their scope, that keep the context in which a client connected and start all its later calls in it. The calls
 * themselves are made where the caller is, which may be another tenant: clients are shared.
 */
const KEEPS_CONTEXT = 'instrumentation-mcp'

/** Whether the contexts that this instrumentor names by hand are those of a connection. */
export function keepsContext(scopeName: string): boolean {
  try {
    return scopeName.endsWith(KEEPS_CONTEXT)
  } catch {
    // A host that replaced a function of the language: the careful answer.
    return true
  }
}

/** The caller's context in place of `kept`, when that belongs to another tracer or session than the caller. */
export function toCallersContext(kept: Context): Context {
  const surroundings = readSurroundings()
  const span = findOwned(trace.getSpan(kept))
  const caller = findInnermost(surroundings).instance
  if (span?.owner === undefined || caller === undefined) return kept
  if (caller !== span.owner) return surroundings.context
  const session = frameOf(caller, surroundings.scope)?.session
  return session === undefined || session === GuardedSpan.recordOf(span)?.session ? kept : surroundings.context
}

/** What of a span its caller did not write as a value, and could have written the key of the tracer into all the same. */
import { NativeWeakMap } from '../builtins.js'
import type { SpanContext } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Redactor } from '../values/redact.js'
import { mapTexts } from '../values/secrets/map-texts.js'

type Scope = ReadableSpan['instrumentationScope']

const scopes = new NativeWeakMap<Redactor, WeakMap<Scope, Scope>>()

/** Name and version of a library. Scopes are few and live long: each is looked at once for each tracer. */
export function toShownScope(scope: Scope, redactor: Redactor): Scope {
  const known = scopes.get(redactor) ?? new NativeWeakMap<Scope, Scope>()
  if (!scopes.has(redactor)) scopes.set(redactor, known)
  const shown = known.get(scope) ?? mapTexts(scope, redactor.label)
  known.set(scope, shown)
  return shown
}

/** Ids of a span. A trace state that holds an own secret stays here. */
export function toShownContext(context: SpanContext, redactor: Redactor): SpanContext {
  const state = context.traceState?.serialize()
  return state === undefined || redactor.label(state) === state ? context : { ...context, traceState: createTraceState() }
}

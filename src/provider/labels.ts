/** What of a span its caller did not write as a value, and could have written the key of the tracer into all the same. */
import { NativeWeakMap } from '../builtins.js'
import type { SpanContext, TraceState } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Redactor } from '../values/redact.js'
import { mapTexts } from '../values/secrets/map-texts.js'

type Scope = ReadableSpan['instrumentationScope']

interface ShownScope {
  readonly scope: Scope
  readonly shown: Scope
}

const lastShown = new NativeWeakMap<Redactor, ShownScope>()

/** Name and version of a library; the spans of one tracer mostly come from one library at a time. */
export function toShownScope(scope: Scope, redactor: Redactor): Scope {
  const last = lastShown.get(redactor)
  if (last?.scope === scope) return last.shown
  const shown = mapTexts(scope, redactor.label)
  lastShown.set(redactor, { scope, shown })
  return shown
}

/** Ids of a span. A trace state that holds an own secret stays here, and so does one that cannot be written down. */
export function toShownContext(context: SpanContext, redactor: Redactor): SpanContext {
  const { traceState } = context
  return traceState === undefined || isShown(traceState, redactor) ? context : { ...context, traceState: createTraceState() }
}

function isShown(traceState: TraceState, redactor: Redactor): boolean {
  try {
    const state = traceState.serialize()
    return redactor.label(state) === state
  } catch {
    // It is an object of whoever sampled or linked; the span is worth more.
    return false
  }
}

import { type Context, context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'

/** The active OpenTelemetry context; the root where what is registered as its manager gives none. */
export function activeContext(): Context {
  try {
    return context.active()
  } catch {
    return ROOT_CONTEXT
  }
}

/** The span in a context, of whomever. */
export function findSpan(at: Context): Span | undefined {
  try {
    return trace.getSpan(at)
  } catch {
    // A context of the host's making that refuses to be read.
    return undefined
  }
}

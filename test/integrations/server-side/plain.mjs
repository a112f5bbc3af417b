import { AsyncLocalStorage } from 'node:async_hooks'

/** Ways in which a tenant is chosen inside of the handler, not before it. */
export const inHandler = ['in-session', 'in-function']

/** OpenTelemetry's own provider, which keeps what ended in `spans`, with what `scopeOf` said when it started. */
export async function createPlainProvider(load, spans, scopeOf = () => undefined) {
  const { TracerProvider } = await load('@opentelemetry/sdk-trace')
  return new TracerProvider({ spanProcessors: [createCollector(spans, scopeOf)] })
}

/** A span processor that keeps what ended. */
export function createCollector(spans, scopeOf = () => undefined) {
  const started = new WeakMap()
  return {
    onStart: (span) => started.set(span, scopeOf()),
    onEnd: (span) => spans.push({ ...toPlain(span), scope: started.get(span) }),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }
}

const toPlain = (span) => ({
  name: span.name,
  scopeName: span.instrumentationScope.name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  attributes: span.attributes,
  isError: span.status.code === 2,
})

/** The side of an application without us; its own AsyncLocalStorage tells which spans a tenant's scope would hold. */
export function createPlainSide(tracer, scopes = new AsyncLocalStorage()) {
  const isIn = ({ entry }) => inHandler.includes(entry)
  return {
    enter: (question, { next }) => (isIn(question) ? next() : scopes.run(question.marker, () => next())),
    inHandler: (question, run) => (isIn(question) ? scopes.run(question.marker, run) : run()),
    traced: (name, run) => inSpan(tracer, name, run),
  }
}

/** `run` inside an active span of `tracer`. */
export function inSpan(tracer, name, run) {
  return (...values) =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await run(...values)
      } catch (error) {
        span.setStatus({ code: 2 })
        throw error
      } finally {
        span.end()
      }
    })
}

/** The propagator that `NodeSDK` registers. */
export async function createPropagator(load) {
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = await load('@opentelemetry/core')
  return new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] })
}

export async function createContextManager(load) {
  const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
  return new AsyncLocalStorageContextManager().enable()
}

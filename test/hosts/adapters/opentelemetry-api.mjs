/** A host whose spans are made through OpenTelemetry's API. */
export function createApiHost(require) {
  const { context, isSpanContextValid, propagation, SpanKind, trace } = require('@opentelemetry/api')
  const app = trace.getTracer('app')
  const baggage = propagation.createBaggage({ host: { value: 'baggage' } })
  // What New Relic's bridge needs to begin a transaction and to name it.
  const message = (name) => ({
    kind: SpanKind.CONSUMER,
    attributes: { 'messaging.system': 'queue', 'messaging.operation.name': 'process', 'messaging.destination.name': name },
  })
  return {
    span: (name, { isRoot, fn }) =>
      app.startActiveSpan(name, isRoot ? message(name) : {}, (span) =>
        ending(
          () => (isRoot ? context.with(propagation.setBaggage(context.active(), baggage), fn) : fn()),
          () => span.end(),
        ),
      ),
    current() {
      const found = trace.getActiveSpan()?.spanContext()
      return found !== undefined && isSpanContextValid(found) ? { traceId: found.traceId, spanId: found.spanId } : undefined
    },
    mark: (name) => trace.getActiveSpan()?.setAttribute(`mark.${name}`, true),
  }
}

/** Runs `fn` and calls `end` when it is over: at once, or when its promise settles. */
export function ending(fn, end) {
  const result = fn()
  if (typeof result?.then !== 'function') {
    end()
    return result
  }
  return result.finally(end)
}

/** A span of OpenTelemetry's SDK as this test compares it. */
export const toPlain = (span) => ({
  name: span.name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentId: span.parentSpanContext?.spanId,
  marks: Object.keys(span.attributes).filter((key) => key.startsWith('mark.')),
})

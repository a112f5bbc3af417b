/** The control: OpenTelemetry's own SDK, recording in memory. */
export async function createSide({ load, instrumentations }) {
  const { context } = await load('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
  // Version 2 of the SDK, else version 3.
  const sdk = await load('@opentelemetry/sdk-trace-base').catch(() => load('@opentelemetry/sdk-trace'))
  const Provider = sdk.BasicTracerProvider ?? sdk.TracerProvider
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  let open = 0
  const counter = { onStart: () => open++, onEnd: () => open--, forceFlush: async () => {}, shutdown: async () => {} }
  const exporter = new sdk.InMemorySpanExporter()
  const simple = new sdk.SimpleSpanProcessor(sdk.BasicTracerProvider === undefined ? { exporter } : exporter)
  const provider = new Provider({ spanProcessors: [counter, simple] })
  if (instrumentations.length > 0) {
    const { registerInstrumentations } = await load('@opentelemetry/instrumentation')
    registerInstrumentations({ tracerProvider: provider, instrumentations })
  }
  const tracer = provider.getTracer('application')
  const inSpan = (name, run) =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await run()
      } finally {
        span.end()
      }
    })
  return {
    provider,
    otelTracer: provider.getTracer('application'),
    traced:
      (name, fn) =>
      (...values) =>
        inSpan(name, () => fn(...values)),
    enter: (_tenant, name, _marker, run) => inSpan(name, run),
    countOpen: () => open,
    finish: async () => ({ spans: exporter.getFinishedSpans().map(toPlain) }),
  }
}

const toPlain = (span) => ({
  name: span.name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  attributes: span.attributes,
  events: span.events.map(({ name, attributes = {} }) => ({ name, attributes })),
  isError: span.status.code === 2,
})

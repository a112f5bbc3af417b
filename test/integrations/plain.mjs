/** The control: OpenTelemetry's own SDK, recording in memory. */
export async function createSide({ load, instrumentations }) {
  const { context, createContextKey } = await load('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
  // Version 2 of the SDK, else version 3.
  const sdk = await load('@opentelemetry/sdk-trace-base').catch(() => load('@opentelemetry/sdk-trace'))
  const Provider = sdk.BasicTracerProvider ?? sdk.TracerProvider
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const MARKER = createContextKey('marker')
  let open = 0
  const observer = {
    onStart(span, at) {
      open++
      // What a session is to us: it tells the request of a span that has neither a parent nor anything of the request in it.
      const marker = at.getValue(MARKER) ?? context.active().getValue(MARKER)
      if (marker !== undefined) span.setAttribute('request', marker)
    },
    onEnd: () => open--,
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const exporter = new sdk.InMemorySpanExporter()
  const simple = new sdk.SimpleSpanProcessor(sdk.BasicTracerProvider === undefined ? { exporter } : exporter)
  const provider = new Provider({ spanProcessors: [observer, simple] })
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
    enter: (_tenant, name, marker, run) => context.with(context.active().setValue(MARKER, marker), () => inSpan(name, run)),
    countOpen: () => open,
    finish: async () => ({ spans: exporter.getFinishedSpans().map(toPlain) }),
  }
}

const toPlain = (span) => ({
  name: span.name,
  scope: (span.instrumentationScope ?? span.instrumentationLibrary).name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  attributes: span.attributes,
  events: span.events.map(({ name, attributes = {} }) => ({ name, attributes })),
  isError: span.status.code === 2,
})

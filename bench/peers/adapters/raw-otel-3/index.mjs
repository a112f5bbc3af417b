// OpenTelemetry JS 3.x (sdk-trace 3, exporter 0.30x): needs Node >= 22.15, so it takes part only under a newer node.
import { handTraced } from '../../lib/hand-traced.mjs'
let api, sdk, http, res, ctx, provider, tracer
const make = (endpoint, key = 'k') =>
  new sdk.TracerProvider({
    resource: res.resourceFromAttributes({ 'service.name': 'bench' }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new http.OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { authorization: `Bearer ${key}` } }),
      }),
    ],
  })
export default {
  name: 'raw-otel-3',
  minNode: '22.15.0',
  async load() {
    ;[api, sdk, http, res, ctx] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/context-async-hooks'),
    ])
  },
  async setup({ endpoint }) {
    provider = make(endpoint)
    api.context.setGlobalContextManager(new ctx.AsyncLocalStorageContextManager())
    api.trace.setGlobalTracerProvider(provider)
    tracer = provider.getTracer('bench')
  },
  wrap: (fn, o) => handTraced(api, tracer, fn, o),
  flush: () => provider.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint, key }) {
    const p = make(endpoint, key),
      t = p.getTracer('bench')
    return { call: handTraced(api, t, (x) => x, { name: 'one', type: 'tool' }), flush: () => p.forceFlush(), shutdown: () => p.shutdown() }
  },
}

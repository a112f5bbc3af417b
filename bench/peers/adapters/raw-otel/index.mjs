// The floor: OpenTelemetry used directly, the way a careful person writes it by hand.
import { handTraced } from '../../lib/hand-traced.mjs'
let api, node, base, http, res, provider, tracer
const make = (endpoint) =>
  new node.NodeTracerProvider({
    resource: res.resourceFromAttributes({ 'service.name': 'bench' }),
    spanProcessors: [new base.BatchSpanProcessor(new http.OTLPTraceExporter({ url: `${endpoint}/v1/traces` }))],
  })
export default {
  name: 'raw-otel',
  async load() {
    ;[api, node, base, http, res] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  },
  async setup({ endpoint }) {
    provider = make(endpoint)
    provider.register()
    tracer = provider.getTracer('bench')
  },
  wrap: (fn, o) => handTraced(api, tracer, fn, o),
  flush: () => provider.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint }) {
    const p = make(endpoint),
      t = p.getTracer('bench')
    return {
      call: handTraced(api, t, (x) => x, { name: 'one', type: 'tool' }),
      flush: () => p.forceFlush(),
      shutdown: () => p.shutdown(),
    }
  },
}

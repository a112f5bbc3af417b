let oi, node, base, http, res, provider
const kinds = { chain: 'CHAIN', tool: 'TOOL', model: 'LLM' }
const make = (endpoint) =>
  new node.NodeTracerProvider({
    resource: res.resourceFromAttributes({ 'openinference.project.name': 'bench' }),
    spanProcessors: [new base.BatchSpanProcessor(new http.OTLPTraceExporter({ url: `${endpoint}/v1/traces` }))],
  })
export default {
  name: 'openinference',
  async load() {
    ;[oi, node, base, http, res] = await Promise.all([
      import('@arizeai/openinference-core'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  },
  async setup({ endpoint }) {
    provider = make(endpoint)
    provider.register()
  },
  wrap: (fn, { name, type }) => oi.withSpan(fn, { name, kind: kinds[type], tracer: provider.getTracer('bench') }),
  flush: () => provider.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint }) {
    const p = make(endpoint)
    return {
      call: oi.withSpan((x) => x, { name: 'one', kind: 'TOOL', tracer: p.getTracer('bench') }),
      flush: () => p.forceFlush(),
      shutdown: () => p.shutdown(),
    }
  },
}

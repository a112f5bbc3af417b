let lt, lo, node, api, provider, processor
const make = (endpoint) => new lo.LangfuseSpanProcessor({ publicKey: 'pk-lf-x', secretKey: 'sk-lf-x', baseUrl: endpoint })
const types = { chain: 'chain', tool: 'tool', model: 'generation' }
export default {
  name: 'langfuse',
  async load() {
    ;[lt, lo, node, api] = await Promise.all([
      import('@langfuse/tracing'),
      import('@langfuse/otel'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/api'),
    ])
  },
  async setup({ endpoint }) {
    processor = make(endpoint)
    provider = new node.NodeTracerProvider({ spanProcessors: [processor] })
    provider.register()
  },
  wrap: (fn, { name, type }) => lt.observe(fn, { name, asType: types[type] }),
  flush: () => processor.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint }) {
    // observe() uses one process-wide provider: an instance is provider + processor, used through OTel
    const p = new node.NodeTracerProvider({ spanProcessors: [make(endpoint)] })
    const t = p.getTracer('langfuse-sdk')
    return {
      call: (x) =>
        t.startActiveSpan('one', (s) => {
          s.end()
          return x
        }),
      flush: () => p.forceFlush(),
      shutdown: () => p.shutdown(),
    }
  },
}

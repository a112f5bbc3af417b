import { readJson } from '../../lib/read-span.mjs'
let oi, api, node, base, http, res, provider
const kinds = { chain: 'CHAIN', tool: 'TOOL', model: 'LLM' }
const make = (endpoint, key = 'k') =>
  new node.NodeTracerProvider({
    resource: res.resourceFromAttributes({ 'openinference.project.name': 'bench' }),
    spanProcessors: [
      new base.BatchSpanProcessor(
        new http.OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { authorization: `Bearer ${key}` } }),
      ),
    ],
  })
export default {
  name: 'openinference',
  async load() {
    ;[oi, api, node, base, http, res] = await Promise.all([
      import('@arizeai/openinference-core'),
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
  },
  wrap: (fn, { name, type }) => oi.withSpan(fn, { name, kind: kinds[type], tracer: provider.getTracer('bench') }),
  read: ({ attributes }) => ({
    input: (attributes['input.mime_type'] === 'application/json'
      ? readJson(attributes['input.value'])
      : { value: attributes['input.value'] }
    )?.value,
    output: attributes['output.mime_type'] === 'application/json' ? readJson(attributes['output.value']) : attributes['output.value'],
  }),
  enrich: (values) => api.trace.getActiveSpan().setAttributes(oi.getMetadataAttributes(values)),
  inSession: (id, fn) => api.context.with(oi.setSession(api.context.active(), { sessionId: id }), fn),
  sessionOf: ({ attributes }) => attributes['session.id'],
  async routed(o) {
    provider = make(o.endpoint)
    provider.register()
    const place = oi.withSpan(async (run) => run(), {
      name: 'place',
      kind: 'CHAIN',
      tracer: provider.getTracer('bench'),
      processInput: () => ({}),
    })
    return { api, places: [place, place], flush: () => provider.forceFlush() }
  },
  cannot: { redaction: 'hides whole inputs or outputs, has no rules' },
  flush: () => provider.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint, key }) {
    const p = make(endpoint, key)
    return {
      wrap: (fn, { name, type }) => oi.withSpan(fn, { name, kind: kinds[type], tracer: p.getTracer('bench') }),
      call: oi.withSpan((x) => x, { name: 'one', kind: 'TOOL', tracer: p.getTracer('bench') }),
      flush: () => p.forceFlush(),
      shutdown: () => p.shutdown(),
    }
  },
}

// The floor: OpenTelemetry used directly, the way a careful person writes it by hand.
import { handRedacted, handStreamed, handTraced } from '../../lib/hand-traced.mjs'
import { readJson } from '../../lib/read-span.mjs'
let api, node, base, http, res, provider, tracer, stringify, sessionKey
const make = (endpoint, key = 'k') =>
  new node.NodeTracerProvider({
    resource: res.resourceFromAttributes({ 'service.name': 'bench' }),
    spanProcessors: [
      new base.BatchSpanProcessor(
        new http.OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { authorization: `Bearer ${key}` } }),
      ),
    ],
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
  async setup({ endpoint, redact }) {
    provider = make(endpoint)
    stringify = redact ? handRedacted(redact) : undefined
    provider.register()
    tracer = provider.getTracer('bench')
    sessionKey = api.createContextKey('session')
  },
  wrap: (fn, o) => handTraced(api, tracer, fn, { ...o, stringify, sessionKey }),
  stream: (fn, o) => handStreamed(api, tracer, fn, o),
  read: ({ attributes }) => ({ input: readJson(attributes.inputs)?.[0]?.value, output: readJson(attributes.outputs) }),
  enrich(values) {
    const span = api.trace.getActiveSpan()
    for (const [name, value] of Object.entries(values))
      span.setAttribute(`metadata.${name}`, typeof value === 'object' ? JSON.stringify(value) : value)
  },
  inSession: (id, fn) => api.context.with(api.context.active().setValue(sessionKey, id), fn),
  sessionOf: ({ attributes }) => attributes.session_id,
  async routed(o) {
    provider = make(o.endpoint)
    provider.register()
    tracer = provider.getTracer('bench')
    const place = handTraced(api, tracer, async (run) => run(), { name: 'place', type: 'chain', stringify: () => '' })
    return { api, places: [place, place], flush: () => provider.forceFlush() }
  },
  flush: () => provider.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint, key }) {
    const p = make(endpoint, key),
      t = p.getTracer('bench')
    return {
      wrap: (fn, options) => handTraced(api, t, fn, options),
      call: handTraced(api, t, (x) => x, { name: 'one', type: 'tool' }),
      flush: () => p.forceFlush(),
      shutdown: () => p.shutdown(),
    }
  },
}

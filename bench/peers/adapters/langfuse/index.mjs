import { handMasked } from '../../lib/hand-traced.mjs'
import { readJson } from '../../lib/read-span.mjs'
let lt, lo, node, api, provider, processor
const make = (endpoint, key = 'x', redact = undefined) =>
  new lo.LangfuseSpanProcessor({
    publicKey: `pk-lf-${key}`,
    secretKey: 'sk-lf-x',
    baseUrl: endpoint,
    ...(redact ? { mask: handMasked(redact) } : {}),
  })
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
  async setup({ endpoint, redact }) {
    processor = make(endpoint, 'x', redact)
    provider = new node.NodeTracerProvider({ spanProcessors: [processor] })
    provider.register()
  },
  wrap: (fn, { name, type }) => lt.observe(fn, { name, asType: types[type] }),
  read: ({ attributes }) => ({
    input: readJson(attributes['langfuse.observation.input'])?.value,
    output: readJson(attributes['langfuse.observation.output']),
  }),
  enrich: (values) => lt.updateActiveObservation({ metadata: values }),
  inSession: (id, fn) => lt.propagateAttributes({ sessionId: id }, fn),
  sessionOf: ({ attributes }) => attributes['session.id'],
  async routed(o) {
    processor = make(o.endpoint)
    provider = new node.NodeTracerProvider({ spanProcessors: [processor] })
    provider.register()
    const place = lt.observe(async (run) => run(), { name: 'place', asType: 'chain', captureInput: false })
    return { api, places: [place, place], flush: () => processor.forceFlush() }
  },
  cannot: { tracers5: '`observe()` has one provider in a process' },
  flush: () => processor.forceFlush(),
  shutdown: () => provider.shutdown(),
  async instance({ endpoint, key }) {
    // observe() uses one process-wide provider: an instance is provider + processor, used through OTel
    const p = new node.NodeTracerProvider({ spanProcessors: [make(endpoint, key)] })
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

// The official SDK. npm's honeyhive@1.0.44 holds 5 files and no code (its package.json lists folders that are not
// there and a main, ./dist/index.js, that is not published), so the newest version that can be loaded is measured.
import { readFlat } from '../../lib/read-span.mjs'
let hh, tracer, api
export default {
  name: 'honeyhive',
  env: ({ endpoint }) => ({ HONEYHIVE_TELEMETRY: 'false', TRACELOOP_TELEMETRY: 'false', HH_API_URL: endpoint }),
  async load() {
    hh = await import('honeyhive')
    api = (await import('@opentelemetry/api')).default
  },
  async setup({ endpoint }) {
    tracer = await hh.HoneyHiveTracer.init({ apiKey: 'k', project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: endpoint })
  },
  wrap: (fn, { name, type }) => tracer.traceFunction({ eventType: type, eventName: name })(fn),
  read: ({ attributes }) => ({
    input: readFlat(attributes, 'honeyhive_inputs._params_.question.value'),
    output: readFlat(attributes, 'honeyhive_outputs.result'),
  }),
  enrich: (values) => tracer.enrichSpan({ metadata: values }),
  async routed(o) {
    const tracers = await Promise.all(
      ['key-a', 'key-b'].map((key) =>
        hh.HoneyHiveTracer.init({ apiKey: key, project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: o.endpoint }),
      ),
    )
    return {
      api,
      places: tracers.map((t) => t.traceFunction({ eventType: 'chain', eventName: 'place' })(async (run) => run())),
      flush: () => Promise.all(tracers.map((t) => t.flush())),
    }
  },
  cannot: { redaction: 'has no masking', sessions: 'a session is a tracer: `init` again, one awaited request' },
  flush: () => tracer.flush(),
  shutdown: () => tracer.flush(), // it has no shutdown
  async instance({ endpoint, key = 'k' }) {
    // every instance shares one global traceloop pipeline; each starts a session over HTTP
    const t = await hh.HoneyHiveTracer.init({ apiKey: key, project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: endpoint })
    return {
      wrap: (fn, { name, type }) => t.traceFunction({ eventType: type, eventName: name })(fn),
      call: t.traceFunction({ eventType: 'tool', eventName: 'one' })((x) => x),
      flush: () => t.flush(),
      shutdown: async () => {},
    }
  },
  notes: 'npm 1.0.44 has no code; 1.0.42 measured. Instances share one global pipeline; no shutdown.',
}

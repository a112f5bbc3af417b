// The official SDK. npm's honeyhive@1.0.44 holds 5 files and no code (its package.json lists folders that are not
// there and a main, ./dist/index.js, that is not published), so the newest version that can be loaded is measured.
let hh, tracer
export default {
  name: 'honeyhive',
  env: ({ endpoint }) => ({ HONEYHIVE_TELEMETRY: 'false', TRACELOOP_TELEMETRY: 'false', HH_API_URL: endpoint }),
  async load() {
    hh = await import('honeyhive')
  },
  async setup({ endpoint }) {
    tracer = await hh.HoneyHiveTracer.init({ apiKey: 'k', project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: endpoint })
  },
  wrap: (fn, { name, type }) => tracer.traceFunction({ eventType: type, eventName: name })(fn),
  flush: () => tracer.flush(),
  shutdown: () => tracer.flush(), // it has no shutdown
  async instance({ endpoint }) {
    // every instance shares one global traceloop pipeline; each starts a session over HTTP
    const t = await hh.HoneyHiveTracer.init({ apiKey: 'k', project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: endpoint })
    return { call: t.traceFunction({ eventType: 'tool', eventName: 'one' })((x) => x), flush: () => t.flush(), shutdown: async () => {} }
  },
  notes: 'npm 1.0.44 has no code; 1.0.42 measured. Instances share one global pipeline; no shutdown.',
}

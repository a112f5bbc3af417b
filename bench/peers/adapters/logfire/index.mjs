let lf
export default {
  name: 'logfire',
  spansPerCall: 2, // every call also sends a 'pending' span when it starts
  env: ({ endpoint }) => ({ LOGFIRE_TOKEN: 'k', LOGFIRE_BASE_URL: endpoint }),
  async load() {
    lf = await import('@pydantic/logfire-node')
  },
  async setup({ endpoint }) {
    lf.configure({
      token: 'k',
      serviceName: 'bench',
      console: false,
      metrics: false,
      advanced: { baseUrl: endpoint },
      nodeAutoInstrumentations: {},
    })
  },
  wrap: (fn, { name, type }) =>
    lf.instrument(fn, { message: name, spanName: name, attributes: { event_type: type }, extractArgs: true, recordReturn: true }),
  flush: () => lf.forceFlush(),
  shutdown: () => lf.shutdown(),
}

let tl
const w = { chain: 'withWorkflow', tool: 'withTool', model: 'withTask' }
export default {
  name: 'traceloop',
  asyncOnly: true, // withTool and its kin make every function return a promise
  env: () => ({ TRACELOOP_TELEMETRY: 'false', TRACELOOP_SYNC_ENABLED: 'false' }),
  async load() {
    tl = await import('@traceloop/node-server-sdk')
  },
  async setup({ endpoint }) {
    tl.initialize({
      baseUrl: endpoint,
      apiKey: 'k',
      disableBatch: false,
      silenceInitializationMessage: true,
      traceloopSyncEnabled: false,
      instrumentModules: {},
    })
  },
  wrap: (fn, { name, type }) => {
    // it has no wrapper that returns a function, only a call that takes one
    const run = tl[w[type]]
    return function (...args) {
      return run({ name }, fn, ...args)
    }
  },
  flush: () => tl.forceFlush(),
  shutdown: () => tl.forceFlush(),
  notes: 'one global pipeline: no instances; no shutdown exported',
}

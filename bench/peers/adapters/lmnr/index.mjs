let lm
export default {
  name: 'lmnr',
  minNode: '22.12.0',
  env: () => ({ LMNR_PROJECT_API_KEY: 'k' }),
  async load() {
    lm = await import('@lmnr-ai/lmnr')
  },
  async setup({ endpoint }) {
    const u = new URL(endpoint)
    lm.Laminar.initialize({
      projectApiKey: 'k',
      baseUrl: `http://${u.hostname}`,
      httpPort: Number(u.port),
      forceHttp: true,
      instrumentModules: {},
      logLevel: 'error',
    })
  },
  wrap: (fn, { name, type }) =>
    function (...args) {
      return lm.observe({ name, spanType: type === 'model' ? 'LLM' : type === 'tool' ? 'TOOL' : 'DEFAULT' }, fn, ...args)
    },
  flush: () => lm.Laminar.flush(),
  shutdown: () => lm.Laminar.shutdown(),
}

let op, client
const types = { chain: 'general', tool: 'tool', model: 'llm' }
const make = (endpoint) => new op.Opik({ apiUrl: endpoint, apiKey: 'k', projectName: 'bench', workspaceName: 'bench' })
export default {
  name: 'opik',
  env: ({ endpoint }) => ({
    OPIK_URL_OVERRIDE: endpoint,
    OPIK_API_KEY: 'k',
    OPIK_PROJECT_NAME: 'bench',
    OPIK_WORKSPACE: 'bench',
    OPIK_LOG_LEVEL: 'ERROR',
    OPIK_SENTRY_ENABLE: 'false',
  }),
  async load() {
    op = await import('opik')
  },
  async setup({ endpoint }) {
    client = make(endpoint)
  },
  wrap: (fn, { name, type }) => op.track({ name, type: types[type], projectName: 'bench' }, fn),
  flush: () => op.flushAll(),
  shutdown: () => op.flushAll(),
  async instance({ endpoint }) {
    const c = make(endpoint)
    return {
      call: (x) => {
        const t = c.trace({ name: 'one', input: { x } })
        t.end()
        return x
      },
      flush: () => c.flush(),
      shutdown: () => c.flush(),
    }
  },
}

let ls, tr, client
const types = { chain: 'chain', tool: 'tool', model: 'llm' }
const make = (endpoint, key = 'k') => new ls.Client({ apiUrl: endpoint, apiKey: key })
export default {
  name: 'langsmith',
  hot: { chunk: 80, waitMs: 400 }, // its batches of 100 go out from the microtasks of whoever awaits: stay below
  asyncOnly: true, // traceable() makes every function return a promise
  env: ({ endpoint }) => ({ LANGSMITH_TRACING: 'true', LANGSMITH_ENDPOINT: endpoint, LANGSMITH_API_KEY: 'k', LANGSMITH_PROJECT: 'bench' }),
  async load() {
    ;[ls, tr] = await Promise.all([import('langsmith'), import('langsmith/traceable')])
  },
  async setup({ endpoint }) {
    client = make(endpoint)
  },
  wrap: (fn, { name, type }) => tr.traceable(fn, { name, run_type: types[type], client, tracingEnabled: true }),
  flush: () => client.awaitPendingTraceBatches(),
  shutdown: async () => {
    await client.awaitPendingTraceBatches()
    client.cleanup?.()
  },
  async instance({ endpoint, key }) {
    const c = make(endpoint, key)
    return {
      call: tr.traceable((x) => x, { name: 'one', run_type: 'tool', client: c, tracingEnabled: true }),
      flush: () => c.awaitPendingTraceBatches(),
      shutdown: async () => {
        await c.awaitPendingTraceBatches()
        c.cleanup?.()
      },
    }
  },
  notes: 'a sync function becomes async: its sync column is timed with await',
}

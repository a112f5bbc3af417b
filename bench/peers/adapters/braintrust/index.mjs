let bt, logger
const types = { chain: 'task', tool: 'tool', model: 'llm' }
export default {
  name: 'braintrust',
  hot: { chunk: 80, waitMs: 60 }, // its batches of 100 go out from the microtasks of whoever awaits: stay below
  asyncOnly: true, // wrapTraced() with default options makes every function return a promise
  env: ({ endpoint }) => ({
    BRAINTRUST_API_KEY: 'k',
    BRAINTRUST_APP_URL: endpoint,
    BRAINTRUST_API_URL: endpoint,
    BRAINTRUST_DISABLE_INSTRUMENTATION: '',
  }),
  async load() {
    bt = await import('braintrust')
  },
  async setup({ endpoint }) {
    logger = bt.initLogger({ projectName: 'bench', apiKey: 'k', appUrl: endpoint })
  },
  wrap: (fn, { name, type }) => bt.wrapTraced(fn, { name, type: types[type] }),
  flush: () => logger.flush(),
  shutdown: () => logger.flush(),
  async instance({ endpoint }) {
    // a logger with a state of its own
    const state = new bt.BraintrustState({})
    const l = bt.initLogger({ projectName: 'bench', apiKey: 'k', appUrl: endpoint, setCurrent: false, state })
    return {
      call: (x) =>
        l.traced(
          (s) => {
            s.log({ input: x, output: x })
            return x
          },
          { name: 'one' },
        ),
      flush: () => l.flush(),
      shutdown: () => l.flush(),
    }
  },
}

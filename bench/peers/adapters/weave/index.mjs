let wv, client
export default {
  name: 'weave',
  asyncOnly: true, // op() makes every function return a promise
  env: ({ endpoint }) => ({
    WANDB_API_KEY: 'k'.repeat(40),
    WF_TRACE_SERVER_URL: endpoint,
    WANDB_BASE_URL: endpoint,
    WEAVE_PRINT_CALL_LINK: 'false',
  }),
  async load() {
    wv = await import('weave')
  },
  async setup() {
    client = await wv.init('bench/bench', { printCallLink: false })
  },
  wrap: (fn, { name }) => wv.op(fn, { name }),
  flush: () => client.waitForBatchProcessing(),
  shutdown: () => client.waitForBatchProcessing(),
}

// The same calls with no tracer at all.
export default {
  name: 'untraced',
  async load() {},
  async setup() {},
  wrap: (fn) => fn,
  instance: async () => ({ call: (x) => x, wrap: (fn) => fn, async flush() {}, async shutdown() {} }),
  enrich() {},
  inSession: (_id, fn) => fn(),
  async flush() {},
  async shutdown() {},
}

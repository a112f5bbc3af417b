// The same calls with no tracer at all.
export default {
  name: 'untraced',
  async load() {},
  async setup() {},
  wrap: (fn) => fn,
  async flush() {},
  async shutdown() {},
}

// Our side of the program: the tracers, and what each of them recorded.

const write = (trees) =>
  trees
    .map(({ name, children = [] }) => (children.length === 0 ? name : `${name}(${children.map((child) => write([child])).join(', ')})`))
    .join(' | ')

/** All tracers of the program and a library that was instrumented with one of them. */
export function createSides(require, { serverUrl, apiKey }) {
  const { HoneyHiveTracer, createRoutingProvider } = require('honeyhive-tracer')
  const { createTestTracer } = require('honeyhive-tracer/testing')
  const named = {
    main: createTestTracer({ spanFilter: { exclude: ['drop'] } }),
    other: createTestTracer(),
    unsampled: createTestTracer({ sampleRate: 0 }),
    A: createTestTracer(),
    B: createTestTracer(),
  }
  const recorded = []
  const take = (tracer) => {
    recorded.push(...tracer.spans.map((span) => toPlain(span)))
    const text = write(tracer.tree())
    tracer.clear()
    return text
  }

  let library
  return {
    ...named,
    disabled: HoneyHiveTracer.init({ disabled: true }),
    nobody: createRoutingProvider(),
    get library() {
      library ??= named.main.provider.getTracer('library')
      return library
    },
    readProviders: () => Object.values(named).map((tracer) => [tracer.provider, tracer.otelTracer]),
    takeTrees: () =>
      Object.fromEntries(
        Object.entries(named)
          .map(([name, tracer]) => [name, take(tracer)])
          .filter(([, text]) => text !== ''),
      ),

    serve: (tenant, name, handle) =>
      named[tenant].withSession({ sessionName: name }, () => named[tenant].startActiveSpan(`request ${name}`, handle)),
    model(name) {
      return (fn) =>
        this.library.startActiveSpan(`model ${name}`, async (span) => {
          await fn()
          this.library.startSpan(`inner ${name}`).end()
          span.end()
        })
    },
    takeTenants() {
      const sessions = ['A', 'B'].map((name) => new Set(named[name].spans.map((span) => span.attributes['honeyhive.session_id'])).size)
      const trees = ['A', 'B'].map((name) => write(named[name].tree()).split(' | ').sort())
      return { sessions, trees, others: this.takeTrees().main ?? '' }
    },

    async deliver() {
      const tracer = HoneyHiveTracer.init({ apiKey, serverUrl })
      await tracer.startActiveSpan('delivered', async () => await null)
      await tracer.forceFlush()
      await tracer.shutdown()
    },
    finish: () => recorded,
  }
}

const toPlain = (span) => ({
  name: span.name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentId: span.parentSpanContext?.spanId,
  links: span.links.map(({ context }) => context.traceId),
  marks: Object.keys(span.attributes).filter((key) => key.startsWith('mark.')),
})

/** Our side: two tenants with tracers of their own, and instrumentors that were given to the first alone. */
export async function createSide({ load, instrumentations }) {
  const { HoneyHiveTracer, trace } = await load('honeyhive-tracer')
  const { SERVER_URL: serverUrl, RUN: run } = process.env
  const warnings = []
  const take = (...words) => warnings.push(words.map(String).join(' '))
  const logger = { debug() {}, info() {}, warn: take, error: take }
  const a = HoneyHiveTracer.init({ apiKey: `A-${run}`, serverUrl, logger, instrumentations })
  const tracers = { A: a, B: HoneyHiveTracer.init({ apiKey: `B-${run}`, serverUrl, logger }) }
  const all = Object.values(tracers)
  return {
    tracers,
    provider: a.provider,
    otelTracer: a.otelTracer,
    traced: (name, fn) => trace({ eventName: name })(fn),
    enter: (tenant, name, marker, run) =>
      tracers[tenant].withSession({ sessionName: marker, sessionId: marker }, () =>
        tracers[tenant].startActiveSpan(name, { eventType: 'chain' }, run),
      ),
    countOpen: () => all.reduce((sum, tracer) => sum + tracer.stats().open, 0),
    async finish() {
      await Promise.all(all.map((tracer) => tracer.forceFlush()))
      await Promise.all(all.map((tracer) => tracer.shutdown()))
      return { warnings, stats: Object.fromEntries(Object.entries(tracers).map(([name, tracer]) => [name, tracer.stats()])) }
    },
  }
}

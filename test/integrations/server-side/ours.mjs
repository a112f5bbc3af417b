/** Our side: tracers of two tenants, and the ways in which an application chooses between them. */
export async function createOurs({ load, framework }) {
  const { HoneyHiveTracer, createTracerPool, getActiveTracer, trace, traceFn } = await load('honeyhive-tracer')
  const { honeyHive } = await load('honeyhive-tracer/express')
  const { honeyHivePlugin } = await load('honeyhive-tracer/fastify')
  const { SERVER_URL: serverUrl, RUN: run } = process.env

  /** An adapter as the framework of this program calls it. */
  function createAdapter(choose) {
    const settings = { sessionId: (request) => questionOf(request).marker }
    const tracer = (request) => choose(questionOf(request).tenant)
    if (framework !== 'fastify') {
      const middleware = honeyHive(tracer, settings)
      return ({ request, response, next }) => middleware(request, response, next)
    }
    const hooks = {}
    honeyHivePlugin({ addHook: (name, hook) => Object.assign(hooks, { [name]: hook }) }, { tracer, ...settings }, () => undefined)
    return ({ fastify, next }) => hooks.onRequest(fastify.request, fastify.reply, next)
  }

  /** Opens the tracers of a phase; `options` are those of the first. */
  return function open(phase, options) {
    const warnings = []
    const warn = (...words) => warnings.push(words.map(String).join(' '))
    const logger = { debug() {}, info() {}, warn, error: warn }
    const settingsOf = (tenant) => ({ apiKey: `${tenant}-${run}-${phase}`, serverUrl, logger })
    const first = HoneyHiveTracer.init({ ...settingsOf('A'), ...options })
    const tracers = { A: first, B: HoneyHiveTracer.init(settingsOf('B')) }
    const pool = createTracerPool({ create: settingsOf })
    const adapter = createAdapter((tenant) => tracers[tenant])
    const adapterInPool = createAdapter(() => getActiveTracer())
    const inSession = ({ tenant, marker }, fn) => tracers[tenant].withSession({ sessionName: marker, sessionId: marker }, fn)

    const entrances = {
      adapter: (_question, parts) => adapter(parts),
      // As docs/frameworks.md has it for a tracer of each tenant.
      pool: ({ tenant }, parts) =>
        pool.run(tenant, () => {
          const isOver = new Promise((resolve) => parts.response.once('close', resolve))
          adapterInPool(parts)
          return isOver
        }),
      session: (question, { next }) => inSession(question, () => next()),
      span: (question, { next }) => inSession(question, () => tracers[question.tenant].startActiveSpan('request', () => next())),
    }
    const handlers = {
      'in-session': inSession,
      'in-function': (question, fn) => inSession(question, traceFn(tracers[question.tenant], fn, { eventName: 'request' })),
    }
    return {
      tracers,
      enter: (question, parts) => void (entrances[question.entry] ?? ((_question, { next }) => next()))(question, parts),
      inHandler: (question, fn) => (handlers[question.entry] ?? ((_question, run) => run()))(question, fn),
      traced: (name, fn) => trace({ eventName: name })(fn),
      async finish() {
        const all = Object.values(tracers)
        // Server spans end when their connection does, which may be after the answer.
        for (let count = 0; count < 50 && all.some((tracer) => tracer.stats().open > 0); count++)
          await new Promise((resolve) => setTimeout(resolve, 20))
        await Promise.all(all.map((tracer) => tracer.forceFlush()))
        const stats = Object.fromEntries(Object.entries(tracers).map(([tenant, tracer]) => [tenant, tracer.stats()]))
        await Promise.all([...all.map((tracer) => tracer.shutdown()), pool.shutdown()])
        return { stats, warnings: [...warnings] }
      },
    }
  }
}

const questionOf = (request) => Object.fromEntries(new URL(request.originalUrl ?? request.url, 'http://localhost').searchParams)

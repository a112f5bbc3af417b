// A worker that is written as for Node: it makes tracers, sessions and spans, and answers with what came of it.
import { enrichSpan, HoneyHiveTracer, trace, traceFn } from 'honeyhive-tracer'
import { traceFetchHandler } from 'honeyhive-tracer/fetch'

const lines = []
const logger = { debug() {}, warn: (line) => lines.push(line), error: (line) => lines.push(line) }

class Agent {
  ask(question) {
    return `answer to ${question}`
  }
}

export default {
  async fetch(request, env, context) {
    const tracer = HoneyHiveTracer.init({ apiKey: 'local', serverUrl: env.RECEIVER, logger })
    const answer = traceFn(tracer, async (question) => {
      enrichSpan({ metadata: { question } })
      return new Agent().ask(question)
    })
    const handle = traceFetchHandler(tracer, async () => new Response(await answer('one')), {
      flush: true,
      waitUntil: (work) => context.waitUntil(work),
    })
    const texts = [
      await (await handle(request)).text(),
      await tracer.withSession({ sessionName: 'worker' }, () => answer('two')),
      await tracer.startActiveSpan('outer', () => answer('three')),
      trace({ tracer })(() => 'four')(),
      [
        ...trace({ tracer })(function* () {
          yield 'five'
        })(),
      ].join(),
    ]
    await tracer.createSession({ sessionName: 'later' })
    const isDelivered = await tracer.shutdown()
    return Response.json({ texts, isDelivered, isEnabled: tracer.isEnabled, lines })
  },
}

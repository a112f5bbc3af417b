/** A long-running server: one tracer at startup, one session for each request, none of them mixed. */
import assert from 'node:assert/strict'
import { EventType, HoneyHiveTracer, toSessionId, trace } from 'honeyhive-tracer'
import { listen, startLocal } from './local.js'

const local = await startLocal('my-api')

const tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], source: 'production' })

const callModel = trace({ tracer, eventType: EventType.model })(async function callModel(message: string) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
  tracer.enrichSpan({ metadata: { tokens: message.split(' ').length } })
  return `an answer to ${message}`
})

class Routes {
  @trace({ tracer, eventType: EventType.chain })
  static async chat(message: string): Promise<string> {
    return callModel(message)
  }
}

const app = await listen(async (request, response) => {
  // Any text is an id: a UUID is kept, everything else becomes one by a fixed rule.
  const sessionId = request.headers['x-session-id']?.toString()
  const inputs = { method: request.method, path: request.url }
  await tracer.withSession({ sessionName: `request ${request.url}`, sessionId, inputs }, async (session) => {
    const answer = await Routes.chat(decodeURIComponent(request.url?.slice(1) ?? ''))
    void session.enrich({ outputs: { status_code: 200 } })
    response.setHeader('x-session-id', session.sessionId).end(answer)
  })
})

const answers = await Promise.all(
  Array.from({ length: 40 }, async (_, i) => {
    const response = await fetch(`${app.url}/message-${i}`, { headers: { 'x-session-id': `user-${i}` } })
    return { id: response.headers.get('x-session-id') ?? '', text: await response.text() }
  }),
)
await app.close()
assert.equal(await tracer.shutdown(), true)

for (const [i, { id, text }] of answers.entries()) {
  assert.equal(text, `an answer to message-${i}`)
  assert.equal(id, toSessionId(`user-${i}`))
  const events = local.server.events({ sessionId: id })
  assert.deepEqual(events.map(({ type, name }) => `${type} ${name}`).sort(), [
    'chain Routes.chat',
    'model callModel',
    `session request /message-${i}`,
  ])
}
await local.close()

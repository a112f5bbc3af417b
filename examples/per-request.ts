/** A tracer of its own for each request: full isolation, for the price of a tracer and a flush per request. */
import assert from 'node:assert/strict'
import { EventType, HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { listen, startLocal } from './local.js'

const local = await startLocal('api')

const app = await listen(async (request, response) => {
  // Shut down, and so flushed, when the block ends.
  await using tracer = HoneyHiveTracer.init({
    apiKey: process.env['HH_API_KEY'],
    source: 'api-server',
    sessionName: `request ${request.url}`,
  })
  void tracer.enrichSession({ metadata: { endpoint: request.url, method: request.method } })
  const processRequest = trace({ tracer, eventType: EventType.chain })(async function processRequest(path: string) {
    return `processed ${path}`
  })
  response.end(await processRequest(request.url ?? '/'))
})

const paths = Array.from({ length: 20 }, (_, i) => `/api/process/${i}`)
await Promise.all(paths.map(async (path) => assert.equal(await (await fetch(app.url + path)).text(), `processed ${path}`)))
await app.close()

// The response may go out before the flush has ended.
while (local.server.events({ project: 'api' }).length < 2 * paths.length) await new Promise((resolve) => setTimeout(resolve, 10))
const sessions = local.server.sessions({ project: 'api' })
assert.deepEqual(sessions.map(({ name }) => name).sort(), paths.map((path) => `request ${path}`).sort())
assert.ok(sessions.every(({ events }) => events === 1 || events === 2))
await local.close()

/** A tracer of its own for each request: full isolation, for the price of a tracer and a flush per request. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventType, HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { listen, startLocal } from './local.js'

const local = await startLocal('api')

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
}

const handled: Promise<void>[] = []
const app = await listen((request, response) => handled.push(handle(request, response)))

const paths = Array.from({ length: 20 }, (_, i) => `/api/process/${i}`)
await Promise.all(paths.map(async (path) => assert.equal(await (await fetch(app.url + path)).text(), `processed ${path}`)))
await app.close()

// The response goes out before the flush has ended.
await Promise.all(handled)

const sessions = local.server.sessions({ project: 'api' })
assert.deepEqual(sessions.map(({ name }) => name).sort(), paths.map((path) => `request ${path}`).sort())
assert.equal(local.find('api', 'processRequest').length, paths.length)
await local.close()

/** A header of each request selects the tracer: canary users and shadow traffic have projects of their own. */
import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { defineTracers, EventType, enrichSpan, type HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('production', 'canary-deployment', 'shadow-traffic')

const tracers = defineTracers({
  production: { apiKey: process.env['HH_API_KEY_PRODUCTION'], source: 'production' },
  canary: { apiKey: process.env['HH_API_KEY_CANARY_DEPLOYMENT'], source: 'canary' },
  shadow: { apiKey: process.env['HH_API_KEY_SHADOW_TRAFFIC'], source: 'shadow' },
})

function tracerFor(headers: IncomingHttpHeaders): HoneyHiveTracer {
  if (headers['x-canary-user'] === 'true') return tracers.get('canary')
  if (headers['x-shadow-traffic'] === 'true') return tracers.get('shadow')
  return tracers.get('production')
}

function processRequest(input: string, headers: IncomingHttpHeaders): Promise<string> {
  const tracer = tracerFor(headers)
  // Wrapping is cheap; where the choice depends on the arguments alone, wrap once and give `tracer` as a function.
  const run = trace({ tracer, eventType: EventType.chain, eventName: 'processRequest' })(async (text: string) => {
    enrichSpan({ routing_decision: tracer.source, user_input_length: text.length })
    return `an answer to ${text}`
  })
  return run(input)
}

await Promise.all([
  processRequest('one', {}),
  processRequest('two', { 'x-canary-user': 'true' }),
  processRequest('three', { 'x-shadow-traffic': 'true' }),
])
assert.equal(await tracers.shutdown(), true)

for (const [project, source] of [
  ['production', 'production'],
  ['canary-deployment', 'canary'],
  ['shadow-traffic', 'shadow'],
] as const) {
  const events = local.find(project, 'processRequest')
  assert.deepEqual(
    events.map(({ metadata }) => metadata['routing_decision']),
    [source],
  )
}
await local.close()

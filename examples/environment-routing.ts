/** One project for each environment: the key of the environment selects it. */
import assert from 'node:assert/strict'
import { EventType, HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('myapp-development', 'myapp-staging', 'myapp-production')
const keys: Readonly<Record<string, string | undefined>> = {
  development: process.env['HH_API_KEY_MYAPP_DEVELOPMENT'],
  staging: process.env['HH_API_KEY_MYAPP_STAGING'],
  production: process.env['HH_API_KEY_MYAPP_PRODUCTION'],
}

function initFor(environment: string): HoneyHiveTracer {
  // An environment without a key disables the tracer and says so; it never falls back to the key of another one.
  return HoneyHiveTracer.init({ apiKey: keys[environment] ?? '', source: environment })
}

const environment = process.env['ENVIRONMENT'] ?? 'development'
const tracer = initFor(environment)

const generateResponse = trace({ tracer, eventType: EventType.chain })(async function generateResponse(prompt: string) {
  return `an answer to ${prompt}`
})

await generateResponse('where is my order?')
assert.equal(await tracer.shutdown(), true)

assert.deepEqual(local.arrived(`myapp-${environment}`), ['generateResponse'])
assert.equal(local.find(`myapp-${environment}`, 'generateResponse')[0]?.source, environment)
const unknown = initFor('moon-base')
assert.equal(unknown.isEnabled, false)
await local.close()

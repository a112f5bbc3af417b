/** A script: one tracer at module level, one session for everything, sent when the process ends. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('my-project')

const tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], sessionName: 'local-dev-session' })

const processText = trace({ tracer, eventType: 'tool' })(function processText(text: string) {
  const result = text.toUpperCase()
  tracer.enrichSpan({ metadata: { input_length: text.length } })
  return result
})

assert.equal(processText('Hello'), 'HELLO')
assert.equal(processText('World'), 'WORLD')
// Also happens by itself when a process ends naturally; a script that calls process.exit() has to ask for it.
assert.equal(await tracer.shutdown(), true)

assert.deepEqual(local.arrived('my-project'), ['processText', 'processText'])
assert.deepEqual(
  local.server.sessions().map(({ name }) => name),
  ['local-dev-session'],
)
assert.deepEqual(
  local.find('my-project', 'processText').map(({ metadata }) => metadata['input_length']),
  [5, 5],
)
await local.close()

/** Two tracers in one process: production and experiments, each with a key, and so a project, of its own. */
import assert from 'node:assert/strict'
import { EventType, HoneyHiveTracer, shutdownAll, trace, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('production-app', 'experiments')

const production = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_PRODUCTION_APP'], source: 'production' })
const experiments = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_EXPERIMENTS'], source: 'experimental' })

// Names no tracer: it records on whoever is active where it is called.
const lookUp = trace({ eventType: EventType.tool })(async function lookUp(question: string) {
  return [`a document about ${question}`]
})

class Answers {
  @trace({ tracer: production, eventType: EventType.chain })
  async answer(question: string): Promise<string> {
    return (await lookUp(question)).join()
  }
}

const tryNewPrompt = traceFn(experiments, async (question: string) => (await lookUp(question)).length, { eventName: 'tryNewPrompt' })

await Promise.all([new Answers().answer('otters'), tryNewPrompt('otters')])
await shutdownAll()

assert.deepEqual(local.arrived('production-app'), ['Answers.answer', '  lookUp'])
assert.deepEqual(local.arrived('experiments'), ['tryNewPrompt', '  lookUp'])
assert.deepEqual(
  local.find('production-app', 'lookUp').map(({ source }) => source),
  ['production'],
)
await local.close()

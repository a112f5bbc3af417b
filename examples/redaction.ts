/** What leaves the process: rules mask secrets in inputs, outputs, metadata and errors, before anything is queued. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('shop')

const tracer = HoneyHiveTracer.init({
  apiKey: process.env['HH_API_KEY'],
  redact: { keys: ['email', /^card/], patterns: [/\b\d{3}-\d{2}-\d{4}\b/], replacement: '[MASKED]' },
})

interface Customer {
  readonly name: string
  readonly email: string
  readonly password: string
  readonly note: string
}

const register = traceFn(tracer, async (customer: Customer) => ({ id: 7, cardNumber: '4111 1111 1111 1111', name: customer.name }), {
  eventName: 'register',
})
// Inputs of this one are not recorded at all.
const verify = traceFn(tracer, async (_secret: string) => true, { eventName: 'verify', inputs: false })

const customer = { name: 'Ada', email: 'ada@example.com', password: 'hunter2', note: 'her number is 078-05-1120' }
const created = await register(customer)
await verify('hunter2')
assert.equal(await tracer.shutdown(), true)

// The function itself saw and returned everything.
assert.equal(created.cardNumber, '4111 1111 1111 1111')
const [event] = local.find('shop', 'register')
assert.deepEqual(event?.inputs, { name: 'Ada', email: '[MASKED]', password: '[MASKED]', note: 'her number is [MASKED]' })
assert.deepEqual(event?.outputs, { result: { id: 7, cardNumber: '[MASKED]', name: 'Ada' } })
assert.doesNotMatch(JSON.stringify(local.server.events()), /hunter2|ada@example|4111|078-05/)
await local.close()

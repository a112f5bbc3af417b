/** Tracers from a file; a typing mistake in it is reported with line and column before anything starts. */
import assert from 'node:assert/strict'
import { loadTracers, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('myapp-production', 'experiments')

await using tracers = loadTracers(new URL('tracers.yaml', import.meta.url))

const answer = traceFn(tracers.get('production'), async (question: string) => `an answer to ${question}`, { eventName: 'answer' })
const attempt = traceFn('experiments', async (question: string) => `an attempt at ${question}`, { eventName: 'attempt' })

await answer('where is my order?')
await attempt('where is my order?')
assert.equal(await tracers.forceFlush(), true)

assert.deepEqual(tracers.names, ['production', 'staging', 'experiments'])
assert.deepEqual(local.arrived('myapp-production'), ['answer'])
assert.deepEqual(local.arrived('experiments'), ['attempt'])
// No key for staging: that tracer is disabled, its functions still run, and one warning said so.
assert.equal(tracers.get('staging').isEnabled, false)
const mistaken = { other: { apiKey: 'k', sorce: 'dev' } }
assert.throws(() => loadTracers(mistaken), /Unknown option "tracers.other.sorce".*Did you mean "tracers.other.source"/)
await local.close()

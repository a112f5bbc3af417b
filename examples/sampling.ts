/** Whole traces are kept or not, each tracer for itself; what is not kept is counted. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, shutdownAll, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('audit', 'bulk')

const audit = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_AUDIT'] })
const bulk = HoneyHiveTracer.init({
  apiKey: process.env['HH_API_KEY_BULK'],
  sampleRate: 0.25,
  spanFilter: { exclude: ['health'] },
})

const write = traceFn(audit, async (line: string) => line.length, { eventName: 'write' })
const health = traceFn(bulk, async () => 'fine', { eventName: 'health' })
const importRow = traceFn(bulk, async (row: number) => `${await health()} ${await write(`row ${row}`)}`, { eventName: 'importRow' })

for (let row = 0; row < 400; row++) await importRow(row)
await shutdownAll()

const kept = local.find('bulk', 'importRow').length
const { started, exported, dropped } = bulk.stats()
console.log(`bulk: ${started} started, ${exported} exported, ${dropped.unsampled} not sampled, ${dropped.filtered} filtered`)
assert.ok(kept > 50 && kept < 150, `${kept} of 400`)
assert.equal(kept, exported)
assert.equal(started, exported + dropped.unsampled + dropped.filtered)
// The other tracer's decision never counts.
assert.equal(local.find('audit', 'write').length, 400)
await local.close()

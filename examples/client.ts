/** The REST client: uploads a dataset, reads a prompt, goes through the events of a user, and says what went wrong. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { createClient, HoneyHiveRequestError } from 'honeyhive-tracer/client'
import { startLocal } from './local.js'

const local = await startLocal('support')
const client = createClient()

const { datasetId } = await client.datasets.create({ name: 'cities' })
const { datapointIds } = await client.datasets.addDatapoints(datasetId, {
  data: [
    { question: 'Where is Rome?', answer: 'Italy' },
    { question: 'Where is Paris?', answer: 'France' },
  ],
  mapping: { inputs: ['question'], groundTruth: ['answer'] },
})
assert.equal(datapointIds.length, 2)

const parameters = { callType: 'chat', model: 'gpt-4o', template: [{ role: 'system', content: 'Greet {{name}}.' }] } as const
await client.configurations.create({ name: 'greeting', provider: 'openai', parameters, env: ['prod'] })
const prompt = await client.configurations.list({ name: 'greeting', env: 'prod' }).first()
assert.deepEqual(prompt?.parameters.template, parameters.template)

const tracer = HoneyHiveTracer.init({ sessionName: 'chat' })
const greet = traceFn(tracer, (name: string) => `Hello ${name}`, { eventName: 'greet', argNames: ['name'], metadata: { user_id: 'u-1' } })
for (const name of ['Ada', 'Grace', 'Joan']) greet(name)
await tracer.shutdown()

const names: unknown[] = []
const ofUser = { field: 'metadata.user_id', operator: 'is', value: 'u-1' } as const
for await (const { inputs } of client.events.list({ filters: [ofUser], pageSize: 2 })) names.push(inputs?.['name'])
assert.deepEqual(names.sort(), ['Ada', 'Grace', 'Joan'])

const failure: unknown = await client.datapoints.get('nowhere').catch((error: unknown) => error)
assert.ok(failure instanceof HoneyHiveRequestError)
assert.equal(failure.status, 404)

client.close()
await local.close()

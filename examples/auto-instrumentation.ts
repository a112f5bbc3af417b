/** One instrumentor for all tracers: each model call goes to the tracer that is active where it starts, streams included. */
import assert from 'node:assert/strict'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { EventType, HoneyHiveTracer, shutdownAll, trace } from 'honeyhive-tracer'
import OpenAI from 'openai'
import { startLocal, startModel } from './local.js'

const local = await startLocal('customer-api', 'admin-tools')
const model = await startModel()

const instrumentation = new OpenAIInstrumentation()
const api = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_CUSTOMER_API'], instrumentations: [instrumentation] })
const admin = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_ADMIN_TOOLS'] })
// ES modules cannot be patched from outside after their import; CommonJS applications leave this line out.
instrumentation.manuallyInstrument(OpenAI)
const client = new OpenAI({ apiKey: 'sk-local', baseURL: model.url })

const chat = trace({ tracer: api, eventType: EventType.chain })(async function chat(content: string) {
  const reply = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
  return reply.choices[0]?.message.content
})

const analyze = trace({ tracer: admin, eventType: EventType.chain })(async function* analyze(content: string) {
  const stream = await client.chat.completions.create({ model: 'gpt-4o', stream: true, messages: [{ role: 'user', content }] })
  for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? ''
})

let streamed = ''
const [answer] = await Promise.all([
  chat('Where is my order?'),
  (async () => {
    for await (const word of analyze('returns of last week')) streamed += word
  })(),
])
assert.equal(answer, 'You said: Where is my order?')
assert.equal(streamed, 'You said: returns of last week')
await shutdownAll()
await model.close()

assert.deepEqual(local.arrived('customer-api'), ['chat', '  OpenAI Chat Completions'])
assert.deepEqual(local.arrived('admin-tools'), ['analyze', '  OpenAI Chat Completions'])
const [call] = local.find('customer-api', 'OpenAI Chat Completions')
assert.equal(call?.type, 'model')
assert.equal(call?.model, 'gpt-4o-mini')
assert.ok((call?.totalTokens ?? 0) > 0)
await local.close()

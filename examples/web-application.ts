/** A whole web application with Express: two tracers, one instrumentor, sessions from the middleware. */
import assert from 'node:assert/strict'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import express from 'express'
import { enrichSpan, EventType, HoneyHiveTracer, shutdownAll, trace } from 'honeyhive-tracer'
import { honeyHive, honeyHiveErrors } from 'honeyhive-tracer/express'
import OpenAI from 'openai'
import { listen, startLocal, startModel } from './local.js'

const local = await startLocal('customer-api', 'admin-tools')
const model = await startModel()

const source = process.env['ENVIRONMENT'] ?? 'production'
const instrumentation = new OpenAIInstrumentation()
const api = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_CUSTOMER_API'], source, instrumentations: [instrumentation] })
const admin = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_ADMIN_TOOLS'], source })
instrumentation.manuallyInstrument(OpenAI)
const client = new OpenAI({ apiKey: 'sk-local', baseURL: model.url })

const ask = trace({ eventType: EventType.chain })(async function ask(content: string) {
  const reply = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
  return reply.choices[0]?.message.content
})

const app = express()
app.use(express.json())
// Each request gets a session and a span of the tracer that the function chooses.
app.use(honeyHive((request) => (request.originalUrl?.startsWith('/admin') ? admin : api)))
app.post('/api/chat', async (request, response) => {
  const { message, user_id } = request.body as { message: string; user_id: string }
  enrichSpan({ user_id, request_id: request.get('x-request-id') })
  response.json({ response: await ask(message) })
})
app.post('/admin/analyze', async (request, response) => {
  enrichSpan({ admin_user: request.get('x-admin-user') })
  response.json({ analysis: await ask(`Analyze: ${JSON.stringify(request.body)}`) })
})
app.use(honeyHiveErrors())

const server = await listen(app)
const post = async (path: string, body: object, headers: Record<string, string>): Promise<string> => {
  const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
  return (await fetch(server.url + path, init)).text()
}
await Promise.all([
  post('/api/chat', { message: 'hello', user_id: 'ada' }, { 'x-request-id': 'r-1' }),
  post('/admin/analyze', { week: 7 }, { 'x-admin-user': 'root' }),
])
await Promise.all([server.close(), model.close()])
await shutdownAll()

assert.deepEqual(local.arrived('customer-api'), ['POST /api/chat', '  ask', '    OpenAI Chat Completions'])
assert.deepEqual(local.arrived('admin-tools'), ['POST /admin/analyze', '  ask', '    OpenAI Chat Completions'])
assert.equal(local.find('customer-api', 'POST /api/chat')[0]?.metadata['user_id'], 'ada')
await local.close()

import { HoneyHiveTracer, enrichSpan } from 'honeyhive'

const tracer = await HoneyHiveTracer.init({
  apiKey: process.env.HH_API_KEY,
  project: 'otters',
  serverUrl: process.env.HH_API_URL,
  source: 'production',
  sessionName: 'chat',
})

const lookup = tracer.traceTool(function lookup(topic) {
  return [`a document about ${topic}`]
})

const complete = tracer.traceModel(
  async function complete(messages) {
    enrichSpan({ metrics: { tokens: 12 } })
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  },
  { config: { model: 'gpt-4o' } },
)

const answer = tracer.traceChain(async function answer(question) {
  const documents = lookup('otters')
  return (await complete([{ role: 'user', content: question + documents[0] }])).content
})

await tracer.trace(() => answer('Do otters swim?'))
await tracer.enrichSession({ userProperties: { user_id: 'u-1' }, feedback: { rating: 5 } })
await tracer.flush()
process.exit(0)

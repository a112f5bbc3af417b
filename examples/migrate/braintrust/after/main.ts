import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'

// HH_API_KEY selects the project; HH_API_URL is only needed for a server of your own.
const tracer = HoneyHiveTracer.init({ source: 'production' })

const lookup = traceFn(tracer, (topic: string) => [`a document about ${topic}`], {
  eventName: 'lookup',
  eventType: 'tool',
  argNames: ['topic'],
})

const complete = traceFn(
  tracer,
  async (messages: readonly { role: string; content: string }[]) => {
    tracer.enrichSpan({ metadata: { prompt_tokens: 10, completion_tokens: 2 } })
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  },
  { eventName: 'complete', eventType: 'model', argNames: ['messages'], config: { model: 'gpt-4o' } },
)

const answer = traceFn(
  tracer,
  async (question: string) => {
    const documents = lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  },
  { eventName: 'answer', eventType: 'chain', argNames: ['question'] },
)

await tracer.withSession({ sessionId: 'thread-1', sessionName: 'chat', userProperties: { user_id: 'u-1' } }, () =>
  answer('Do otters swim?'),
)
await tracer.shutdown()

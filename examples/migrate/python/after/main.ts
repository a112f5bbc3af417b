import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'

const tracer = HoneyHiveTracer.init({ source: 'production', sessionName: 'chat' })

const lookup = traceFn(tracer, (topic: string) => [`a document about ${topic}`], {
  eventName: 'lookup',
  eventType: 'tool',
  argNames: ['topic'],
})

const complete = traceFn(
  tracer,
  async (messages: readonly { role: string; content: string }[]) => {
    tracer.enrichSpan({ metrics: { tokens: 12 } })
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

await answer('Do otters swim?')
await tracer.enrichSession({ userProperties: { user_id: 'u-1' }, feedback: { rating: 5 } })
await tracer.shutdown()

import { HoneyHiveTracer } from 'honeyhive-tracer'

// HH_API_KEY selects the project; HH_API_URL is only needed for a server of your own.
const tracer = HoneyHiveTracer.init({ source: 'production' })

// Ends by itself, with the status of how the function ended; exceptions are recorded.
const lookup = (topic: string) =>
  tracer.startActiveSpan('lookup', { eventType: 'tool', inputs: { topic } }, () => [`a document about ${topic}`])

const complete = (messages: readonly { role: string; content: string }[]) =>
  tracer.startActiveSpan('complete', { eventType: 'model', inputs: { messages }, config: { model: 'gpt-4o' } }, (span) => {
    span.setAttribute('gen_ai.usage.output_tokens', 2)
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  })

const answer = (question: string) =>
  tracer.startActiveSpan('answer', { eventType: 'chain', inputs: { question } }, () => {
    const documents = lookup('otters')
    return complete([{ role: 'user', content: question + documents[0] }]).content
  })

await tracer.withSession({ sessionId: 'thread-1', sessionName: 'chat', userProperties: { user_id: 'u-1' } }, () =>
  answer('Do otters swim?'),
)
await tracer.shutdown()

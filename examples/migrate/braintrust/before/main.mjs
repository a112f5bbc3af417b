import { currentSpan, flush, initLogger, wrapTraced } from 'braintrust'

initLogger({ projectName: 'otters', apiKey: 'sk-1', appUrl: process.env.BACKEND_URL })

const lookup = wrapTraced(async (topic) => [`a document about ${topic}`], { name: 'lookup', type: 'tool' })

const complete = wrapTraced(
  async (messages) => {
    currentSpan().log({ metadata: { model: 'gpt-4o' }, metrics: { prompt_tokens: 10, completion_tokens: 2 } })
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  },
  { name: 'complete', type: 'llm' },
)

const answer = wrapTraced(
  async (question) => {
    currentSpan().log({ metadata: { user_id: 'u-1', session_id: 'thread-1' } })
    const documents = await lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  },
  { name: 'answer', type: 'task' },
)

await answer('Do otters swim?')
await flush()

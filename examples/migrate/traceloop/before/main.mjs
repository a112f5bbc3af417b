import * as traceloop from '@traceloop/node-server-sdk'

traceloop.initialize({
  appName: 'otters',
  apiKey: 'tl-1',
  baseUrl: process.env.BACKEND_URL,
  disableBatch: true,
  silenceInitializationMessage: true,
})

const lookup = (topic) => traceloop.withTool({ name: 'lookup' }, () => [`a document about ${topic}`])

const complete = (messages) =>
  traceloop.withTask({ name: 'complete' }, async () => ({ role: 'assistant', content: `Otters swim (${messages.length})` }), messages)

const answer = (question) =>
  traceloop.withWorkflow({ name: 'answer', associationProperties: { user_id: 'u-1', session_id: 'thread-1' } }, async () => {
    const documents = await lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  })

await answer('Do otters swim?')
await traceloop.forceFlush()
process.exit(0)

import { LangfuseSpanProcessor } from '@langfuse/otel'
import { observe, propagateAttributes, updateActiveObservation } from '@langfuse/tracing'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const processor = new LangfuseSpanProcessor({ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: process.env.BACKEND_URL })
new NodeTracerProvider({ spanProcessors: [processor] }).register()

const lookup = observe((topic) => [`a document about ${topic}`], { name: 'lookup', asType: 'tool' })

const complete = observe(
  async (messages) => {
    updateActiveObservation({ model: 'gpt-4o', usageDetails: { input: 10, output: 2 } }, { asType: 'generation' })
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  },
  { name: 'complete', asType: 'generation' },
)

const answer = observe(
  async (question) => {
    const documents = lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  },
  { name: 'answer', asType: 'chain' },
)

await propagateAttributes({ userId: 'u-1', sessionId: 'thread-1' }, () => answer('Do otters swim?'))
await processor.forceFlush()

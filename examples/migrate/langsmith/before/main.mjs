import { Client } from 'langsmith'
import { traceable } from 'langsmith/traceable'

const client = new Client({ apiKey: 'lsv2_1', apiUrl: process.env.BACKEND_URL })
const common = { client, tracingEnabled: true, project_name: 'otters' }

const lookup = traceable((topic) => [`a document about ${topic}`], { ...common, name: 'lookup', run_type: 'tool' })

const complete = traceable(
  async (messages) => ({
    role: 'assistant',
    content: `Otters swim (${messages.length})`,
    usage_metadata: { input_tokens: 10, output_tokens: 2 },
  }),
  { ...common, name: 'complete', run_type: 'llm', metadata: { ls_model_name: 'gpt-4o' } },
)

const answer = traceable(
  async (question) => {
    const documents = await lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  },
  { ...common, name: 'answer', run_type: 'chain', metadata: { session_id: 'thread-1', user_id: 'u-1' } },
)

await answer('Do otters swim?')
await client.awaitPendingTraceBatches()

// What an application asks of LlamaIndex, the same for both module formats.

/** The calls, against the models at `url`. */
exports.createCases = ({ llamaindex, openai, workflow, z }, { url, traced }) => {
  const { Document, Settings, SimpleChatEngine, VectorStoreIndex, tool } = llamaindex
  const session = { apiKey: 'key', maxRetries: 0, baseURL: `${url}/v1` }
  const modelOf = (model) => new openai.OpenAI({ model, ...session, supportToolCall: true })
  Settings.embedModel = new openai.OpenAIEmbedding({ model: 'text-embedding-3-small', ...session })
  const getWeather = tool({
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: z.object({ city: z.string() }),
    execute: traced('look up', ({ city }) => ({ weather: city })),
  })
  const messagesOf = (content) => [{ role: 'user', content }]
  return {
    chat: ({ text, model }) => modelOf(model).chat({ messages: messagesOf(text) }),
    stream: ({ text, model }) => modelOf(model).chat({ messages: messagesOf(text), stream: true }),
    chatEngine: ({ text, model }) => new SimpleChatEngine({ llm: modelOf(model) }).chat({ message: text }),
    agent: ({ question, model }) => workflow.agent({ tools: [getWeather], llm: modelOf(model) }).run(question),
    async query({ marker, text, model }) {
      const index = await VectorStoreIndex.fromDocuments([new Document({ text: `${marker} is a city.` })])
      const synthesizer = llamaindex.getResponseSynthesizer('compact', { llm: modelOf(model) })
      await index.asQueryEngine({ responseSynthesizer: synthesizer }).query({ query: text })
    },
  }
}

// What an application asks of @anthropic-ai/sdk.

const tools = [
  {
    name: 'get_weather',
    description: 'Weather of a city',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
]

/** The calls of `client`, with `getWeather` as the tool. */
exports.createCases = (client, traced) => {
  const getWeather = traced('get_weather', async ({ city }) => ({ weather: city }))
  const ask = (text, model) => ({ model, max_tokens: 100, messages: [{ role: 'user', content: text }] })
  return {
    chat: ({ text, model }) => client.messages.create({ ...ask(text, model), system: 'Be short.' }),
    stream: ({ text, model, signal }) => client.messages.create({ ...ask(text, model), stream: true }, { signal }),
    async streamHelper({ text, model }) {
      await client.messages.stream(ask(text, model)).finalMessage()
    },
    async tools({ question, model }) {
      const { messages, ...rest } = ask(question, model)
      const first = await client.messages.create({ ...rest, messages, tools })
      const call = first.content.find(({ type }) => type === 'tool_use')
      const content = JSON.stringify(await getWeather(call.input))
      const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content }] }
      await client.messages.create({ ...rest, tools, messages: [...messages, { role: 'assistant', content: first.content }, result] })
    },
    async streamTools({ question, model }) {
      await client.messages.stream({ ...ask(question, model), tools }).finalMessage()
    },
    beta: ({ text, model }) => client.beta.messages.create(ask(text, model)),
  }
}

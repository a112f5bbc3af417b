// What an application asks of openai, the same for every instrumentor and module format.

const tool = {
  name: 'get_weather',
  description: 'Weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
}

/** The calls of `client`, with `getWeather` as the tool. */
exports.createCases = (client, traced) => {
  const getWeather = traced('get_weather', async ({ city }) => ({ weather: city }))
  const messagesOf = (text) => [{ role: 'user', content: text }]
  return {
    chat: ({ text, model }) => client.chat.completions.create({ model, messages: messagesOf(text) }),
    stream: ({ text, model, signal }) =>
      client.chat.completions.create(
        { model, messages: messagesOf(text), stream: true, stream_options: { include_usage: true } },
        { signal },
      ),
    async tools({ question, model }) {
      const messages = messagesOf(question)
      const tools = [{ type: 'function', function: tool }]
      const first = await client.chat.completions.create({ model, messages, tools })
      const [call] = first.choices[0].message.tool_calls
      const content = JSON.stringify(await getWeather(JSON.parse(call.function.arguments)))
      messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content })
      await client.chat.completions.create({ model, messages, tools })
    },
    structured: ({ text, model }) =>
      client.chat.completions.parse({
        model,
        messages: messagesOf(text),
        response_format: {
          type: 'json_schema',
          json_schema: {
            name: 'answer',
            strict: true,
            schema: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] },
          },
        },
      }),
    responses: ({ text, model }) => client.responses.create({ model, input: text }),
    responsesStream: ({ text, model, signal }) => client.responses.create({ model, input: text, stream: true }, { signal }),
    async responsesTools({ question, model }) {
      const input = messagesOf(question)
      const tools = [{ type: 'function', strict: true, ...tool }]
      const first = await client.responses.create({ model, input, tools })
      const call = first.output.find(({ type }) => type === 'function_call')
      const output = JSON.stringify(await getWeather(JSON.parse(call.arguments)))
      input.push(...first.output, { type: 'function_call_output', call_id: call.call_id, output })
      await client.responses.create({ model, input, tools })
    },
    embeddings: ({ text, model }) => client.embeddings.create({ model, input: text }),
  }
}

// What an application asks of @google/genai.

const tools = [
  {
    functionDeclarations: [
      {
        name: 'get_weather',
        description: 'Weather of a city',
        parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ],
  },
]

/** The calls of `client`, with `getWeather` as the tool. */
exports.createCases = (client, traced) => {
  const getWeather = traced('get_weather', async ({ city }) => ({ weather: city }))
  return {
    chat: ({ text, model }) => client.models.generateContent({ model, contents: text, config: { systemInstruction: 'Be short.' } }),
    stream: ({ text, model, signal }) => client.models.generateContentStream({ model, contents: text, config: { abortSignal: signal } }),
    async tools({ question, model }) {
      const contents = [{ role: 'user', parts: [{ text: question }] }]
      const first = await client.models.generateContent({ model, contents, config: { tools } })
      const [call] = first.functionCalls
      const response = await getWeather(call.args)
      contents.push(first.candidates[0].content, { role: 'user', parts: [{ functionResponse: { name: call.name, response } }] })
      await client.models.generateContent({ model, contents, config: { tools } })
    },
    structured: ({ text, model }) =>
      client.models.generateContent({
        model,
        contents: text,
        config: {
          responseMimeType: 'application/json',
          responseJsonSchema: { type: 'object', properties: { answer: { type: 'string' } } },
        },
      }),
    async chatSession({ text, model }) {
      await client.chats.create({ model }).sendMessage({ message: text })
    },
    embeddings: ({ text, model }) => client.models.embedContent({ model, contents: text }),
  }
}

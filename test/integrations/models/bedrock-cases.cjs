// What an application asks of @aws-sdk/client-bedrock-runtime: Converse, and InvokeModel with the messages of Anthropic.

const weather = {
  toolSpec: {
    name: 'get_weather',
    description: 'Weather of a city',
    inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
  },
}

/** The calls of a client of `sdk`, with `getWeather` as the tool. */
exports.createCases = (sdk, url, traced) => {
  const client = new sdk.BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
  })
  const getWeather = traced('get_weather', async ({ city }) => ({ weather: city }))
  const modelId = (model) => `anthropic.claude-${model}`
  const ask = (text, model) => ({ modelId: modelId(model), messages: [{ role: 'user', content: [{ text }] }] })
  const invocation = (text, model) => ({
    modelId: modelId(model),
    contentType: 'application/json',
    body: JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, messages: [{ role: 'user', content: text }] }),
  })
  return {
    chat: ({ text, model }) => client.send(new sdk.ConverseCommand(ask(text, model))),
    async stream({ text, model, signal }) {
      return (await client.send(new sdk.ConverseStreamCommand(ask(text, model)), { abortSignal: signal })).stream
    },
    async tools({ question, model }) {
      const { messages, ...rest } = ask(question, model)
      const toolConfig = { tools: [weather] }
      const first = await client.send(new sdk.ConverseCommand({ ...rest, messages, toolConfig }))
      const { toolUse } = first.output.message.content.find((block) => block.toolUse !== undefined)
      const json = await getWeather(toolUse.input)
      const result = { role: 'user', content: [{ toolResult: { toolUseId: toolUse.toolUseId, content: [{ json }] } }] }
      await client.send(new sdk.ConverseCommand({ ...rest, toolConfig, messages: [...messages, first.output.message, result] }))
    },
    invoke: ({ text, model }) => client.send(new sdk.InvokeModelCommand(invocation(text, model))),
    async invokeStream({ text, model, signal }) {
      return (await client.send(new sdk.InvokeModelWithResponseStreamCommand(invocation(text, model)), { abortSignal: signal })).body
    },
    embeddings: ({ text, model }) =>
      client.send(
        new sdk.InvokeModelCommand({
          modelId: `amazon.titan-embed-text-${model}`,
          contentType: 'application/json',
          body: JSON.stringify({ inputText: text }),
        }),
      ),
  }
}

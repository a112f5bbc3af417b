// What an application asks of the AI SDK, the same for every major version; each group brings its own packages.
/** The calls, with `telemetry` among the options of each. */
export function createCases({ ai, openai, z, telemetry = {}, traced }) {
  const getWeather = ai.tool({
    description: 'Weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: traced('look up', async ({ city }) => ({ weather: city })),
  })
  const common = { maxRetries: 0, ...telemetry }
  const agentic = { tools: { get_weather: getWeather }, stopWhen: ai.stepCountIs(3), ...common }
  const Agent = ai.ToolLoopAgent ?? ai.Experimental_Agent
  return {
    chat: ({ text, model }) => ai.generateText({ model: openai.chat(model), prompt: text, ...common }),
    stream: ({ text, model, signal }) =>
      ai.streamText({ model: openai.chat(model), prompt: text, abortSignal: signal, onError: () => {}, ...common }).textStream,
    responses: ({ text, model }) => ai.generateText({ model: openai.responses(model), prompt: text, ...common }),
    tools: ({ question, model }) => ai.generateText({ model: openai.chat(model), prompt: question, ...agentic }),
    streamTools: ({ question, model }) => ai.streamText({ model: openai.chat(model), prompt: question, ...agentic }).fullStream,
    agent: ({ question, model }) => new Agent({ model: openai.chat(model), ...agentic }).generate({ prompt: question }),
    structured: ({ text, model }) =>
      ai.generateObject({ model: openai.chat(model), prompt: text, schema: z.object({ answer: z.string() }), ...common }),
    embeddings: ({ text, model }) => ai.embed({ model: openai.textEmbeddingModel(model), value: text, ...common }),
    embeddingsMany: ({ text, model }) => ai.embedMany({ model: openai.textEmbeddingModel(model), values: [text, `${text}!`], ...common }),
  }
}

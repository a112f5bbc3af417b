import { openAICompatible } from '@genkit-ai/compat-oai'
import { trace } from '@opentelemetry/api'
import { genkit, z } from 'genkit'

const modelOf = (model) => `local/${model}`

export function setup({ url, provider, traced }) {
  trace.setGlobalTracerProvider(provider)
  const ai = genkit({ plugins: [openAICompatible({ name: 'local', apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 })] })
  const city = z.object({ city: z.string() })
  const getWeather = ai.defineTool(
    { name: 'get_weather', description: 'Weather of a city', inputSchema: city, outputSchema: z.object({ weather: z.string() }) },
    traced('look up', async (input) => ({ weather: input.city })),
  )
  const ask = ai.defineFlow({ name: 'ask', inputSchema: z.string(), outputSchema: z.string() }, async (prompt) => {
    const { text } = await ai.generate({ model: modelOf('m-1'), prompt, tools: [getWeather] })
    return text
  })
  async function* stream({ text, model, signal }) {
    const { stream: parts, response } = ai.generateStream({ model: modelOf(model), prompt: text, abortSignal: signal })
    response.catch(() => {})
    yield* parts
    await response
  }
  return {
    chat: ({ text, model }) => ai.generate({ model: modelOf(model), prompt: text }),
    stream,
    tools: ({ question, model }) => ai.generate({ model: modelOf(model), prompt: question, tools: [getWeather] }),
    flow: ({ question }) => ask(question),
  }
}

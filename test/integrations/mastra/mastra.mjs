import { createOpenAI } from '@ai-sdk/openai'
import { Mastra } from '@mastra/core'
import { Agent } from '@mastra/core/agent'
import { createTool } from '@mastra/core/tools'
import { createStep, createWorkflow } from '@mastra/core/workflows'
import { Observability } from '@mastra/observability'
import { OtelBridge } from '@mastra/otel-bridge'
import { z } from 'zod'

const MODELS = ['m-1', 'm-429', 'm-500', 'm-cut', 'm-slow']

export function setup({ url, provider, traced }) {
  const openai = createOpenAI({ apiKey: 'key', baseURL: `${url}/v1` })
  const getWeather = createTool({
    id: 'get_weather',
    description: 'Weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: traced('look up', async ({ city }) => ({ weather: city })),
  })
  const agents = Object.fromEntries(
    MODELS.map((id) => [
      id,
      new Agent({
        id,
        name: 'assistant',
        instructions: 'Be brief.',
        model: openai.chat(id),
        tools: { get_weather: getWeather },
        maxRetries: 0,
      }),
    ]),
  )
  const answer = createStep({
    id: 'answer',
    inputSchema: z.object({ text: z.string() }),
    outputSchema: z.object({ answer: z.string() }),
    execute: async ({ inputData, mastra, tracingContext }) => {
      const { text } = await mastra.getAgent('m-1').generate(inputData.text, { tracingContext })
      return { answer: text }
    },
  })
  const workflow = createWorkflow({ id: 'questions', inputSchema: answer.inputSchema, outputSchema: answer.outputSchema })
    .then(answer)
    .commit()
  const bridge = new OtelBridge({ tracerProvider: provider })
  const observability = new Observability({ configs: { otel: { serviceName: 'application', bridge } } })
  const mastra = new Mastra({ agents, workflows: { workflow }, observability, logger: false })
  return {
    chat: ({ text, model }) => mastra.getAgent(model).generate(text),
    stream: async ({ text, model, signal }) => (await mastra.getAgent(model).stream(text, { abortSignal: signal })).textStream,
    tools: ({ question, model }) => mastra.getAgent(model).generate(question),
    streamTools: async ({ question, model }) => (await mastra.getAgent(model).stream(question)).textStream,
    structured: ({ text, model }) =>
      mastra.getAgent(model).generate(text, { structuredOutput: { schema: z.object({ answer: z.string() }) } }),
    workflow: async ({ text }) => (await mastra.getWorkflow('workflow').createRun()).start({ inputData: { text } }),
  }
}

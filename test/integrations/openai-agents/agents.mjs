import { OpenAIAgentsInstrumentation } from '@arizeai/openinference-instrumentation-openai-agents'
import * as agents from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'

const { Agent, OpenAIProvider, Runner, tool } = agents

export function setup({ url, provider, traced }) {
  new OpenAIAgentsInstrumentation({ tracerProvider: provider }).manuallyInstrument(agents)
  const openAIClient = new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 })
  const responses = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses: true }) })
  const completions = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses: false }) })
  const getWeather = tool({
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: z.object({ city: z.string() }),
    execute: traced('look up', async ({ city }) => ({ weather: city })),
  })
  const agentOf = (model, options) => new Agent({ name: 'assistant', instructions: 'Be brief.', model, ...options })
  const handoffOf = (model) => Agent.create({ name: 'triage', instructions: 'Be brief.', model, handoffs: [agentOf(model)] })
  return {
    chat: ({ text, model }) => responses.run(agentOf(model), text),
    stream: async ({ text, model, signal }) => (await responses.run(agentOf(model), text, { stream: true, signal })).toTextStream(),
    tools: ({ question, model }) => responses.run(agentOf(model, { tools: [getWeather] }), question),
    streamTools: ({ question, model }) => responses.run(agentOf(model, { tools: [getWeather] }), question, { stream: true }),
    structured: ({ text, model }) => responses.run(agentOf(model, { outputType: z.object({ answer: z.string() }) }), text),
    handoffs: ({ question, model }) => responses.run(handoffOf(model), question),
    completions: ({ question, model }) => completions.run(agentOf(model, { tools: [getWeather] }), question),
  }
}

import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai'
import { createCases } from '../models/openai-cases.cjs'

export const instrumentations = [new OpenAIInstrumentation({ captureMessageContent: true })]

export async function setup({ url, traced }) {
  // Not before the instrumentation was made; the loader hook does the rest.
  const { OpenAI } = await import('openai')
  return createCases(new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 }), traced)
}

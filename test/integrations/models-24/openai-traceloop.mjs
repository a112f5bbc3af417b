import { OpenAIInstrumentation } from '@traceloop/instrumentation-openai'
import OpenAI from 'openai'
import { createCases } from '../models/openai-cases.cjs'

const instrumentation = new OpenAIInstrumentation()
export const instrumentations = [instrumentation]

export function setup({ url, traced }) {
  instrumentation.manuallyInstrument(OpenAI)
  return createCases(new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 }), traced)
}

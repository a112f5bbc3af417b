import Anthropic from '@anthropic-ai/sdk'
import { AnthropicInstrumentation } from '@arizeai/openinference-instrumentation-anthropic'
import { createCases } from './anthropic-cases.cjs'

const instrumentation = new AnthropicInstrumentation()
export const instrumentations = [instrumentation]

export function setup({ url, traced }) {
  instrumentation.manuallyInstrument(Anthropic)
  return createCases(new Anthropic({ apiKey: 'key', baseURL: url, maxRetries: 0 }), traced)
}

import * as genai from '@google/genai'
import { GenAIInstrumentation } from '@traceloop/instrumentation-google-generativeai'
import { createCases } from './google-cases.cjs'

const instrumentation = new GenAIInstrumentation()
export const instrumentations = [instrumentation]

export function setup({ url, traced }) {
  const patched = { ...genai }
  instrumentation.manuallyInstrument(patched)
  return createCases(new patched.GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } }), traced)
}

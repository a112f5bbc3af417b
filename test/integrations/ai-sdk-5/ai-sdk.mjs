import { createOpenAI } from '@ai-sdk/openai'
import * as ai from 'ai'
import { z } from 'zod'
import { createCases } from '../ai-sdk-cases.mjs'

export function setup({ url, otelTracer, traced }) {
  const openai = createOpenAI({ apiKey: 'key', baseURL: `${url}/v1` })
  return createCases({ ai, openai, z, traced, telemetry: { experimental_telemetry: { isEnabled: true, tracer: otelTracer } } })
}

import { createOpenAI } from '@ai-sdk/openai'
import { OpenTelemetry } from '@ai-sdk/otel'
import * as ai from 'ai'
import { z } from 'zod'
import { createCases } from '../ai-sdk-cases.mjs'

export function setup({ url, otelTracer, traced }) {
  ai.registerTelemetry(new OpenTelemetry({ tracer: otelTracer }))
  return createCases({ ai, openai: createOpenAI({ apiKey: 'key', baseURL: `${url}/v1` }), z, traced })
}

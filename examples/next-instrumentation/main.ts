/** What Next.js does with `instrumentation.ts`, without Next.js: `register()`, then a request in which the AI SDK calls a model. */
import assert from 'node:assert/strict'
import { trace } from '@opentelemetry/api'
import { shutdownAll } from 'honeyhive-tracer'
import { startLocal } from '../local.js'
import { register } from './instrumentation.js'

const local = await startLocal('shop')
await register()

// The spans of a route handler that calls `generateText({ …, experimental_telemetry: { isEnabled: true } })`.
const next = trace.getTracer('next.js')
const ai = trace.getTracer('ai')
next.startActiveSpan('GET /api/chat', { attributes: { 'next.span_type': 'BaseServer.handleRequest' } }, (request) => {
  ai.startActiveSpan('ai.generateText', { attributes: { 'ai.operationId': 'ai.generateText', 'ai.model.id': 'gpt-4o' } }, (call) => {
    ai.startActiveSpan('ai.generateText.doGenerate', { attributes: { 'ai.operationId': 'ai.generateText.doGenerate' } }, (step) => {
      step.setAttributes({ 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 7 })
      step.end()
    })
    call.end()
  })
  request.end()
})
await shutdownAll()

assert.deepEqual(local.arrived('shop'), ['ai.generateText', '  ai.generateText.doGenerate'])
const [step] = local.find('shop', 'ai.generateText.doGenerate')
assert.deepEqual([step?.type, step?.model, step?.totalTokens], ['model', 'gpt-4o', 12])
await local.close()

/**
 * Beside an OpenTelemetry SDK of the application's own: HoneyHive is one more destination. Its backend sees what it always saw,
 * and the LLM spans are copied to the tracer of the tenant they belong to.
 */
import assert from 'node:assert/strict'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { HoneyHiveTracer } from 'honeyhive-tracer'
import { HoneyHiveSpanProcessor } from 'honeyhive-tracer/otel'
import OpenAI from 'openai'
import { startLocal, startModel } from './local.js'

const local = await startLocal('acme', 'globex', 'shared')
const model = await startModel()

const acme = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_ACME'] })
const globex = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_GLOBEX'] })
const shared = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY_SHARED'] })

// What the application had before, and the one line that is new.
const seen: string[] = []
const backend: SpanExporter = {
  export(spans, done) {
    seen.push(...spans.map(({ name }) => name))
    done({ code: 0 })
  },
  shutdown: () => Promise.resolve(),
}
const instrumentation = new OpenAIInstrumentation()
const sdk = new NodeSDK({
  spanProcessors: [new SimpleSpanProcessor(backend), new HoneyHiveSpanProcessor({ tracer: shared })],
  instrumentations: [instrumentation],
})
sdk.start()
instrumentation.manuallyInstrument(OpenAI)

const app = trace.getTracer('app')
const client = new OpenAI({ apiKey: 'sk-local', baseURL: model.url })

/** A request: its own span is none of an LLM, the agent and the model call in it are. */
function answer(content: string): Promise<void> {
  return app.startActiveSpan('GET /answer', async (request) => {
    await app.startActiveSpan('agent', { attributes: { 'openinference.span.kind': 'AGENT' } }, async (agent) => {
      await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
      agent.end()
    })
    request.end()
  })
}

await Promise.all([
  acme.withSession({ sessionName: 'visit of acme' }, () => answer('from acme')),
  globex.withSession({ sessionName: 'visit of globex' }, () => answer('from globex')),
  answer('from nobody'),
])
await sdk.shutdown()

for (const project of ['acme', 'globex', 'shared']) {
  assert.deepEqual(local.arrived(project), ['agent', '  OpenAI Chat Completions'])
}
assert.equal(seen.length, 9)
await Promise.all([acme.shutdown(), globex.shutdown(), shared.shutdown()])
await model.close()
await local.close()

import { SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const exporter = new OTLPTraceExporter({ url: `${process.env.BACKEND_URL}/v1/traces` })
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
provider.register()
const tracer = trace.getTracer('otters')

/** Runs `fn` in a span that ends with it, with the status of how it ended. */
const inSpan = (name, attributes, fn) =>
  tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await fn(span)
    } catch (error) {
      span.recordException(error)
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })

const lookup = (topic) => inSpan('lookup', { topic }, () => [`a document about ${topic}`])

const complete = (messages) =>
  inSpan('complete', { 'gen_ai.request.model': 'gpt-4o' }, (span) => {
    span.setAttribute('gen_ai.usage.output_tokens', 2)
    return { role: 'assistant', content: `Otters swim (${messages.length})` }
  })

const answer = (question) =>
  inSpan('answer', { 'session.id': 'thread-1', 'user.id': 'u-1' }, async () => {
    const documents = await lookup('otters')
    return (await complete([{ role: 'user', content: question + documents[0] }])).content
  })

await answer('Do otters swim?')
await provider.shutdown()

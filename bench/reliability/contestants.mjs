/** The tracers that are compared. Each gives spans to record and tells what it knows of losses; settings are the defaults. */
import { createRequire } from 'node:module'

const { PEERS = '', OURS = '' } = process.env
const peer = createRequire(`${PEERS}/package.json`)

/** Collects what a tracer writes about itself. */
export const said = []

const silent = { verbose() {}, debug() {}, info() {} }
const speaking = { ...silent, warn: (...parts) => said.push(parts.join(' ')), error: (...parts) => said.push(parts.map(String).join(' ')) }

function openTelemetry(url, wrap = (tracer) => tracer) {
  const api = peer('@opentelemetry/api')
  const { NodeTracerProvider, BatchSpanProcessor } = peer('@opentelemetry/sdk-trace-node')
  const { OTLPTraceExporter } = peer('@opentelemetry/exporter-trace-otlp-http')
  api.diag.setLogger(speaking, api.DiagLogLevel.WARN)
  const make = () => {
    const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
    return new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  }
  return { make, toTracer: (provider) => wrap(provider.getTracer('bench')) }
}

const otelLike = (make, toTracer) => () => {
  const provider = make()
  const tracer = toTracer(provider)
  return {
    span: (name) => tracer.startSpan(name, { attributes: { text: 'x'.repeat(100) } }),
    flush: () => provider.forceFlush(),
    shutdown: () => provider.shutdown(),
    lost: () => 0,
  }
}

export const contestants = {
  async 'honeyhive-tracer'(url) {
    const { HoneyHiveTracer } = await import(OURS)
    const logger = { debug() {}, warn: (line) => said.push(line), error: (line) => said.push(line) }
    return () => {
      const tracer = HoneyHiveTracer.init({ apiKey: 'bench-key', serverUrl: url, sessionName: 'bench', skipSessionCreation: true, logger })
      return {
        span: (name) => tracer.startSpan(name, { attributes: { text: 'x'.repeat(100) } }),
        flush: () => tracer.forceFlush(),
        shutdown: () => tracer.shutdown(),
        lost: () => Object.values(tracer.stats().dropped).reduce((sum, count) => sum + count, 0),
      }
    }
  },
  'OpenTelemetry SDK 2.12.0'(url) {
    const { make, toTracer } = openTelemetry(url)
    return otelLike(make, toTracer)
  },
  'OpenInference core 2.7.1'(url) {
    const { OITracer } = peer('@arizeai/openinference-core')
    const { make, toTracer } = openTelemetry(url, (tracer) => new OITracer({ tracer }))
    return otelLike(make, toTracer)
  },
  'Langfuse 5.11.1'(url) {
    const api = peer('@opentelemetry/api')
    api.diag.setLogger(speaking, api.DiagLogLevel.WARN)
    const { LangfuseSpanProcessor } = peer('@langfuse/otel')
    const { setLangfuseTracerProvider, startObservation } = peer('@langfuse/tracing')
    const { NodeTracerProvider } = peer('@opentelemetry/sdk-trace-node')
    return () => {
      const processor = new LangfuseSpanProcessor({ publicKey: 'pk', secretKey: 'sk', baseUrl: url })
      const provider = new NodeTracerProvider({ spanProcessors: [processor] })
      setLangfuseTracerProvider(provider)
      return {
        span(name) {
          const observation = startObservation(name, { input: 'x'.repeat(100) })
          return { end: (at) => observation.end(at), setAttribute: (key, value) => observation.otelSpan.setAttribute(key, value) }
        },
        flush: () => processor.forceFlush(),
        shutdown: () => provider.shutdown(),
        lost: () => 0,
      }
    }
  },
}

import { createApiHost, ending, toPlain } from './opentelemetry-api.mjs'

/** Langfuse 5: its span processor in OpenTelemetry's SDK, spans made with its own functions. */
export async function start({ require, isOn }) {
  const { NodeSDK, tracing } = require('@opentelemetry/sdk-node')
  const { LangfuseSpanProcessor } = require('@langfuse/otel')
  const { startActiveObservation } = require('@langfuse/tracing')
  const exporter = new tracing.InMemorySpanExporter()
  new NodeSDK({
    serviceName: 'app',
    autoDetectResources: false,
    sampler: new tracing.ParentBasedSampler({ root: isOn ? new tracing.AlwaysOnSampler() : new tracing.AlwaysOffSampler() }),
    spanProcessors: [
      new LangfuseSpanProcessor({
        publicKey: 'public',
        secretKey: 'secret',
        baseUrl: 'http://127.0.0.1:9',
        exporter,
        exportMode: 'immediate',
      }),
    ],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  }).start()
  const logs = []
  const host = createApiHost(require)
  return {
    ...host,
    span: (name, { fn }) => startActiveObservation(name, (span) => ending(fn, () => span.end()), { endOnExit: false }),
    log: (message) => logs.push({ message, ...host.current() }),
    async finish() {
      await new Promise((resolve) => setImmediate(resolve))
      return { spans: exporter.getFinishedSpans().map(toPlain), logs }
    },
  }
}

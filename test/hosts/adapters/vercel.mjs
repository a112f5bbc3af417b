import { createApiHost, toPlain } from './opentelemetry-api.mjs'

/** `@vercel/otel`, which instruments fetch; its users write the ids of the active span into their logs themselves. */
export async function start({ require, isOn }) {
  const {
    AlwaysOffSampler,
    AlwaysOnSampler,
    InMemorySpanExporter,
    ParentBasedSampler,
    SimpleSpanProcessor,
  } = require('@opentelemetry/sdk-trace-base')
  const exporter = new InMemorySpanExporter()
  require('@vercel/otel').registerOTel({
    serviceName: 'app',
    traceSampler: new ParentBasedSampler({ root: isOn ? new AlwaysOnSampler() : new AlwaysOffSampler() }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    instrumentations: ['fetch'],
    instrumentationConfig: { fetch: { propagateContextUrls: [/127\.0\.0\.1/] } },
  })
  const logs = []
  const host = createApiHost(require)
  return {
    ...host,
    log: (message) => logs.push({ message, ...host.current() }),
    finish: () => ({ spans: exporter.getFinishedSpans().map(toPlain), logs }),
  }
}

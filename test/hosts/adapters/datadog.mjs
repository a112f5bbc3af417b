import { createApiHost } from './opentelemetry-api.mjs'

/** dd-trace, read at its exporter for standard output; `otel` registers its OpenTelemetry provider and makes about half of the spans through it. */
export async function start({ require, isOn, mode }) {
  Object.assign(process.env, {
    DD_TRACE_STARTUP_LOGS: 'false',
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  })
  const exported = []
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (chunk, ...rest) => {
    if (!String(chunk).startsWith('{"traces"')) return write(chunk, ...rest)
    exported.push(...JSON.parse(chunk).traces.flat())
    return true
  }
  const tracer = require('dd-trace').init({
    service: 'app',
    logInjection: true,
    sampleRate: isOn ? 1 : 0,
    rateLimit: -1,
    flushInterval: 0,
    experimental: { exporter: 'log' },
  })
  // Whether a request opens a socket or finds one open is chance.
  for (const plugin of ['net', 'dns']) tracer.use(plugin, false)
  if (mode === 'otel') new tracer.TracerProvider().register()

  const logs = []
  const pino = require('pino')(
    {},
    {
      write(line) {
        const { msg, dd } = JSON.parse(line)
        logs.push({ message: msg, traceId: toHex(dd?.trace_id), spanId: toHex(dd?.span_id) })
      },
    },
  )
  const native = (name, { fn }) => tracer.trace(name, () => fn())
  const api = createApiHost(require)
  return {
    span: (name, options) => (mode === 'otel' && name.length % 2 === 0 ? api.span(name, options) : native(name, options)),
    current() {
      const found = tracer.scope().active()?.context()
      return found === undefined || found === null ? undefined : { traceId: toHex(found.toTraceId(true)), spanId: toHex(found.toSpanId()) }
    },
    mark: (name) => tracer.scope().active()?.setTag(`mark.${name}`, true),
    log: (message) => pino.info(message),
    async finish() {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return { spans: exported.map(toPlainSpan), logs }
    },
  }
}

/** Ids of 64 bits are written in decimal. */
const toHex = (id) => (id === undefined || id.length === 32 ? id : BigInt(id).toString(16).padStart(16, '0'))

const toPlainSpan = (span) => ({
  name: span.name === 'otel' || /^(web|http)\./.test(span.name) ? `${span.name} ${span.resource}` : span.name,
  traceId: span.trace_id,
  spanId: span.span_id,
  parentId: /^0+$/.test(span.parent_id) ? undefined : span.parent_id,
  isSampled: span.metrics._sampling_priority_v1 === undefined ? undefined : span.metrics._sampling_priority_v1 > 0,
  marks: [...Object.keys(span.meta), ...Object.keys(span.metrics)].filter((key) => key.startsWith('mark.')),
})

/** Sentry 10 (on OpenTelemetry) and 11 (on a context of its own), read at their transport. */
export async function start({ require, isOn }) {
  const Sentry = require('@sentry/node')
  const sent = []
  Sentry.init({
    dsn: 'http://public@127.0.0.1:9/1',
    tracesSampleRate: isOn ? 1 : 0,
    enableLogs: true,
    sendClientReports: false,
    transport: () => ({
      async send([, items]) {
        for (const [header, body] of items) sent.push({ type: header.type, body })
        return {}
      },
      flush: async () => true,
    }),
  })
  return {
    span: (name, { fn }) => Sentry.startSpan({ name }, fn),
    current() {
      const found = Sentry.getActiveSpan()?.spanContext()
      return found === undefined ? undefined : { traceId: found.traceId, spanId: found.spanId }
    },
    mark: (name) => Sentry.getActiveSpan()?.setAttribute(`mark.${name}`, true),
    log: (message) => Sentry.logger.info(message),
    capture: (error) => Sentry.captureException(error),
    async finish() {
      await Sentry.flush(2_000)
      const bodies = (type) => sent.filter((item) => item.type === type).map(({ body }) => body)
      return {
        spans: [...bodies('transaction').flatMap(transactionSpans), ...bodies('span').flatMap(({ items }) => items.map(streamedSpan))],
        logs: bodies('log').flatMap(({ items }) =>
          items.map((item) => ({
            message: item.body,
            traceId: item.trace_id,
            spanId: item.span_id ?? item.attributes['sentry.trace.parent_span_id']?.value,
          })),
        ),
        errors: bodies('event').map((event) => ({
          message: event.exception.values[0].value,
          traceId: event.contexts.trace.trace_id,
          spanId: event.contexts.trace.span_id,
        })),
      }
    },
  }
}

const marks = (attributes = {}) => Object.keys(attributes).filter((key) => key.startsWith('mark.'))

function transactionSpans(event) {
  const { trace } = event.contexts
  const root = {
    name: event.transaction,
    traceId: trace.trace_id,
    spanId: trace.span_id,
    parentId: trace.parent_span_id,
    marks: marks(trace.data),
  }
  const inner = event.spans.map((span) => ({
    name: span.description,
    traceId: span.trace_id,
    spanId: span.span_id,
    parentId: span.parent_span_id,
    marks: marks(span.data),
  }))
  return [root, ...inner]
}

const streamedSpan = (span) => ({
  name: span.name,
  traceId: span.trace_id,
  spanId: span.span_id,
  parentId: span.parent_span_id,
  marks: marks(span.attributes),
})

import { createApiHost, ending } from './opentelemetry-api.mjs'

/** Elastic's agent, read at its transport; `bridge` makes the spans through OpenTelemetry's API. */
export async function start({ require, isOn, mode }) {
  const sent = { transactions: [], spans: [], errors: [] }
  const into = (list) => (item, done) => {
    list.push(item)
    done?.()
  }
  const apm = require('elastic-apm-node').start({
    serviceName: 'app',
    centralConfig: false,
    cloudProvider: 'none',
    metricsInterval: '0s',
    logLevel: 'off',
    captureErrorLogStackTraces: 'never',
    spanCompressionEnabled: false,
    exitSpanMinDuration: '0ms',
    transactionSampleRate: isOn ? 1 : 0,
    opentelemetryBridgeEnabled: mode === 'bridge',
    transport: () => ({
      config() {},
      addMetadataFilter() {},
      setExtraMetadata() {},
      lambdaStart() {},
      sendTransaction: into(sent.transactions),
      sendSpan: into(sent.spans),
      sendError: into(sent.errors),
      sendMetricSet: into([]),
      flush: (options, done) => (done ?? options)?.(),
      supportsKeepingUnsampledTransaction: () => true,
      destroy() {},
    }),
  })
  const logs = []
  const current = () => {
    const { 'trace.id': traceId, 'span.id': spanId, 'transaction.id': transactionId } = apm.currentTraceIds
    return traceId === undefined ? undefined : { traceId, spanId: spanId ?? transactionId }
  }
  const native = (name, { isRoot, fn }) => {
    const span = isRoot ? apm.startTransaction(name) : apm.startSpan(name)
    return ending(fn, () => span?.end())
  }
  return {
    span: mode === 'bridge' ? createApiHost(require).span : native,
    current,
    mark: (name) => (apm.currentSpan ?? apm.currentTransaction)?.setLabel(`mark.${name}`, true),
    log: (message) => logs.push({ message, ...current() }),
    capture: (error) => apm.captureError(error),
    async finish() {
      // Stack traces of errors are read from files before the error is sent.
      await new Promise((resolve) => setTimeout(resolve, 500))
      return {
        spans: [...sent.transactions, ...sent.spans].map(toPlainSpan),
        logs,
        errors: sent.errors.map((error) => ({ message: error.exception.message, traceId: error.trace_id, spanId: error.parent_id })),
      }
    },
  }
}

const toPlainSpan = (span) => ({
  name: span.name,
  traceId: span.trace_id,
  spanId: span.id,
  parentId: span.parent_id ?? undefined,
  isSampled: span.sampled,
  marks: Object.keys(span.context?.tags ?? {}).filter((key) => key.startsWith('mark')),
})

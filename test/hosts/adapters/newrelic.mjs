import { createApiHost } from './opentelemetry-api.mjs'

// Whether a request opens a socket or finds one open is chance.
const SOCKETS = /^(net\.|dns\.)/

/** New Relic's agent without its collector, told that it is connected; `bridge` makes the spans through OpenTelemetry's API. */
export async function start({ require, isOn, mode }) {
  const sampler = isOn ? 'always_on' : 'always_off'
  Object.assign(process.env, {
    NEW_RELIC_LICENSE_KEY: 'a'.repeat(40),
    NEW_RELIC_APP_NAME: 'app',
    NEW_RELIC_HOST: '127.0.0.1',
    NEW_RELIC_LOG_ENABLED: 'false',
    NEW_RELIC_NO_CONFIG_FILE: 'true',
    NEW_RELIC_DISTRIBUTED_TRACING_SAMPLER_ROOT: sampler,
    NEW_RELIC_DISTRIBUTED_TRACING_SAMPLER_REMOTE_PARENT_SAMPLED: 'always_on',
    NEW_RELIC_DISTRIBUTED_TRACING_SAMPLER_REMOTE_PARENT_NOT_SAMPLED: 'always_off',
    NEW_RELIC_SPAN_EVENTS_MAX_SAMPLES_STORED: '10000',
    ...(mode === 'bridge' ? { NEW_RELIC_OPENTELEMETRY_ENABLED: 'true', NEW_RELIC_OPENTELEMETRY_TRACES_ENABLED: 'true' } : {}),
  })
  const newrelic = require('newrelic')
  const { agent } = newrelic
  // The bridge is set up some time after the agent, which offers no event for it.
  await new Promise((resolve) => setTimeout(resolve, 500))
  agent.setState('started')
  Object.assign(agent.config, { account_id: '1', primary_application_id: '2', trusted_account_key: '1' })

  const logs = []
  const current = () => {
    const { 'trace.id': traceId, 'span.id': spanId } = newrelic.getLinkingMetadata()
    return traceId === undefined ? undefined : { traceId, spanId }
  }
  const native = (name, { isRoot, fn }) => (isRoot ? newrelic.startBackgroundTransaction(name, fn) : newrelic.startSegment(name, true, fn))
  return {
    span: mode === 'bridge' ? createApiHost(require).span : native,
    current,
    log: (message) => logs.push({ message, ...current() }),
    async finish() {
      await new Promise((resolve) => setTimeout(resolve, 100))
      const spans = agent.spanEventAggregator.getEvents().map(({ intrinsics }) => intrinsics)
      return { spans: spans.map(toPlainSpan).filter(({ name }) => !SOCKETS.test(name)), logs }
    },
  }
}

const toPlainSpan = (span) => ({
  name: span.name,
  traceId: span.traceId,
  spanId: span.guid,
  parentId: span.parentId ?? undefined,
  isSampled: span.sampled,
})

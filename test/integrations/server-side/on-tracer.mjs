import { AsyncLocalStorage } from 'node:async_hooks'
import { createOurs } from './ours.mjs'
import { createContextManager, createPlainProvider, createPlainSide, createPropagator, inSpan } from './plain.mjs'

/** The instrumentations write to the first tenant's provider: alone, where the application propagates, and beside an SDK of its own. */
export async function onTracer({ load, framework, instrumentations, requests, run }) {
  const open = await createOurs({ load, framework })
  const { context, propagation, trace } = await load('@opentelemetry/api')
  const all = Object.values(instrumentations)
  async function runOurs(phase, asked, wrap = (side) => side) {
    const ours = open(phase, { instrumentations: all })
    const seen = await run(wrap(ours), asked)
    return { ...seen, ...(await ours.finish()) }
  }

  const alone = await runOurs('alone', [...requests.each, ...requests.load])
  propagation.setGlobalPropagator(await createPropagator(load))
  const propagating = await runOurs('propagating', requests.each)
  const spans = []
  const provider = await createPlainProvider(load, spans)
  context.disable()
  context.setGlobalContextManager(await createContextManager(load))
  trace.setGlobalTracerProvider(provider)
  const host = provider.getTracer('application')
  const withSteps = ({ traced, ...rest }) => ({ ...rest, traced: (name, fn) => traced(name, inSpan(host, `step ${name}`, fn)) })
  const beside = await runOurs('beside', requests.each, withSteps)
  return { alone, propagating, beside: { ...beside, spans } }
}

/** The instrumentations write to a routing provider that belongs to nobody. */
export async function onRoutingProvider({ load, framework, instrumentations, requests, run }) {
  const open = await createOurs({ load, framework })
  const { createRoutingProvider } = await load('honeyhive-tracer')
  const provider = createRoutingProvider()
  for (const one of Object.values(instrumentations)) {
    one.setTracerProvider(provider)
    one.enable()
  }
  const ours = open('alone', {})
  const seen = await run(ours, requests.each)
  return { alone: { ...seen, ...(await ours.finish()), unowned: provider.unowned } }
}

/** The control: the instrumentations write to OpenTelemetry's own provider. */
export async function onPlainProvider({ load, instrumentations, requests, run }) {
  const { context, propagation } = await load('@opentelemetry/api')
  context.setGlobalContextManager(await createContextManager(load))
  const scopes = new AsyncLocalStorage()
  const spans = []
  const provider = await createPlainProvider(load, spans, () => scopes.getStore())
  for (const one of Object.values(instrumentations)) {
    one.setTracerProvider(provider)
    one.enable()
  }
  const side = createPlainSide(provider.getTracer('application'), scopes)
  const alone = { ...(await run(side, requests.each)), spans: spans.splice(0) }
  propagation.setGlobalPropagator(await createPropagator(load))
  const propagating = { ...(await run(side, requests.each)), spans: spans.splice(0) }
  return { alone, propagating }
}

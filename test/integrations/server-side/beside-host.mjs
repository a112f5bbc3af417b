import { createOurs } from './ours.mjs'
import { createCollector, createContextManager, createPlainProvider, createPropagator, inSpan } from './plain.mjs'

/** The instrumentations write to the application's `NodeSDK`. */
export const besideSdk = (parts) =>
  besideHost(parts, async (spans) => {
    const { NodeSDK } = await parts.load('@opentelemetry/sdk-node')
    const instrumentations = Object.values(parts.instrumentations)
    new NodeSDK({ instrumentations, spanProcessors: [createCollector(spans)], metricReaders: [], logRecordProcessors: [] }).start()
  })

/** The instrumentations write to a plain provider that the application registered. */
export const besideProvider = (parts) =>
  besideHost(parts, async (spans) => {
    const { load } = parts
    const { context, propagation, trace } = await load('@opentelemetry/api')
    const provider = await createPlainProvider(load, spans)
    context.setGlobalContextManager(await createContextManager(load))
    propagation.setGlobalPropagator(await createPropagator(load))
    trace.setGlobalTracerProvider(provider)
    for (const one of Object.values(parts.instrumentations)) {
      one.setTracerProvider(provider)
      one.enable()
    }
  })

/** First the application without us, then with us: each function of it has a span of its own, and a span of ours around that. */
async function besideHost({ load, framework, requests, run }, start) {
  const spans = []
  await start(spans)
  const { trace } = await load('@opentelemetry/api')
  const host = trace.getTracer('application')
  const step = (name, fn) => inSpan(host, `step ${name}`, fn)
  const nobody = { enter: (_question, { next }) => next(), inHandler: (_question, fn) => fn(), traced: step }
  const without = { ...(await run(nobody, requests.each)), spans: spans.splice(0) }

  const open = await createOurs({ load, framework })
  const ours = open('with')
  // pg calls back in the context of whoever opened its connection; its instrumentation restores OpenTelemetry's, and this restores ours.
  const { bindScope: bind } = await load('honeyhive-tracer')
  const side = { ...ours, bind, traced: (name, fn) => ours.traced(name, step(name, fn)) }
  const seen = await run(side, [...requests.each, ...requests.load])
  return { without, with: { ...seen, ...(await ours.finish()), spans } }
}

/** A Lambda function: the tracer survives warm starts, every invocation has a session and is flushed before the freeze. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, trace } from 'honeyhive-tracer'
import { traceHandler } from 'honeyhive-tracer/lambda'
import { startLocal } from './local.js'

const local = await startLocal('lambda')

let tracer: HoneyHiveTracer | undefined
/** Made at the first invocation, kept for warm starts. */
function getTracer(): HoneyHiveTracer {
  tracer ??= HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], source: 'lambda' })
  return tracer
}

interface Order {
  readonly type: string
}

const processEvent = trace({ eventType: 'tool' })(async function processEvent(event: Order) {
  getTracer().enrichSpan({ metadata: { event_type: event.type } })
  return { status: 'success' }
})

export const handler = traceHandler(
  getTracer,
  async (event: Order, context: { awsRequestId: string }) => {
    const result = await processEvent(event)
    void getTracer().enrichSession({ outputs: { result }, metadata: { request_id: context.awsRequestId } })
    return result
  },
  { sessionName: (event) => `order ${event.type}` },
)

for (const [i, type] of ['created', 'paid', 'shipped'].entries()) {
  assert.deepEqual(await handler({ type }, { awsRequestId: `request-${i}` }), { status: 'success' })
  // Nothing waits for a later flush: the platform may freeze the process here.
  assert.equal(local.find('lambda', 'processEvent').length, i + 1)
}

const sessions = local.server.sessions({ project: 'lambda' })
assert.deepEqual(sessions.map(({ name }) => name).sort(), ['order created', 'order paid', 'order shipped'])
await getTracer().shutdown()
await local.close()

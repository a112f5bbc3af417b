/** Two services, two tracers of one project: the second continues the trace and the session of the first. */
import assert from 'node:assert/strict'
import { EventType, HoneyHiveTracer, shutdownAll, trace } from 'honeyhive-tracer'
import { listen, startLocal } from './local.js'

const local = await startLocal('shop')

// Service B: continues the caller's trace and session; nothing in the headers can choose another tracer or key.
const stock = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], source: 'stock-service' })
const lookUpStock = trace({ tracer: stock, eventType: EventType.tool })(async function lookUpStock(item: string) {
  return { item, left: 3, customer: stock.getBaggage('customer') }
})
const serviceB = await listen(async (request, response) => {
  const item = request.url?.slice(1) ?? ''
  const found = await stock.withRemoteContext(request.headers, () => lookUpStock(item))
  response.end(JSON.stringify(found))
})

// Service A: sends its context along.
const shop = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], source: 'shop-service' })
const order = trace({ tracer: shop, eventType: EventType.chain })(async function order(item: string) {
  const headers = shop.injectContext({ accept: 'application/json' })
  const response = await fetch(`${serviceB.url}/${item}`, { headers })
  return (await response.json()) as { item: string; left: number; customer: string }
})

const found = await shop.withSession({ sessionName: 'order of ada' }, () => {
  shop.setBaggage('customer', 'ada')
  return order('tea')
})
await serviceB.close()
await shutdownAll()

assert.deepEqual(found, { item: 'tea', left: 3, customer: 'ada' })
assert.deepEqual(local.arrived('shop'), ['order', '  lookUpStock'])
assert.deepEqual(
  local.server.sessions({ project: 'shop' }).map(({ name }) => name),
  ['order of ada'],
)
await local.close()

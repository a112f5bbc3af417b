/** Features of one application in projects of their own. */
import assert from 'node:assert/strict'
import { defineTracers, EventType, trace } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('customer-facing-api', 'internal-tools', 'experiments')

const tracers = defineTracers({
  customer: { apiKey: process.env['HH_API_KEY_CUSTOMER_FACING_API'], source: 'production' },
  internal: { apiKey: process.env['HH_API_KEY_INTERNAL_TOOLS'], source: 'production' },
  experimental: { apiKey: process.env['HH_API_KEY_EXPERIMENTS'], source: 'experimental' },
})

class Features {
  @trace({ tracer: 'customer', eventType: EventType.chain })
  static async handleCustomerQuery(query: string): Promise<string> {
    return `support: ${query}, ${await Features.generateInternalReport({ query })}`
  }

  @trace({ tracer: 'internal', eventType: EventType.tool })
  static async generateInternalReport(facts: Readonly<Record<string, unknown>>): Promise<string> {
    return `a report on ${Object.keys(facts).join()}`
  }

  @trace({ tracer: () => tracers.get('experimental'), eventType: EventType.chain })
  static async testNewPromptStrategy(text: string): Promise<string> {
    return text.toUpperCase()
  }
}

await Promise.all([Features.handleCustomerQuery('refund?'), Features.testNewPromptStrategy('hello')])
assert.equal(await tracers.shutdown(), true)

// The report is made inside the customer's request, and is still a whole trace in its own project, linked to that request.
assert.deepEqual(local.arrived('customer-facing-api'), ['Features.handleCustomerQuery'])
assert.deepEqual(local.arrived('internal-tools'), ['Features.generateInternalReport'])
assert.deepEqual(local.arrived('experiments'), ['Features.testNewPromptStrategy'])
const [report] = local.find('internal-tools', 'Features.generateInternalReport')
assert.deepEqual(
  report?.linked.map(({ direction, kind }) => [direction, kind]),
  [['to', 'cross-tracer']],
)
await local.close()

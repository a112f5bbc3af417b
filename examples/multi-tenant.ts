/** Many tenants: one tracer for each, made at its first request and shut down when it was not needed for long. */
import assert from 'node:assert/strict'
import { createTracerPool, enrichSpan, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const tenants = ['acme', 'globex', 'initech']
const local = await startLocal(...tenants)

const pool = createTracerPool({
  // May be async, e.g. a secret manager. A blank key never falls back to HH_API_KEY.
  create: async (tenant) => ({
    apiKey: process.env[`HH_API_KEY_${tenant.toUpperCase()}`] ?? '',
    source: 'production',
    crossTracerLinks: false,
  }),
  max: 2,
  idleMs: 600_000,
})

interface TenantRequest {
  readonly tenant: string
  readonly plan: string
  readonly question: string
}

// Names no tracer: it records for the tenant whose request is being handled.
const answer = traceFn(
  undefined,
  async (question: string) => {
    enrichSpan({ metadata: { words: question.split(' ').length } })
    return `an answer to ${question}`
  },
  { eventName: 'answer' },
)

function handle({ tenant, plan, question }: TenantRequest): Promise<string> {
  return pool.run(tenant, (tracer) =>
    tracer.withSession({ sessionName: `request of ${tenant}`, metadata: { tenant_id: tenant, plan } }, () => answer(question)),
  )
}

const requests = Array.from({ length: 30 }, (_, i) => ({ tenant: tenants[i % 3] ?? 'acme', plan: 'gold', question: `question ${i}` }))
await Promise.all(requests.map(handle))
assert.equal(await pool.shutdown(), true)

for (const [i, tenant] of tenants.entries()) {
  const inputs = local.find(tenant, 'answer').map((event) => String(Object.values(event.inputs)[0]))
  const expected = requests.filter((_, at) => at % 3 === i).map(({ question }) => question)
  assert.deepEqual(inputs.sort(), expected.sort())
  assert.ok(local.server.sessions({ project: tenant }).every(({ name }) => name === `request of ${tenant}`))
}
await local.close()

/** A web server for many tenants: a pool gives each request its tenant's tracer, the middleware its session. */
import assert from 'node:assert/strict'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createTracerPool, enrichSpan, getActiveTracer, isHoneyHiveError, trace } from 'honeyhive-tracer'
import { honeyHive } from 'honeyhive-tracer/express'
import { listen, startLocal } from './local.js'

const tenants = ['acme', 'globex']
const local = await startLocal(...tenants)

const pool = createTracerPool({
  create: (tenant) => ({ apiKey: process.env[`HH_API_KEY_${tenant.toUpperCase()}`] ?? '', crossTracerLinks: false }),
})

/** Keeps the tenant's tracer open and active until the response is over. */
function useTenant(request: Request, response: Response, next: NextFunction): void {
  const work = pool.run(request.get('x-tenant') ?? 'unknown', () => {
    const isOver = new Promise((resolve) => response.once('close', resolve))
    next()
    return isOver
  })
  // There is no tracer to run with, e.g. the secret manager is away: the request goes on untraced.
  work.catch((error: unknown) => (isHoneyHiveError(error) ? next() : next(error)))
}

const answer = trace({ eventType: 'chain', eventName: 'answer' })(async (question: string) => `an answer to ${question}`)

const app = express()
app.use(useTenant)
app.use(honeyHive(() => getActiveTracer()))
app.get('/ask/:question', async (request, response) => {
  enrichSpan({ plan: 'gold' })
  response.send(await answer(request.params.question))
})

const server = await listen(app)
const ask = async (tenant: string, i: number): Promise<string> =>
  (await fetch(`${server.url}/ask/${tenant}-${i}`, { headers: { 'x-tenant': tenant } })).text()
const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(tenants[i % 2] ?? '', i)))
assert.equal(await ask('stranger', 1), 'an answer to stranger-1')
await server.close()
assert.equal(await pool.shutdown(), true)

assert.ok(answers.every((text) => text.startsWith('an answer to ')))
for (const tenant of tenants) {
  const asked = local.find(tenant, 'answer').map((event) => String(event.inputs['arg0']))
  assert.equal(asked.length, 10)
  assert.ok(asked.every((question) => question.startsWith(`${tenant}-`)))
  assert.equal(local.server.sessions({ project: tenant }).length, 10)
}
assert.deepEqual(
  local.server
    .projects()
    .map(({ name }) => name)
    .sort(),
  tenants,
)
await local.close()

/**
 * generic-pool: what is done with a resource stays in its request by itself. Making one does not: it happens in the request
 * that needed the first, so `create` is bound outside of all of them and records for none.
 */
import assert from 'node:assert/strict'
import { createPool } from 'generic-pool'
import { bindScope, getActiveTracer } from 'honeyhive-tracer'
import { ask, serve } from './tenants.js'

const connect = async (): Promise<{ ask: typeof ask }> => {
  assert.equal(getActiveTracer(), undefined)
  return { ask }
}
const pool = createPool({ create: bindScope(connect), destroy: async () => undefined }, { max: 2 })

await serve(async (_tracer, question) => pool.use((connection) => connection.ask(question)))

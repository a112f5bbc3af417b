/** Several invocations, or processes, in one session: the caller keeps the id and passes it on. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, toSessionId, traceFn } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('lambda')

interface Call {
  readonly sessionId?: string
  readonly text: string
}

async function handler({ sessionId, text }: Call): Promise<{ sessionId: string; result: string }> {
  // Each invocation stands for a process of its own, so it makes its own tracer.
  await using tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], sessionId, sessionName: 'conversation' })
  const processEvent = traceFn(tracer, async (input: string) => input.length, { eventName: 'processEvent' })
  return { sessionId: tracer.sessionId, result: `${await processEvent(text)} letters` }
}

const first = await handler({ text: 'hello' })
const second = await handler({ text: 'and again', sessionId: first.sessionId })
assert.equal(second.sessionId, first.sessionId)

// Ids that are not UUIDs become one by a fixed rule, the same in every process and in the Python SDK's documentation.
const third = await handler({ text: 'order', sessionId: 'order-42' })
assert.equal(third.sessionId, toSessionId('order-42'))

const ofFirst = local.server.events({ sessionId: first.sessionId }).filter(({ type }) => type !== 'session')
assert.deepEqual(
  ofFirst.map(({ name }) => name),
  ['processEvent', 'processEvent'],
)
assert.equal(local.server.sessions({ project: 'lambda' }).length, 2)
await local.close()

/** Tests of traced code: tracers in memory, no network, and a check that two users never mix. */
import assert from 'node:assert/strict'
import { EventType, type HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { assertIsolated, createTestTracer } from 'honeyhive-tracer/testing'

// The code under test.
function createUserFlow(tracer: HoneyHiveTracer) {
  const step = traceFn(tracer, async (name: string) => name.toUpperCase(), { eventName: 'step' })
  return traceFn(tracer, async (userId: string) => step(await step(userId)), { eventName: 'user-flow', eventType: EventType.chain })
}

// With vitest: `const test = base.extend(tracerFixtures)` gives `tracer` and `createTracer` to every test, see docs/testing.md.
const users = ['ada', 'grace'].map((name) => ({ name, tracer: createTestTracer({ sessionName: `${name}-session` }) }))

await Promise.all(users.map(({ name, tracer }) => createUserFlow(tracer)(name)))

for (const { name, tracer } of users) {
  assert.deepEqual(tracer.tree(), [{ name: 'user-flow', children: [{ name: 'step' }, { name: 'step' }] }])
  assert.deepEqual(
    tracer.sessions.map(({ sessionName }) => sessionName),
    [`${name}-session`],
  )
  assert.equal(tracer.spans.at(-1)?.attributes['honeyhive_outputs.result'], name.toUpperCase())
}
assertIsolated(...users.map(({ tracer }) => tracer))
await Promise.all(users.map(({ tracer }) => tracer.shutdown()))

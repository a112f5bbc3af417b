/** What the examples of this folder share: two tenants, their requests, and a look at what arrived at each. */
import assert from 'node:assert/strict'
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { startLocal } from '../local.js'

const names = ['acme', 'globex'] as const
const local = await startLocal(...names)
const tracers = names.map((name) => HoneyHiveTracer.init({ apiKey: process.env[`HH_API_KEY_${name.toUpperCase()}`] ?? '' }))

/** Names no tracer: it records for the tenant whose request is being handled. */
export const ask: (question: string) => Promise<string> = traceFn(
  undefined,
  async (question: string) => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    return `an answer to ${question}`
  },
  { eventName: 'ask' },
)

/** Handles ten requests of each tenant, interleaved, and checks that each tenant has its own, with its work below it. */
export async function serve(handle: (tracer: HoneyHiveTracer, question: string) => Promise<string>): Promise<void> {
  const requests = Array.from({ length: 20 }, (_, i) => ({ tracer: tracers[i % 2] as HoneyHiveTracer, question: `question ${i}` }))
  const answers = requests.map(({ tracer, question }) => tracer.startActiveSpan(question, () => handle(tracer, question)))
  assert.deepEqual(
    await Promise.all(answers),
    requests.map(({ question }) => `an answer to ${question}`),
  )
  await Promise.all(tracers.map((tracer) => tracer.shutdown()))
  for (const [i, name] of names.entries()) {
    const own = requests.filter(({ tracer }) => tracer === tracers[i])
    assert.deepEqual(
      local.arrived(name),
      own.flatMap(({ question }) => [question, '  ask']),
    )
  }
  await local.close()
}

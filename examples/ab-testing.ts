/** Three arms of an A/B test, each in a project of its own; the same user always gets the same arm. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { defineTracers, EventType, enrichSpan, trace } from 'honeyhive-tracer'
import { startLocal } from './local.js'

const local = await startLocal('ab-control', 'ab-friendly', 'ab-professional')

const arms = defineTracers({
  control: { apiKey: process.env['HH_API_KEY_AB_CONTROL'], source: 'experiment' },
  friendly: { apiKey: process.env['HH_API_KEY_AB_FRIENDLY'], source: 'experiment' },
  professional: { apiKey: process.env['HH_API_KEY_AB_PROFESSIONAL'], source: 'experiment' },
})
const prompts = {
  control: 'You are a helpful assistant.',
  friendly: 'You are a friendly and enthusiastic assistant!',
  professional: 'You are a professional and concise assistant.',
}
type Arm = keyof typeof prompts

function assignArm(userId: string): Arm {
  const share = createHash('sha256').update(userId).digest().readUInt32BE() / 2 ** 32
  return share < 0.33 ? 'control' : share < 0.66 ? 'friendly' : 'professional'
}

const generate = (arm: Arm, userId: string, prompt: string): Promise<string> =>
  trace({ tracer: arm, eventType: EventType.chain, eventName: 'generate' })(async (text: string) => {
    enrichSpan({ user_id: userId, ab_variant: arm, experiment: 'prompt_tone_test' })
    return `[${prompts[arm]}] ${text}`
  })(prompt)

const users = Array.from({ length: 60 }, (_, i) => `user-${i}`)
await Promise.all(users.map((user) => generate(assignArm(user), user, 'hello')))
assert.equal(await arms.shutdown(), true)

for (const arm of arms.names) {
  const expected = users.filter((user) => assignArm(user) === arm)
  const events = local.find(`ab-${arm}`, 'generate')
  assert.deepEqual(events.map(({ metadata }) => String(metadata['user_id'])).sort(), expected.sort())
  assert.ok(events.every(({ metadata }) => metadata['ab_variant'] === arm))
}
await local.close()

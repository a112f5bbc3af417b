// What the edge runtimes say of the package: Cloudflare's, with and without the modules of Node, and Vercel's.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { installPlace, type Place } from './place.js'

let place: Place
let receiver: Receiver

beforeAll(async () => {
  place = await installPlace('edge')
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await place.remove()
})

async function run(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await place.run(['run.mjs', ...args], { env: { RECEIVER: receiver.url } })
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('Cloudflare Workers', () => {
  test('with nodejs_compat: every function runs as it is, nothing is recorded, and a line says why', async () => {
    expect(await run('workerd', 'nodejs_compat')).toEqual({
      texts: ['answer to one', 'answer to two', 'answer to three', 'four', 'five'],
      isDelivered: true,
      isEnabled: false,
      lines: [
        expect.stringMatching(/Disabled: Cloudflare Workers .* Trace the service behind the worker, in Node/),
        expect.stringMatching(/createSession\(\) needs the promise hooks of Node/),
      ],
    })
    expect([receiver.spans, receiver.calls]).toEqual([[], []])
  })

  test('without it: the runtime itself says which flag is missing', async () => {
    expect(await run('workerd')).toEqual({ error: expect.stringMatching(/"node:[\s\S]*`nodejs_compat` compatibility flag/) })
  })
})

test('the edge runtime of Vercel and Next has no modules of Node, and says so', async () => {
  expect(await run('edge')).toEqual({ error: expect.stringMatching(/require of "node:\w+" is not supported/) })
})

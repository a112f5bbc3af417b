import { expect, test } from 'vitest'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { startReceiver } from '../fixtures/receiver.js'

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

test('a tenant whose requests hang at a shared server leaves sockets for the others', async () => {
  let hanging = 0
  let onSaturated: () => void = () => undefined
  const saturated = new Promise<void>((resolve) => {
    onSaturated = resolve
  })
  const receiver = await startReceiver((request) => {
    if (request.headers.authorization !== 'Bearer slow') return false
    if (++hanging === 8) onSaturated()
    return true
  })
  const common = { serverUrl: receiver.url, protocol: 'http/json', logger: QUIET } as const
  const slow = HoneyHiveTracer.init({ ...common, apiKey: 'slow', batch: { maxExportBatchSize: 10 } })
  const other = HoneyHiveTracer.init({ ...common, apiKey: 'other' })
  // Four batches of spans and four session starts under way: all that one tracer may have.
  for (let i = 0; i < 4; i++) slow.withSession({ sessionName: `session ${i}` }, () => slow.startSpan('first').end())
  for (let i = 0; i < 400; i++) slow.startSpan('more').end()
  await saturated

  other.startActiveSpan('quick', () => undefined)
  expect(await other.forceFlush(60_000)).toBe(true)
  expect(receiver.spans.map((span) => span.name)).toEqual(['quick'])
  // None of the requests that hang had to be given up for it.
  expect(slow.stats().lastError).toBeUndefined()

  await Promise.all([other.shutdown(), slow.shutdown(0)])
  await receiver.close()
})

// @vitest-environment jsdom
import { HoneyHiveTracer } from 'honeyhive-tracer'
import { expect, test } from 'vitest'
import { startReceiver } from './receiver.js'

test('a tracer delivers', async () => {
  const receiver = await startReceiver()
  const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', serverUrl: receiver.url, protocol: 'http/json' })
  const inputs = { map: new Map([[1, new Date(0)]]), bytes: new Uint8Array(4), page: document.createElement('p') }
  expect(tracer.startActiveSpan('in jsdom', { inputs }, () => 1)).toBe(1)
  expect(await tracer.shutdown()).toBe(true)
  expect(receiver.names).toEqual(['in jsdom'])
  await receiver.close()
})

for (const name of ['experiments', 'express', 'fastify', 'fetch', 'lambda', 'testing', 'dev', 'otel', 'langchain']) {
  test(`${name} loads`, async () => {
    expect(Object.keys(await import(`honeyhive-tracer/${name}`))).not.toEqual([])
  })
}

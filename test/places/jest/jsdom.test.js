/** @jest-environment jsdom */
const { startReceiver } = require('./receiver.js')

const { HoneyHiveTracer } = require('honeyhive-tracer')

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
  test(`${name} loads`, () => {
    expect(Object.keys(require(`honeyhive-tracer/${name}`))).not.toEqual([])
  })
}

test('the local server says that it needs Node', async () => {
  const { startDevServer } = require('honeyhive-tracer/dev')
  await expect(startDevServer({ port: 0, database: ':memory:' })).rejects.toThrow(/outside of jsdom/)
})

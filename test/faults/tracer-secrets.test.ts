import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { startReceiver } from '../fixtures/receiver.js'
import { SENTINEL_KEY } from './rig.js'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
const OK = { body: '{"session_id":"s"}' }
const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('tracer.ts', { SERVER_URL: server.url, ...env }, signal)

describe('secrets', () => {
  it.each([
    ['answers', OK],
    ['refuses', { status: 401 }],
    ['is down', { status: 503 }],
  ])('S13 S14 show the key nowhere while the server %s', async (_, otherwise) => {
    await server.set({ otherwise })
    const { stdout, stderr } = await run({ MODE: 'secrets' })
    expect(stdout).toContain('inspected')
    expect(`${stdout}${stderr}`).not.toContain(SENTINEL_KEY)
    const { requests } = await server.seen()
    expect(requests.length).toBeGreaterThan(0)
    for (const { headers, json } of requests) {
      const { authorization, ...others } = headers
      expect(authorization).toBe(`Bearer ${SENTINEL_KEY}`)
      expect(JSON.stringify([others, json])).not.toContain(SENTINEL_KEY)
    }
  })

  it('stay with the server when spans go to a collector', async () => {
    const [backend, collector] = [await startReceiver(), await startReceiver()]
    const tracer = HoneyHiveTracer.init({
      apiKey: SENTINEL_KEY,
      serverUrl: backend.url,
      exportUrl: `${collector.url}/v1/traces`,
      headers: { 'x-collector-key': 'abc' },
      logger: { debug: () => undefined, warn: () => undefined, error: () => undefined },
    })
    tracer.startSpan('one').end()
    expect(await tracer.shutdown()).toBe(true)
    expect(collector.spans.map(({ name }) => name)).toEqual(['one'])
    expect(collector.headers).toEqual([expect.objectContaining({ 'x-collector-key': 'abc' })])
    expect(collector.headers[0]).not.toHaveProperty('authorization')
    expect(JSON.stringify(collector.headers)).not.toContain(SENTINEL_KEY)
    expect(backend.spans).toEqual([])
    expect(backend.calls.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/session/start', `Bearer ${SENTINEL_KEY}`],
      ['/events', `Bearer ${SENTINEL_KEY}`],
    ])
    await Promise.all([backend.close(), collector.close()])
  })
})

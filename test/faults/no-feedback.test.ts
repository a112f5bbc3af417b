import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFixture } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())

describe('our own requests under instrumentation', () => {
  it.each([
    ['a global context manager', '1'],
    ['no context manager', ''],
  ])('F41 S17 are neither traced nor given trace headers with %s', async (_, manager) => {
    await server.set({ otherwise: { body: '{"session_id":"x"}' } })
    const { stdout } = await runFixture('instrumented.ts', { SERVER_URL: server.url, WITH_MANAGER: manager })
    // The fixture's own request proves that the instrumentations were active.
    expect(JSON.parse(stdout)).toEqual({
      tracedUrls: [`${server.url}/host`, `${server.url}/host`],
      exported: 1,
      requests: 2,
      sessionStarted: true,
    })
    const { requests, uniqueSpans } = await server.seen()
    expect(uniqueSpans).toBe(1)
    const ours = requests.filter(({ path }) => path !== '/host')
    expect(ours.map(({ path }) => path).sort()).toEqual(['/opentelemetry/v1/traces', '/session/start'])
    for (const { headers } of ours)
      expect(Object.keys(headers).filter((name) => /^(traceparent|tracestate|baggage)$/.test(name))).toEqual([])
    const hosts = requests.filter(({ path }) => path === '/host')
    expect(hosts.map(({ headers }) => typeof headers.traceparent)).toEqual(['string', 'string'])
  })
})

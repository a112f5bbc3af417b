import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'
import { IS_LONG } from './long.js'

let server: FaultServer

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
const OK = { body: '{"session_id":"s"}' }
const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('tracer.ts', { SERVER_URL: server.url, ...env }, signal)

function lastLine({ stdout }: Ending): Record<string, unknown> {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>
}

describe('instrumentations on the tracer', () => {
  it.each([
    ['with', '1'],
    ['without', ''],
  ])('F41 one application span makes no loop %s a context manager', async (_, manager) => {
    await server.set({ otherwise: OK })
    const stats = lastLine(await run({ MODE: 'instrumented', WITH_MANAGER: manager }))
    const { uniqueSpans, requests } = await server.seen()
    // The application span and one for each of its own two requests.
    expect(stats).toMatchObject({ started: 3, exported: 3, pending: 0 })
    expect(uniqueSpans).toBe(3)
    for (const { path, headers } of requests) {
      if (path !== '/host') expect([path, headers.traceparent, headers.baggage]).toEqual([path, undefined, undefined])
    }
  })
})

describe('many tracers', () => {
  it('L09 leaves no descriptor, listener or timer behind', async () => {
    await server.set({ otherwise: OK })
    const result = lastLine(await run({ MODE: 'instances', NODE_OPTIONS: '--expose-gc', INSTANCES: IS_LONG ? '1000' : '150' }))
    expect(result).toMatchObject({ listeners: 0, timers: 0 })
    expect(result.fds).toBeLessThanOrEqual(5)
    expect(result.heapBytesEach).toBeLessThanOrEqual(10_240)
  })

  it('L10 an await costs no more with 1,000 tracers than with one', async () => {
    const { one, many } = lastLine(await run({ MODE: 'live' })) as { one: number; many: number }
    expect(many / one).toBeLessThan(2.5)
  })
})

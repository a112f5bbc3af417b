import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())

const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('ending.ts', { SERVER_URL: server.url, ...env }, signal)

describe('natural end', () => {
  it('F21 delivers everything without a flush', async () => {
    await server.set({})
    expect(await run({})).toMatchObject({ code: 0, stderr: '' })
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it.each([
    ['hangs', { hang: true }, 5_000],
    ['drips', { drip: true, status: 503 }, 1_000],
  ])('F21 F26 ends within its limit when the server %s', async (_, otherwise, limitMs) => {
    await server.set({ otherwise })
    const ending = await run({ MODE: 'report', LIMIT_MS: String(limitMs), OVERDUE_MS: String(3 * limitMs) })
    expect(ending.code).toBe(0)
    expect(JSON.parse(ending.stdout)).toMatchObject({ isOverdue: false, stats: { pending: 0, dropped: { shutdownTimeout: 10 } } })
  })

  it('an idle tracer does not keep the process alive', async () => {
    expect(await run({ MODE: 'idle', SPANS: '0' })).toMatchObject({ code: 0, stdout: '[]\n' })
  })
})

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('F22 delivers on %s and keeps the signal', async (signal) => {
    await server.set({})
    expect(await run({ MODE: 'signal-flush' }, signal)).toMatchObject({ code: null, signal })
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it('F22 leaves the exit to the host when the host listens too', async () => {
    await server.set({})
    expect(await run({ MODE: 'signal-host' }, 'SIGTERM')).toMatchObject({ code: 7, signal: null })
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it.each(['signal-off', 'signal-disposed'])('F22 changes nothing with %s', async (mode) => {
    await server.set({})
    expect(await run({ MODE: mode }, 'SIGTERM')).toMatchObject({ code: null, signal: 'SIGTERM' })
  })
})

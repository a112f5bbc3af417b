import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

function lastLine({ stdout }: Ending): Record<string, unknown> {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>
}

describe('a session that cannot be started', () => {
  it.each([
    ['refused with 500', { status: 500 }],
    ['refused with 401', { status: 401 }],
    ['not JSON', { body: 'oops' }],
    ['without an id', { body: '{}' }],
  ])('F31 goes on with its own session id when the start is %s', async (_, start) => {
    await server.set({ byPath: { '/session/start': start }, otherwise: {} })
    const ending = await run({ MODE: 'session' })
    expect(lastLine(ending)).toMatchObject({ kept: true, isUuid: true, exported: 3 })
    expect(ending.stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('threads and processes', () => {
  it.each([
    ['natural', 12],
    ['exit', undefined],
    ['terminate', undefined],
  ])('F39 a worker that ends by %s leaves the main thread alone', async (end, total) => {
    await server.set({ otherwise: OK })
    const ending = await run({ MODE: 'worker', WORKER_END: end })
    expect(lastLine(ending)).toMatchObject({ ok: true, exported: 5 })
    expect(ending.code).toBe(0)
    const { uniqueSpans } = await server.seen()
    expect(uniqueSpans).toBeGreaterThanOrEqual(total ?? 5)
    expect(uniqueSpans).toBeLessThanOrEqual(12)
  })

  it('F40 a forked child has its own queue and sends nothing twice', async () => {
    await server.set({ otherwise: OK })
    expect(lastLine(await run({ MODE: 'fork' }))).toMatchObject({ ok: true, exported: 5 })
    expect(await server.seen()).toMatchObject({ uniqueSpans: 15, totalSpans: 15 })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
})

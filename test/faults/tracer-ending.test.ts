import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { leastBelow } from '../fixtures/cost.js'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer
let directory: string

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tracer-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const OK = { body: '{"session_id":"s"}' }
const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('tracer.ts', { SERVER_URL: server.url, ...env }, signal)

function lastLine({ stdout }: Ending): Record<string, unknown> {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>
}

describe('a process with a tracer', () => {
  it('F21 delivers spans and the session at its natural end', async () => {
    await server.set({ otherwise: OK })
    expect(await run({ MODE: 'end' })).toMatchObject({ code: 0, stderr: '' })
    const { uniqueSpans, requests } = await server.seen()
    expect(uniqueSpans).toBe(10)
    expect(requests.filter(({ path }) => path === '/session/start')).toHaveLength(1)
  })

  it('F25 ends by itself within seconds when the server never answers spans and session calls', async () => {
    await server.set({ otherwise: { hang: true } })
    // The limit is five seconds for both together.
    const ending = await run({ MODE: 'end', OVERDUE_MS: '9000' })
    expect(ending.code).toBe(0)
    expect(ending.stdout).toBe('')
    expect(ending.stderr).toContain('2 calls for sessions and events were given up')
  })

  it('F20 exits at once without a spool, in one line', async () => {
    await server.set({ otherwise: OK })
    const ratio = async (): Promise<number> => {
      const ending = await run({ MODE: 'exit', SPANS: '2000' })
      expect(ending).toMatchObject({ code: 3, stderr: expect.stringContaining('2000 ended spans') })
      const { recordMs, exitMs } = lastLine(ending) as { recordMs: number; exitMs: number }
      return exitMs / recordMs
    }
    // The engine's own threads count too, and only ever add: the least of several is the work of the exit.
    expect(await leastBelow(0.2, ratio)).toBeLessThan(0.2)
  })

  it('F20 S13 loses nothing over process.exit with a spool, and the spool shows no key', async () => {
    await server.set({ otherwise: { hang: true } })
    const ending = await run({ MODE: 'exit', SPANS: '2000', SPOOL: directory })
    expect(ending).toMatchObject({ code: 3, stderr: '' })
    expect(await readdir(directory)).toHaveLength(1)
    await server.set({ otherwise: OK })
    await run({ MODE: 'replay', SPOOL: directory })
    expect((await server.seen()).uniqueSpans).toBe(2_001)
    expect(await readdir(directory)).toEqual([])
  })

  it('F22 delivers on SIGTERM when asked, and dies of the signal', async () => {
    await server.set({ otherwise: OK })
    expect(await run({ MODE: 'signal' }, 'SIGTERM')).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it.each(['throw', 'reject'])('F24 changes nothing about a host that ends with %s', async (mode) => {
    await server.set({ otherwise: OK })
    const [with_, without] = await Promise.all([run({ MODE: mode }), run({ MODE: 'bareThrow' })])
    expect(with_.code).toBe(without.code)
    const firstLines = ({ stderr }: Ending): string =>
      stderr
        .split('\n')
        .filter((line) => /^(Error|Node\.js)/.test(line))
        .join()
    expect(firstLines(with_)).toBe(firstLines(without))
    expect(with_.stderr).not.toContain('honeyhive ')
  })

  it('F25 F30 shuts down within the limit against a hanging server and leaves nothing open', async () => {
    await server.set({ otherwise: { hang: true } })
    const ending = await run({ MODE: 'shutdown' })
    const { ok, isInTime, stats, resources } = lastLine(ending)
    expect([ok, isInTime]).toEqual([false, true])
    expect(stats).toMatchObject({ started: 11, ended: 11, open: 0, pending: 0, dropped: { shutdownTimeout: 11, afterShutdown: 0 } })
    expect(resources).toEqual([])
    expect(ending.code).toBe(0)
  })
})

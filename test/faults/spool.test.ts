import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TracerStats } from '../../src/export/stats.js'
import { SENTINEL_KEY } from './rig.js'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer
let directory: string

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'spool-')), 'spool')
})
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }))

const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('ending.ts', { SERVER_URL: server.url, ...env }, signal)

describe('spool', () => {
  it('F20 keeps 2,000 spans over process.exit and delivers them at the next start, once', async () => {
    await server.set({ otherwise: { hang: true } })
    expect(await run({ MODE: 'exit', SPANS: '2000', SPOOL: directory })).toMatchObject({ code: 3, stdout: '', stderr: '' })
    const [name = ''] = await readdir(directory)
    expect(name).toMatch(/\.spool$/)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
    expect(`${name}${await readFile(join(directory, name), 'utf8')}`).not.toContain(SENTINEL_KEY)
    await server.set({})
    const both = await Promise.all([1, 2].map(() => run({ MODE: 'replay', SPOOL: directory })))
    expect(both.map(({ stdout }) => stdout)).toEqual(['true\n', 'true\n'])
    expect(await server.seen()).toMatchObject({ uniqueSpans: 2_000, totalSpans: 2_000 })
    expect(await readdir(directory)).toEqual([])
  })

  it('F34 holds its cap while several processes write, and several deliver it once between them', async () => {
    await server.set({ otherwise: { hang: true } })
    const cap = 400_000
    const write = async (spans: number): Promise<TracerStats> => {
      const env = { MODE: 'exit', SPANS: String(spans), SPOOL: directory, MAX_BYTES: String(cap), REPORT: '1' }
      return JSON.parse((await run(env)).stdout) as TracerStats
    }
    const books = [await write(100), ...(await Promise.all(Array.from({ length: 6 }, () => write(1_000))))]
    const files = await readdir(directory)
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(directory, name))).size))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(cap)
    for (const { ended, pending, dropped } of books) expect(ended).toBe(pending + dropped.shutdownTimeout)
    const kept = books.reduce((sum, { pending }) => sum + pending, 0)
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan(6_100)

    await server.set({})
    const readers = Array.from({ length: 4 }, () => run({ MODE: 'replay', SPOOL: directory, REPORT: '1' }))
    const read = (await Promise.all(readers)).map(({ stdout }) => JSON.parse(stdout.split('\n')[1] ?? '') as TracerStats)
    expect(read.reduce((sum, { exported }) => sum + exported, 0)).toBe(kept)
    expect(await server.seen()).toMatchObject({ uniqueSpans: kept, totalSpans: kept })
    expect(await readdir(directory)).toEqual([])
  })

  it('F34 what a process was sending that was killed is delivered by the next one at once', async () => {
    await server.set({ otherwise: { hang: true } })
    await run({ MODE: 'exit', SPANS: '100', SPOOL: directory })
    await run({ MODE: 'kill', SPOOL: directory }, 'SIGKILL')
    expect(await readdir(directory)).toEqual([expect.stringContaining('.claimed-')])
    await server.set({})
    await run({ MODE: 'replay', SPOOL: directory })
    expect((await server.seen()).uniqueSpans).toBe(100)
    expect(await readdir(directory)).toEqual([])
  })

  it('keeps what a dead server did not take before the natural end', async () => {
    await server.set({ otherwise: { hang: true } })
    expect(await run({ SPOOL: directory, LIMIT_MS: '300' })).toMatchObject({ code: 0, stderr: '' })
    await server.set({})
    await run({ MODE: 'replay', SPOOL: directory })
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it('F24 keeps the stderr and the exit code of an uncaught exception', async () => {
    await server.set({ otherwise: { hang: true } })
    const [without, withSpool] = await Promise.all([run({ MODE: 'throw' }), run({ MODE: 'throw', SPOOL: directory })])
    expect(withSpool.code).toBe(without.code)
    expect(withSpool.stderr).toBe(without.stderr)
    expect(await readdir(directory)).toHaveLength(1)
  })

  it('F34 replays what is readable and reports the rest once', async () => {
    await server.set({ otherwise: { hang: true } })
    await run({ MODE: 'exit', SPANS: '300', SPOOL: directory })
    const [name = ''] = await readdir(directory)
    const text = await readFile(join(directory, name), 'utf8')
    await writeFile(join(directory, name), text.slice(0, -200))
    await writeFile(join(directory, 'notes.txt'), 'not ours')
    await server.set({})
    const { stderr } = await run({ MODE: 'replay', SPOOL: directory })
    expect((await server.seen()).uniqueSpans).toBe(256)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('1 damaged records and 1 foreign files')
    expect(await readdir(directory)).toEqual(['notes.txt'])
  })

  it('F34 leaves the host alone when the directory cannot be made', async () => {
    await server.set({ otherwise: { hang: true } })
    await writeFile(directory, 'a file stands where the directory should be')
    const ending = await run({ MODE: 'exit', SPOOL: directory })
    expect(ending.code).toBe(3)
    expect(ending.stderr).toContain('HH_SPOOL_DIR')
  })
})

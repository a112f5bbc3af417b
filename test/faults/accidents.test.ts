import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle, runFixture, type Ending } from './run-fixture.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())

const run = (env: Record<string, string>): Promise<Ending> => runFixture('accidents.ts', { SERVER_URL: server.url, ...env })

describe('process.exit', () => {
  it('says in one line how many spans it costs, and whose', async () => {
    await server.set({ otherwise: { hang: true } })
    const { code, stderr } = await run({ MODE: 'exit' })
    expect(code).toBe(3)
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('3 ended spans of shop not delivered')])
  })

  it('says so once for all tracers of the process', async () => {
    await server.set({ otherwise: { hang: true } })
    const { stderr } = await run({ MODE: 'exitOfMany' })
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/2 ended spans of tenant 4 and what 2 more tracers held/)])
  })

  it('says what else is lost, and counts it before the last listener of the host', async () => {
    await server.set({ otherwise: { hang: true } })
    const { stdout, stderr } = await run({ MODE: 'exitWithOpenAndCalls' })
    expect(stderr).toContain('1 ended span and 1 open span and 1 API call of dev')
    expect(JSON.parse(stdout)).toMatchObject({ open: 1, pending: 0, dropped: { shutdownTimeout: 1 } })
  })

  it('tells the logger of the tracer that has one', async () => {
    await server.set({ otherwise: { hang: true } })
    const { stdout, stderr } = await run({ MODE: 'exitWithLogger' })
    expect(stderr).toBe('')
    expect(stdout).toContain('3 ended spans not delivered')
  })

  it('says so beside an error that nobody caught', async () => {
    await server.set({ otherwise: { hang: true } })
    const { code, stderr } = await run({ MODE: 'throw' })
    expect(code).toBe(1)
    expect(stderr).toContain('of the host')
    expect(stderr).toContain('3 ended spans')
  })

  it('says nothing after a flush, and nothing where a spool keeps them', async () => {
    await server.set({ otherwise: { body: '{"session_id":"s"}' } })
    expect(await run({ MODE: 'exitAfterFlush' })).toMatchObject({ code: 3, stderr: '' })
    await server.set({ otherwise: { hang: true } })
    const folder = await mkdtemp(join(tmpdir(), 'spool-'))
    expect(await run({ MODE: 'exitWithSpool', SPOOL: join(folder, 'spool') })).toMatchObject({ code: 3, stderr: '' })
    await rm(folder, { recursive: true, force: true })
  })
})

describe('standard error', () => {
  it('that nobody reads does not end the host at a warning', async () => {
    await server.set({ otherwise: { status: 401 } })
    const program = bundle(fileURLToPath(new URL('fixtures/accidents.ts', import.meta.url)), 'accidents.ts')
    const child = spawn(process.execPath, [program], { env: { ...process.env, SERVER_URL: server.url, MODE: 'closed' } })
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.destroy()
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ pending: 0, dropped: { httpStatus: 1 } })
  })
})

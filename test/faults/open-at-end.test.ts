import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { runFixture, type Ending } from './run-fixture.js'
import { startFaultServer } from './start-fault-server.js'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const run = (env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> =>
  runFixture('tracer.ts', { SERVER_URL: receiver.url, ...env }, signal)
/** Names in order of arrival's names, those marked as unfinished with a question mark. */
const arrived = (): string[] =>
  receiver.spans.map(({ name, attributes }) => (attributes['honeyhive.unfinished'] === true ? `${name}?` : name)).sort()
const lines = ({ stderr }: Ending): string[] => stderr.split('\n').filter(Boolean)

describe('spans that are open when the process ends', () => {
  it('arrive at its natural end, and one line names the libraries', async () => {
    const ending = await run({ MODE: 'openEnd' })
    expect(arrived()).toEqual(['model?', 'own?', 'request'])
    const request = receiver.spans.find(({ name }) => name === 'request')
    expect(receiver.spans.find(({ name }) => name === 'model')?.parentSpanId).toBe(request?.spanId)
    expect(lines(ending)).toHaveLength(1)
    expect(ending).toMatchObject({ code: 0, stderr: expect.stringContaining('1 of library, 1 of honeyhive-tracer') })
  })

  it('are the host’s to end while its listeners of the empty event loop are at work', async () => {
    const ending = await run({ MODE: 'openHost' })
    expect(arrived()).toEqual(['model?', 'own', 'request'])
    expect(ending).toMatchObject({ code: 0, stderr: expect.stringContaining('1 of library.') })
  })

  it('do not keep a process alive whose host begins another at each empty event loop', async () => {
    expect(await run({ MODE: 'openAgain' })).toMatchObject({ code: 0 })
    expect(arrived()).toEqual(['model?', 'own?', 'request'])
  })

  it('do not make the natural end longer than its limit when the server hangs', async () => {
    const server = await startFaultServer()
    await server.set({ otherwise: { hang: true } })
    const ending = await runFixture('tracer.ts', { SERVER_URL: server.url, MODE: 'openEnd', OVERDUE_MS: '9000' })
    expect(ending).toMatchObject({ code: 0, stdout: '' })
    await server.stop()
  })

  it('arrive before a signal takes effect', async () => {
    expect(await run({ MODE: 'openSignal' }, 'SIGTERM')).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(arrived()).toEqual(['model?', 'own?', 'request'])
  })

  it('are left to a host that listens to the signal itself', async () => {
    expect(await run({ MODE: 'openSignalHost' }, 'SIGTERM')).toMatchObject({ code: 0, signal: null })
    expect(arrived()).toEqual(['model?', 'own', 'request'])
  })

  it('are kept by the spool over process.exit', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'open-'))
    expect(await run({ MODE: 'openExit', SPOOL: directory })).toMatchObject({ code: 3 })
    expect(arrived()).toEqual([])
    await run({ MODE: 'replay', SPOOL: directory })
    expect(arrived()).toEqual(['model?', 'own?', 'request', 'span 0'])
    await rm(directory, { recursive: true })
  })
})

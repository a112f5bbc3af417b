import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDiagnostics } from '../src/diagnostics.js'
import { HoneyHiveTracer } from '../src/index.js'

afterEach(() => vi.restoreAllMocks())

const throwing = (): never => {
  throw new Error('no output')
}

describe('createDiagnostics', () => {
  it('throws nothing where standard error throws', () => {
    vi.spyOn(process.stderr, 'write').mockImplementation(throwing)
    const diagnostics = createDiagnostics()
    expect(() => diagnostics.warn('topic', 'text')).not.toThrow()
    expect(process.stderr.write).toHaveBeenCalledOnce()
    expect(process.stderr.listenerCount('error')).toBe(0)
  })

  it('throws nothing where the logger throws and standard error too', () => {
    vi.spyOn(process.stderr, 'write').mockImplementation(throwing)
    const diagnostics = createDiagnostics({ logger: { debug: throwing, warn: throwing, error: throwing } })
    expect(() => diagnostics.warn('topic', 'text')).not.toThrow()
  })

  it('says a topic once a minute, or once, and details where they are wanted', () => {
    const lines: string[] = []
    const push = (line: string): void => void lines.push(line)
    let time = 0
    const settings = { logger: { debug: push, warn: push, error: push }, now: () => time }
    const quiet = createDiagnostics(settings)
    const detailed = createDiagnostics({ ...settings, verbose: true, label: 'a', mask: (line) => line.replaceAll('secret', '***') })
    const built = vi.fn(() => 'a detail')
    quiet.debug(built)
    expect([built.mock.calls, quiet.isVerbose, detailed.isVerbose]).toEqual([[], false, true])
    for (time of [0, 59_999, 60_000]) {
      quiet.warn('topic', `at ${time}`)
      quiet.warnOnce('once', `once at ${time}`)
      detailed.warn('topic', `a secret at ${time}`)
      detailed.debug(() => `detail at ${time}`)
    }
    expect(lines).toEqual([
      '[honeyhive] at 0',
      '[honeyhive] once at 0',
      '[honeyhive a] a *** at 0',
      '[honeyhive a] detail at 0',
      '[honeyhive a] detail at 59999',
      '[honeyhive] at 60000',
      '[honeyhive a] a *** at 60000',
      '[honeyhive a] detail at 60000',
    ])
  })

  it('speaks to standard error, one line for each, where no logger is given', () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const diagnostics = createDiagnostics({ verbose: true })
    diagnostics.warn('topic', 'one\ntwo')
    diagnostics.warn('topic', 'too soon')
    diagnostics.warnOnce('once', 'three')
    diagnostics.debug(() => 'four')
    expect(written.mock.calls.map(([line]) => String(line).trimEnd().split('\n').length)).toEqual([1, 1, 1])
  })

  it('tells what it had to say where the logger throws', () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    createDiagnostics({ logger: { debug: throwing, warn: throwing, error: throwing } }).warn('topic', 'text')
    expect(written.mock.calls.map(([line]) => String(line))).toEqual(['[honeyhive] the configured logger threw; message was: text\n'])
  })

  it('lets nobody hear of a logger that rejects', async () => {
    const unhandled = vi.fn()
    process.once('unhandledRejection', unhandled)
    const rejecting = async (): Promise<void> => throwing()
    createDiagnostics({ logger: { debug: rejecting, warn: rejecting, error: rejecting } }).warn('topic', 'text')
    await new Promise((resolve) => setImmediate(resolve))
    process.removeListener('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('does not ask a logger that is at work, so one that is traced itself ends', () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    let calls = 0
    const logger = { debug: () => undefined, error: () => undefined, warn: () => void (calls++ < 50 && again()) }
    const diagnostics = createDiagnostics({ logger })
    const again = (): void => diagnostics.warn(`topic ${calls}`, 'said by the logger')
    diagnostics.warn('first', 'text')
    expect(calls).toBe(1)
    expect(String(written.mock.calls[0]?.[0])).toContain('said by the logger')
  })
})

describe('a tracer whose standard error throws', () => {
  it('starts, records and counts as ever', async () => {
    vi.spyOn(process.stderr, 'write').mockImplementation(throwing)
    HoneyHiveTracer.init({ apiKey: '' }).startSpan('untraced').end()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: 'http://127.0.0.1:9', batch: { maxQueueSize: 2 } })
    for (let i = 0; i < 4; i++) tracer.startSpan('step').end()
    expect(tracer.stats()).toMatchObject({ ended: 4, pending: 2, dropped: { queueFull: 2 } })
    expect(await tracer.shutdown(1)).toBe(false)
  })
})

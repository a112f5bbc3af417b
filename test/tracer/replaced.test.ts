import { afterEach, describe, expect, it, vi } from 'vitest'
import { HoneyHiveTracer } from '../../src/index.js'
import { startReceiver } from '../fixtures/receiver.js'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const logger = { debug() {}, warn() {}, error() {} }
const init = (serverUrl: string): HoneyHiveTracer =>
  HoneyHiveTracer.init({ apiKey: 'key', serverUrl, logger, protocol: 'http/json', batch: { retryBudgetMs: 300, exportTimeoutMs: 200 } })

const throwing = (): never => {
  throw new Error('patched')
}

/** What a host makes of the functions that everybody shares. */
const hosts: Record<string, () => void> = {
  'fakes every timer and clock': () => void vi.useFakeTimers(),
  'fakes immediates alone': () => void vi.useFakeTimers({ toFake: ['setImmediate'] }),
  'has timers that are numbers': () => {
    for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) vi.stubGlobal(name, () => 7)
  },
  'has a clock that jumps': () => {
    let days = 0
    vi.spyOn(Date, 'now').mockImplementation(() => ++days * 86_400_000)
    vi.spyOn(performance, 'now').mockImplementation(() => --days)
  },
  'replaces fetch, structuredClone and queueMicrotask by what throws': () => {
    for (const name of ['fetch', 'structuredClone', 'queueMicrotask']) vi.stubGlobal(name, throwing)
  },
  'has a Promise of its own': () => {
    vi.stubGlobal('Promise', class Own<T> extends Promise<T> {})
  },
}

describe.each(Object.keys(hosts))('a host that %s', (host) => {
  it('has its spans delivered, and a dead server waited for no longer than was said', async () => {
    const receiver = await startReceiver()
    const silent = await startReceiver(() => true)
    const [alive, dead] = [init(receiver.url), init(silent.url)]
    hosts[host]?.()
    for (const tracer of [alive, dead]) tracer.startActiveSpan('step', () => 1)
    expect([await alive.forceFlush(5_000), await dead.forceFlush(100)]).toEqual([true, false])
    expect([await alive.shutdown(5_000), await dead.shutdown(100)]).toEqual([true, false])
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
    expect(receiver.spans.map(({ name }) => name)).toEqual(['step'])
    const [{ startMs = 0, endMs = 0 } = {}] = receiver.spans
    expect(Math.abs(Date.now() - startMs)).toBeLessThan(600_000)
    expect(endMs).toBeGreaterThanOrEqual(startMs)
    await Promise.all([receiver.close(), silent.close()])
  })
})

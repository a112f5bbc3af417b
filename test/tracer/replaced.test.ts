import { afterEach, describe, expect, it, vi } from 'vitest'
import { HoneyHiveTracer } from '../../src/index.js'
import { startReceiver } from '../fixtures/receiver.js'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  for (const name of ['extra', 'extraCall']) Reflect.deleteProperty(Object.prototype, name)
})

const logger = { debug() {}, warn() {}, error() {} }
const init = (serverUrl: string): HoneyHiveTracer =>
  HoneyHiveTracer.init({ apiKey: 'key', serverUrl, logger, batch: { retryBudgetMs: 300, exportTimeoutMs: 200 } })

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
  'has a Promise without helpers': () => {
    const NativePromise = Promise
    vi.stubGlobal('Promise', function Own(run: ConstructorParameters<typeof Promise>[0]) {
      return new NativePromise(run)
    })
  },
  'adds fields to every object': () => {
    Object.assign(Object.prototype, { extra: 'of the host', extraCall: () => undefined })
  },
}

describe.each(Object.keys(hosts))('a host that %s', (host) => {
  it('has its spans delivered, and a dead server waited for no longer than was said', async () => {
    const receiver = await startReceiver()
    const silent = await startReceiver(() => true)
    const [alive, dead] = [init(receiver.url), init(silent.url)]
    hosts[host]?.()
    for (const tracer of [alive, dead]) tracer.startActiveSpan('step', () => 1)
    expect([await alive.forceFlush(60_000), await dead.forceFlush(100)]).toEqual([true, false])
    expect([await alive.shutdown(60_000), await dead.shutdown(100)]).toEqual([true, false])
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
    for (const name of ['extra', 'extraCall']) Reflect.deleteProperty(Object.prototype, name)
    expect(receiver.spans.map(({ name }) => name)).toEqual(['step'])
    const [{ startMs = 0, endMs = 0 } = {}] = receiver.spans
    expect(Math.abs(Date.now() - startMs)).toBeLessThan(600_000)
    expect(endMs).toBeGreaterThanOrEqual(startMs)
    await Promise.all([receiver.close(), silent.close()])
  })
})

describe('an environment', () => {
  const env = Object.getOwnPropertyDescriptor(process, 'env') as PropertyDescriptor
  const refuse = new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing })

  it.each([
    ['is missing', { value: undefined }],
    ['throws', { get: throwing }],
    ['refuses every look', { value: refuse }],
  ])('that %s counts as one without variables', (_, descriptor) => {
    Object.defineProperty(process, 'env', { configurable: true, ...descriptor })
    let tracer: HoneyHiveTracer
    try {
      tracer = HoneyHiveTracer.init({ apiKey: 'key', testMode: true })
      tracer.startSpan('step').end()
    } finally {
      Object.defineProperty(process, 'env', env)
    }
    expect(tracer.stats()).toMatchObject({ exported: 1 })
  })
})

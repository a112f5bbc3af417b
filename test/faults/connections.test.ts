import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isWithin } from '../fixtures/limit.js'
import type { Behaviour } from './fault-server.js'
import { createRig, isBalanced, SENTINEL_KEY, type Rig, type RigOptions } from './rig.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer
let rig: Rig

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
afterEach(async () => {
  expect(isBalanced(rig.stats.snapshot())).toBe(true)
  expect(rig.warnings.join('\n')).not.toContain(SENTINEL_KEY)
  await rig.close()
})

function start(options: RigOptions = {}): Rig {
  rig = createRig({ serverUrl: server.url, processor: { random: () => 0 }, ...options })
  return rig
}

const always = (otherwise: Behaviour) => server.set({ otherwise })

describe('connections', () => {
  it('F01 loses nothing in an outage shorter than the retry budget', async () => {
    await always({ failForMs: 2_000 })
    start({ scheduledDelayMs: 100 })
    const pulse = setInterval(() => rig.record(20), 100)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    clearInterval(pulse)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).uniqueSpans).toBe(rig.stats.snapshot().ended)
    expect(rig.stats.snapshot().exported).toBe(rig.stats.snapshot().ended)
  })

  it('F09 delivers once a server that was down at the start comes up', async () => {
    const probe = await startFaultServer()
    const { port } = probe
    await probe.stop()
    start({ serverUrl: `http://127.0.0.1:${port}`, scheduledDelayMs: 10 }).record(100)
    const flushed = rig.processor.flush(60_000)
    const late = await startFaultServer(port)
    expect(await flushed).toBe(true)
    expect((await late.seen()).uniqueSpans).toBe(100)
    await late.stop()
  })

  it('F11 gives up a hanging attempt at its own deadline and delivers with the next', async () => {
    await server.set({ script: [{ hang: true }] })
    start({ exportTimeoutMs: 500 }).record(100)
    const flushed = rig.processor.flush(60_000)
    // The attempt and the wait before the next are 500 ms each.
    expect(await isWithin(5_000, flushed)).toBe(true)
    expect(await flushed).toBe(true)
    expect((await server.seen()).uniqueSpans).toBe(100)
  })

  it('F12 counts a dripping 200 as delivered at the deadline', async () => {
    await server.set({ script: [{ drip: true }] })
    start({ exportTimeoutMs: 2_000 }).record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).requests).toHaveLength(1)
  })

  it('F12 retries a dripping 503', async () => {
    await server.set({ script: [{ drip: true, status: 503 }] })
    start({ exportTimeoutMs: 2_000 }).record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).requests).toHaveLength(2)
  })

  it('F14 sends again when the connection breaks before the reply', async () => {
    await server.set({ script: [{ reset: true }, { reset: true }] })
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const { spanIds } = await server.seen()
    expect(Object.keys(spanIds)).toHaveLength(10)
    expect(new Set(Object.values(spanIds))).toEqual(new Set([3]))
    expect(rig.stats.snapshot().exported).toBe(10)
  })

  it('compresses larger bodies in one write with a length', async () => {
    await always({})
    start({ transport: { compression: 'gzip' } }).record(200)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const { requests, uniqueSpans } = await server.seen()
    expect(uniqueSpans).toBe(200)
    expect(requests[0]).toMatchObject({ encoding: 'gzip' })
    expect(requests[0]?.headers['content-length']).toBe(String(requests[0]?.bytes))
    expect(requests[0]?.headers['transfer-encoding']).toBeUndefined()
  })

  it('reports losses in a header only once there were any', async () => {
    await server.set({ script: [{ status: 500 }] })
    start().record(3)
    await rig.processor.flush(60_000)
    rig.record(1)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const [first, second] = (await server.seen()).requests
    expect(first?.headers['hh-client-dropped']).toBeUndefined()
    expect(second?.headers).toMatchObject({
      'hh-client-dropped': 'httpStatus=3',
      'hh-client-instance': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
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

describe('retries', () => {
  it('F03 asks no earlier than Retry-After says and then delivers', async () => {
    await server.set({ script: [{ status: 429, headers: { 'retry-after': '1' } }] })
    start().record(100)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const { requests, uniqueSpans } = await server.seen()
    expect(uniqueSpans).toBe(100)
    expect(requests).toHaveLength(2)
    expect((requests[1]?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThanOrEqual(950)
  })

  it('F03 honours an HTTP date', async () => {
    const date = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 2_000)
    await server.set({ script: [{ status: 503, headers: { 'retry-after': date.toUTCString() } }] })
    start().record(1)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const { requests } = await server.seen()
    expect(requests[1]?.at).toBeGreaterThanOrEqual(date.getTime() - 100)
  })

  it.each(['0', '-5', 'soon', ''])('F04 keeps the base wait when Retry-After is %j', async (retryAfter) => {
    await server.set({ script: [1, 2].map(() => ({ status: 429, headers: { 'retry-after': retryAfter } })) })
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    const times = (await server.seen()).requests.map(({ at }) => at)
    expect(times).toHaveLength(3)
    expect(Math.min(...times.slice(1).map((at, index) => at - (times[index] ?? 0)))).toBeGreaterThanOrEqual(480)
  })

  it.each([502, 504])('retries HTTP %i', async (status) => {
    await server.set({ script: [{ status }] })
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).uniqueSpans).toBe(10)
  })

  it('F02 counts spans as retryExhausted when the budget is used up, with one warning', async () => {
    await always({ status: 503 })
    start({ retryBudgetMs: 1_500 }).record(40)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({
      exported: 0,
      pending: 0,
      dropped: { retryExhausted: 40 },
      lastError: expect.stringContaining('HTTP 503'),
    })
    expect(rig.warnings.filter((line) => line.includes('retryExhausted'))).toHaveLength(1)
  })
})

import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createRig, isBalanced, toReadableSpan, type Rig, type RigOptions } from './rig.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'
import { IS_LONG } from './long.js'

let server: FaultServer
let rig: Rig

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
afterEach(async () => {
  expect(isBalanced(rig.stats.snapshot())).toBe(true)
  await rig.close()
})

function start(options: RigOptions = {}): Rig {
  rig = createRig({ serverUrl: server.url, ...options })
  return rig
}

describe('load', () => {
  it.each([
    ['L01', 0],
    ['L02', 100],
  ])('%s delivers a burst of 50,000 spans in one tick with a server delay of %i ms', async (_, delayMs) => {
    await server.set({ otherwise: { delayMs } })
    start().record(50_000)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect(await server.seen()).toMatchObject({ uniqueSpans: 50_000, totalSpans: 50_000 })
    expect(rig.stats.snapshot()).toMatchObject({ exported: 50_000, pending: 0 })
  })

  it('L03 counts what goes beyond 64 MiB exactly and stays within its memory', async () => {
    await server.set({})
    const count = IS_LONG ? 200_000 : 100_000
    start({ maxQueueSize: 1_000_000 })
    const before = process.memoryUsage().rss
    rig.record(count, { bytes: 1_000 })
    await rig.processor.flush(60_000)
    const { exported, dropped } = rig.stats.snapshot()
    expect(exported + dropped.bytesFull).toBe(count)
    expect(dropped.bytesFull).toBeGreaterThan(0)
    expect((await server.seen()).uniqueSpans).toBe(exported)
    expect(rig.drops.reduce((sum, drop) => sum + drop.count, 0)).toBe(dropped.bytesFull)
    expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000)
  })

  it('L04 loses nothing at a steady 5,000 spans a second and a 200 ms round trip', async () => {
    await server.set({ otherwise: { delayMs: 200 } })
    start({ maxExportBatchSize: 2_048 })
    const seconds = IS_LONG ? 60 : 2
    const endsAt = performance.now() + seconds * 1_000
    for (let next = performance.now(); next < endsAt; next += 20) {
      rig.record(100)
      await sleep(Math.max(0, next + 20 - performance.now()))
    }
    expect(await rig.processor.flush(60_000)).toBe(true)
    const { uniqueSpans, maxActive } = await server.seen()
    expect(uniqueSpans).toBe(rig.stats.snapshot().ended)
    expect(maxActive).toBeLessThanOrEqual(5)
  }, 180_000)

  it('L06 never serialises on the stack of the caller', async () => {
    await server.set({})
    start()
    let isOnStack = false
    let onStack = 0
    let built = 0
    const toReadable = (): ReadableSpan => {
      built++
      if (isOnStack) onStack++
      return toReadableSpan('work', randomBytes(8).toString('hex'), 20_000)
    }
    for (let count = 1; count <= 5_120; count++) {
      isOnStack = true
      rig.record(1, { bytes: 20_000, toReadable })
      isOnStack = false
      // Less than the queue holds, so that a slow machine drops none.
      if (count % 1_024 === 0) expect(await rig.processor.flush(60_000)).toBe(true)
      else if (count % 64 === 0) await nextTurn()
    }
    expect([onStack, built]).toEqual([0, 5_120])
  })

  it('L17 keeps its byte cap against a dead server', async () => {
    await server.set({ otherwise: { hang: true } })
    start()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 300; i++) {
      rig.record(10, { bytes: 200_000 })
      await nextTurn()
    }
    const { pending, dropped } = rig.stats.snapshot()
    expect(pending + dropped.bytesFull).toBe(3_000)
    expect(pending * 200_400).toBeLessThanOrEqual(67_108_864)
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })
})

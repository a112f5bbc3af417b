import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { isWithin } from '../fixtures/limit.js'
import { createRig, isBalanced, toReadableSpan, type Rig, type RigOptions } from './rig.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer
let rig: Rig

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
afterEach(async () => {
  expect(isBalanced(rig.stats.snapshot())).toBe(true)
  await rig.close()
  expect(processState.queuedBytes).toBe(0)
})

function start(options: RigOptions = {}): Rig {
  rig = createRig({ serverUrl: server.url, processor: { random: () => 0 }, ...options })
  return rig
}

describe('forceFlush', () => {
  it('F27 settles only after the acknowledgement of work that was under way', async () => {
    await server.set({ otherwise: { hold: true } })
    start({ maxExportBatchSize: 10 }).record(10)
    while ((await server.seen()).uniqueSpans < 10) await nextTurn()
    let isSettled = false
    const flushed = rig.processor.flush(60_000).finally(() => (isSettled = true))
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    expect([isSettled, rig.stats.snapshot().exported]).toEqual([false, 0])
    await server.release()
    expect([await flushed, rig.stats.snapshot().exported]).toEqual([true, 10])
  })

  it('L12 serves 200 flushes at the same time', async () => {
    await server.set({ otherwise: { delayMs: 200 } })
    start()
    const flushes = Array.from({ length: 200 }, () => {
      rig.record(1)
      return rig.processor.flush(60_000)
    })
    expect(new Set(await Promise.all(flushes))).toEqual(new Set([true]))
    expect((await server.seen()).uniqueSpans).toBe(200)
  })

  it('F28 says once that something was lost since the last flush', async () => {
    await server.set({ script: [{ status: 500 }] })
    start({ scheduledDelayMs: 1 }).record(5)
    while (rig.stats.snapshot().pending > 0) await nextTurn()
    expect(await rig.processor.flush(1_000)).toBe(false)
    expect(await rig.processor.flush(1_000)).toBe(true)
  })

  it('does not wait for what ends after the call', async () => {
    await server.set({ script: [{}, { hang: true }] })
    start({ maxExportBatchSize: 10 }).record(10)
    const flushed = rig.processor.flush(60_000)
    rig.record(10)
    expect(await flushed).toBe(true)
    expect(rig.stats.snapshot().exported).toBe(10)
  })

  it('F21 gives up nothing at the natural end that ended while it waited: the program goes on', async () => {
    await server.set({ script: [{}, { delayMs: 200 }] })
    start({ maxExportBatchSize: 10 }).record(10)
    const drained = rig.processor.drain(5_000)
    rig.record(10)
    expect(await drained).toBe(true)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).uniqueSpans).toBe(20)
  })

  it('resolves to false at its own deadline and leaves the work going', async () => {
    await server.set({ script: [{ hold: true }] })
    start().record(10)
    const flushed = rig.processor.flush(100)
    expect(await isWithin(1_000, flushed)).toBe(true)
    expect([await flushed, rig.stats.snapshot().pending]).toEqual([false, 10])
    await server.release()
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect(rig.stats.snapshot().exported).toBe(10)
  })

  it('resolves at once when there is nothing to send', async () => {
    start()
    expect(await rig.processor.flush(0)).toBe(true)
    expect(rig.stats.snapshot().requests).toBe(0)
  })
})

describe('shutdown', () => {
  it('F25 keeps its limit against a hanging server and counts the rest', async () => {
    await server.set({ otherwise: { hang: true } })
    start().record(100)
    const stopped = rig.processor.close(1_000)
    expect(await isWithin(3_000, stopped)).toBe(true)
    expect(await stopped).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ pending: 0, dropped: { shutdownTimeout: 100 } })
  })

  it('F30 counts spans that end later, with one warning', async () => {
    await server.set({})
    start().record(10)
    expect(await rig.processor.close(2_000)).toBe(true)
    rig.record(50)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 10, pending: 0, dropped: { afterShutdown: 50 } })
    expect(rig.warnings.filter((line) => line.includes('afterShutdown'))).toHaveLength(1)
  })

  it('is idempotent and closes the sockets with the last user', async () => {
    await server.set({})
    start().record(1)
    const [first, second] = await Promise.all([rig.processor.close(2_000), rig.processor.close(1)])
    expect([first, second]).toEqual([true, true])
    rig.transport.close()
    expect(processState.agents.size).toBe(0)
    expect(processState.endpoints.size).toBe(0)
  })
})

describe('enqueue', () => {
  it('L03 keeps the caps and counts the rest exactly, the hook included', async () => {
    await server.set({})
    start({ maxQueueBytes: 1_000_000, maxExportBatchBytes: 100_000 }).record(5_000, { bytes: 1_000 })
    const { pending, dropped } = rig.stats.snapshot()
    expect(pending).toBe(Math.floor(1_000_000 / 1_400))
    expect(dropped.bytesFull).toBe(5_000 - pending)
    expect(rig.drops.reduce((sum, { count }) => sum + count, 0)).toBe(dropped.bytesFull)
    await rig.processor.flush(60_000)
    expect((await server.seen()).uniqueSpans).toBe(pending)
    expect(rig.warnings).toHaveLength(1)
  })

  it('counts spans beyond maxQueueSize', () => {
    start({ maxQueueSize: 10 }).record(25)
    expect(rig.stats.snapshot()).toMatchObject({ pending: 10, dropped: { queueFull: 15 } })
  })

  it('shares one cap over all tracers of the process but always takes the first span of an empty queue', () => {
    start()
    processState.queuedBytes += 268_435_456
    try {
      rig.record(2)
      expect(rig.stats.snapshot()).toMatchObject({ pending: 1, dropped: { bytesFull: 1 } })
    } finally {
      processState.queuedBytes -= 268_435_456
    }
  })

  it('counts a span larger than the whole queue', () => {
    start({ maxQueueBytes: 10_000 }).record(1, { bytes: 20_000 })
    expect(rig.stats.snapshot().dropped.tooLarge).toBe(1)
  })

  it('F45 saves the neighbours of spans that cannot be built or written', async () => {
    await server.set({})
    start().record(40)
    rig.record(1, {
      toReadable: () => {
        throw new Error('redactor')
      },
    })
    const broken = { ...toReadableSpan('bad', 'ab'.repeat(8), 1), name: 10n as unknown as string }
    rig.record(1, { toReadable: () => broken })
    rig.record(40)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 80, dropped: { unserializable: 2 } })
    expect((await server.seen()).uniqueSpans).toBe(80)
  })

  it('releases every span once, whatever became of it', async () => {
    await server.set({ script: [{ status: 500 }] })
    let released = 0
    const onRelease = (): void => void released++
    start({ maxQueueSize: 8 }).record(10, { onRelease })
    await rig.processor.flush(60_000)
    rig.record(5, { onRelease })
    await rig.processor.flush(60_000)
    expect(released).toBe(15)
  })

  it("sends each span by itself with disableBatch, still not on the caller's stack", async () => {
    await server.set({})
    let built = 0
    start({ processor: { disableBatch: true } })
    rig.record(5, { toReadable: () => toReadableSpan(`n${built++}`, `${built}`.repeat(16), 10) })
    expect(built).toBe(0)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).requests.map(({ spans }) => spans)).toEqual([1, 1, 1, 1, 1])
  })

  it('sends a part-filled batch after the scheduled delay', async () => {
    await server.set({})
    start({ scheduledDelayMs: 50 }).record(3)
    while (rig.stats.snapshot().pending > 0) await nextTurn()
    expect(rig.stats.snapshot().exported).toBe(3)
  })
})

describe('explain', () => {
  it('answers for queued, retried, exported and lost spans', async () => {
    await server.set({ script: [{ status: 503 }, {}, { status: 500 }] })
    const [id = ''] = start().record(1, { name: 'first' })
    expect(rig.stats.explain(id)).toMatch(/^pending: first \(.*\) is queued/)
    const flushed = rig.processor.flush(60_000)
    while (rig.stats.snapshot().lastError === undefined) await nextTurn()
    expect(rig.stats.explain('first')).toMatch(/^pending: waiting for retry, last error: HTTP 503/)
    await flushed
    expect(rig.stats.explain(id)).toMatch(/^exported at \d{4}-/)
    rig.record(1, { name: 'second' })
    await rig.processor.flush(60_000)
    expect(rig.stats.explain('second')).toMatch(/^dropped: httpStatus at .*HTTP 500/)
    expect(rig.stats.explain('nobody')).toMatch(/^unknown: /)
  })
})

import { describe, expect, onTestFinished } from 'vitest'
import type { TracerOptions } from '../../src/index.js'
import { processState } from '../../src/context/globals.js'
import { MAX_PROCESS_BYTES } from '../../src/context/process-bytes.js'
import { tracerTest as test } from '../fixtures/tracer.js'

/** Makes the register as small as it can be: 1,000 spans, 1 MiB. */
const SMALL: TracerOptions = {
  batch: { maxQueueSize: 1_000, maxQueueBytes: 1 },
  logger: { debug: () => undefined, warn: () => undefined, error: () => undefined },
}

describe('the open spans of a tracer', () => {
  test('are a bounded number: the oldest is let go of and ends like any other', async ({ createTracer }) => {
    const tracer = createTracer(SMALL)
    const spans = Array.from({ length: 1_003 }, (_, i) => tracer.startSpan(`s${i}`))
    expect(tracer.stats()).toMatchObject({ open: 1_003, oldestOpen: { name: 's3' } })
    expect(tracer.explain('s0')).toMatch(/^open: s0 \(\w+\) has not ended: more spans are open than are kept$/)
    spans[0]?.end()
    expect(tracer.spans.map(({ name }) => name)).toEqual(['s0'])
    tracer.clear()
    await tracer.shutdown()
    expect(tracer.spans).toHaveLength(1_000)
    expect(tracer.stats()).toMatchObject({
      started: 1_003,
      ended: 1_003,
      open: 0,
      unfinished: 1_000,
      exported: 1_001,
      dropped: { queueFull: 2 },
    })
    for (const span of spans) span.end()
    expect(tracer.spans).toHaveLength(1_000)
    expect(tracer.stats()).toMatchObject({ started: 1_003, ended: 1_003, open: 0 })
  })

  test('are known to explain() when they were let go of and never ended', async ({ createTracer }) => {
    const tracer = createTracer({ ...SMALL, batch: { maxQueueSize: 100, maxExportBatchSize: 10 } })
    for (let i = 0; i < 103; i++) tracer.startSpan(`s${i}`)
    await tracer.shutdown()
    for (const name of ['s0', 's2']) expect(tracer.explain(name)).toMatch(/^dropped: queueFull/)
    expect(tracer.explain('s3')).toMatch(/^exported/)
  })

  test('hold a bounded number of bytes, whatever each of them holds', async ({ createTracer }) => {
    const before = processState.openBytes ?? 0
    const tracer = createTracer(SMALL)
    for (let i = 0; i < 100; i++) tracer.startSpan(`s${i}`, { inputs: { text: 'x'.repeat(100_000) } })
    const held = Object.values(tracer.stats().openByLibrary ?? {})[0] ?? 0
    expect(held).toBeGreaterThan(5)
    expect(held).toBeLessThan(13)
    expect(tracer.stats().open).toBe(100)
    expect((processState.openBytes ?? 0) - before).toBeLessThanOrEqual(1_048_576)
    expect((processState.openBytes ?? 0) - before).toBeGreaterThan(500_000)
    await tracer.shutdown()
    const { started, ended, open, pending, exported, dropped } = tracer.stats()
    expect({ started, ended, open, pending }).toEqual({ started: 100, ended: 100, open: 0, pending: 0 })
    expect(exported + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(100)
    expect(processState.openBytes).toBe(before)
  })

  test('hold what all tracers of the process may hold together, and the newest in any case', ({ createTracer }) => {
    const before = processState.openBytes ?? 0
    const tracer = createTracer()
    processState.openBytes = MAX_PROCESS_BYTES
    onTestFinished(() => {
      processState.openBytes = before
    })
    for (const name of ['first', 'second', 'third']) tracer.startSpan(name)
    expect(tracer.stats()).toMatchObject({ open: 3, oldestOpen: { name: 'third' } })
  })

  test('are left in any order, and none is held afterwards', ({ createTracer }) => {
    const tracer = createTracer()
    const spans = Array.from({ length: 6 }, (_, i) => tracer.startSpan(`s${i}`))
    for (const [i, oldest] of [
      [2, 's0'],
      [0, 's1'],
      [5, 's1'],
      [1, 's3'],
      [4, 's3'],
    ] as const) {
      spans[i]?.end()
      expect(tracer.stats().oldestOpen?.name).toBe(oldest)
    }
    spans[3]?.end()
    expect(tracer.stats().oldestOpen).toBeUndefined()
    tracer.startSpan('next')
    expect(tracer.stats()).toMatchObject({ open: 1, oldestOpen: { name: 'next' } })
  })
})

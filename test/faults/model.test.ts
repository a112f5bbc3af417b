import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it, vi } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { BatchSpanProcessor } from '../../src/export/batch-span-processor.js'
import { ExporterSender } from '../../src/export/exporter-sender.js'
import { SpanStats } from '../../src/export/stats.js'
import type { Outcome } from '../../src/otlp/reply.js'
import type { SpanSender } from '../../src/export/span-sender.js'
import { isBalanced, toPending } from './rig.js'
import { IS_LONG } from './long.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance', 'Date'] }))
vi.mock('node:timers', () => ({ ...globalThis }))

const SEQUENCES = IS_LONG ? 10_000 : 300

/** A small generator with a seed, so that a failing sequence can be run again. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A server as a model: it remembers which spans it acknowledged, and fails as told. */
function createModel(random: () => number): SpanSender & { acknowledged: Set<string>; fault: string } {
  const acknowledged = new Set<string>()
  function outcome(spans: readonly ReadableSpan[], fault: string): Outcome {
    if (fault === 'refuse') return { kind: 'refused', reason: 'httpStatus', detail: 'HTTP 500' }
    if (fault === 'retry' && random() < 0.7) return { kind: 'retry', afterMs: undefined, detail: 'HTTP 503' }
    if (fault === 'tooLarge' && spans.length > 2) return { kind: 'tooLarge', detail: 'HTTP 413' }
    if (fault === 'poison' && spans.some(({ name }) => name === 'poison')) return { kind: 'invalid', detail: 'HTTP 400' }
    const rejected = fault === 'partial' ? Math.floor(random() * (spans.length + 1)) : 0
    for (const span of spans.slice(0, spans.length - rejected)) acknowledged.add(span.spanContext().spanId)
    return { kind: 'accepted', rejected, message: '' }
  }
  return {
    acknowledged,
    fault: 'none',
    place: 'a test',
    toRequest(exportable) {
      const spans = exportable.map((span) => span.toReadable())
      if (spans.some(({ name }) => name === 'unwritable')) throw new TypeError('unwritable')
      return {
        bytes: spans.length * 500,
        send: ({ signal, timeoutMs }) =>
          new Promise((resolve) => {
            const delayMs = this.fault === 'hang' ? timeoutMs : Math.floor(random() * 50)
            const fault = this.fault
            const timer = setTimeout(
              () => resolve(fault === 'hang' ? { kind: 'retry', afterMs: undefined, detail: 'no reply' } : outcome(spans, fault)),
              delayMs,
            )
            signal.addEventListener('abort', () => {
              clearTimeout(timer)
              resolve({ kind: 'retry', afterMs: undefined, detail: 'aborted' })
            })
          }),
      }
    },
    shutdown: () => Promise.resolve(),
  }
}

const FAULTS = ['none', 'none', 'retry', 'refuse', 'tooLarge', 'poison', 'partial', 'hang']
const NAMES = ['work', 'work', 'work', 'work', 'work', 'work', 'poison', 'unwritable', 'throws']

describe('the queue against a model', () => {
  it(`F47 keeps the books and the flush barrier over ${SEQUENCES} random sequences`, async () => {
    for (let seed = 1; seed <= SEQUENCES; seed++) await runSequence(seed)
    expect(processState.queuedBytes).toBe(0)
  }, 120_000)
})

async function runSequence(seed: number): Promise<void> {
  const random = createRandom(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }
  const diagnostics = createDiagnostics({ logger: silent })
  let hookTotal = 0
  const stats = new SpanStats({
    diagnostics,
    onDrop: ({ count }) => {
      hookTotal += count
    },
  })
  const sender = createModel(random)
  const batch = {
    maxQueueSize: 60,
    maxQueueBytes: 25_000,
    maxExportBatchSize: pick([1, 3, 10]),
    maxExportBatchBytes: 4_000,
    scheduledDelayMs: 100,
    exportTimeoutMs: 1_000,
    retryBudgetMs: 5_000,
    concurrency: pick([1, 2, 4]),
  }
  const processor = new BatchSpanProcessor({ sender, limits: batch, stats, diagnostics, random })
  const live = new Set<string>()
  let released = 0
  let ended = 0

  function check(): void {
    const counts = stats.snapshot()
    expect(isBalanced(counts), `seed ${seed}: ${JSON.stringify(counts)}`).toBe(true)
    expect(released, `seed ${seed}`).toBe(counts.ended - counts.pending)
    expect(counts.pending, `seed ${seed}`).toBeLessThanOrEqual(batch.maxQueueSize)
  }

  function end(): void {
    const name = pick(NAMES)
    const failing =
      name === 'throws'
        ? {
            toReadable: () => {
              throw new Error('redactor')
            },
          }
        : {}
    const span = toPending({ name, bytes: 50 + Math.floor(random() * 500), onRelease: () => void released++, ...failing })
    live.add(span.spanId)
    stats.started()
    stats.ended()
    ended++
    processor.enqueue(span)
  }

  async function flush(): Promise<void> {
    const before = [...live]
    const lossesBefore = stats.losses
    const flushed = processor.flush(pick([0, 200, 120_000]))
    let outcome: boolean | undefined
    void flushed.then((value) => (outcome = value))
    while (outcome === undefined) {
      await vi.advanceTimersByTimeAsync(50)
      check()
    }
    // The barrier: true means that all of them are acknowledged and nothing was lost meanwhile.
    if (!outcome) return
    expect(stats.losses, `seed ${seed}`).toBe(lossesBefore)
    expect(
      before.filter((id) => !sender.acknowledged.has(id) && !lostIds.has(id)),
      `seed ${seed}`,
    ).toEqual([])
  }

  const lostIds = new Set<string>()
  for (let step = 0; step < 12; step++) {
    const action = random()
    if (action < 0.55) for (let i = 0; i < 1 + random() * 12; i++) end()
    else if (action < 0.7) sender.fault = pick(FAULTS)
    else if (action < 0.85) await flush()
    else await vi.advanceTimersByTimeAsync(Math.floor(random() * 400))
    for (const id of live) if (!sender.acknowledged.has(id) && stats.explain(id).startsWith('dropped')) lostIds.add(id)
    check()
  }
  const closed = processor.close(pick([0, 500, 60_000]))
  let isClosed = false
  void closed.then(() => (isClosed = true))
  while (!isClosed) await vi.advanceTimersByTimeAsync(100)
  end()
  check()
  const counts = stats.snapshot()
  expect(counts, `seed ${seed}`).toMatchObject({ pending: 0, ended })
  expect(counts.dropped.afterShutdown, `seed ${seed}`).toBe(1)
  expect(counts.dropped.internal, `seed ${seed}`).toBe(0)
  expect(hookTotal, `seed ${seed}`).toBe(Object.values(counts.dropped).reduce((sum, count) => sum + count, 0))
  expect(vi.getTimerCount(), `seed ${seed}`).toBe(0)
}

describe('ExporterSender', () => {
  const diagnostics = createDiagnostics({ logger: { debug: () => undefined, warn: () => undefined, error: () => undefined } })
  const batch = {
    maxQueueSize: 100,
    maxQueueBytes: 1_000_000,
    maxExportBatchSize: 10,
    maxExportBatchBytes: 1_000_000,
    scheduledDelayMs: 10,
    exportTimeoutMs: 50,
    retryBudgetMs: 1_000,
    concurrency: 2,
  }
  const cases: [string, SpanExporter['export'], number][] = [
    ['succeeds', (_, done) => done({ code: ExportResultCode.SUCCESS }), 5],
    ['fails', (_, done) => done({ code: ExportResultCode.FAILED }), 0],
    [
      'throws',
      () => {
        throw new Error('no')
      },
      0,
    ],
    ['never answers', () => undefined, 0],
  ]
  it.each(cases)('counts the spans of an exporter that %s', async (_, exportSpans, exported) => {
    const stats = new SpanStats({ diagnostics })
    const exporter: SpanExporter = { export: exportSpans, shutdown: () => Promise.reject(new Error('no')) }
    const processor = new BatchSpanProcessor({ sender: new ExporterSender(exporter), limits: batch, stats, diagnostics })
    for (let i = 0; i < 5; i++) {
      stats.started()
      stats.ended()
      processor.enqueue(toPending())
    }
    expect(await settle(processor.flush(60_000))).toBe(exported === 5)
    expect(stats.snapshot()).toMatchObject({ exported, pending: 0, dropped: { retryExhausted: 5 - exported } })
    await settle(processor.close(100))
  })
})

/** Moves the clock on until `work` is done. */
async function settle<T>(work: Promise<T>): Promise<T> {
  let isDone = false
  void work.finally(() => (isDone = true))
  while (!isDone) await vi.advanceTimersByTimeAsync(50)
  return work
}

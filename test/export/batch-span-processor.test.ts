import { SpanKind } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SamplingDecision, TracerProvider, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDiagnostics } from '../../src/diagnostics.js'
import { BatchSpanProcessor, type BatchSpanProcessorOptions } from '../../src/export/batch-span-processor.js'
import { ExporterSender } from '../../src/export/exporter-sender.js'
import { PendingResources } from '../../src/export/pending-resources.js'
import type { SpanSender } from '../../src/export/span-sender.js'
import { SpanStats } from '../../src/export/stats.js'
import { toExportable } from '../../src/otlp/span-writer.js'
import { createRig, isBalanced, toPending, toReadableSpan } from '../faults/rig.js'
import { startFaultServer, type FaultServer } from '../faults/start-fault-server.js'

const LIMITS = {
  maxQueueSize: 10_000,
  maxQueueBytes: 67_108_864,
  maxExportBatchSize: 512,
  maxExportBatchBytes: 1_048_576,
  scheduledDelayMs: 10,
  exportTimeoutMs: 1_000,
  retryBudgetMs: 5_000,
  concurrency: 1,
}

let server: FaultServer
beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())

function open(sender: SpanSender, { limits, ...options }: Partial<BatchSpanProcessorOptions> = {}) {
  const warnings: string[] = []
  const push = (line: string): void => void warnings.push(line)
  const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push } })
  const stats = new SpanStats({ diagnostics })
  const processor = new BatchSpanProcessor({ sender, limits: { ...LIMITS, ...limits }, stats, diagnostics, random: () => 0, ...options })
  function end(count: number, name = 'work'): string[] {
    return Array.from({ length: count }, () => {
      const span = toPending({ name })
      stats.started()
      stats.ended()
      processor.enqueue(span)
      return span.spanId
    })
  }
  return { processor, stats, warnings, end }
}

/** A sender whose requests are accepted. */
const accepting: SpanSender = {
  place: 'a test',
  toRequest: () => ({ bytes: 0, send: () => Promise.resolve({ kind: 'accepted', rejected: 0, message: '' }) }),
}

const succeed: SpanExporter['export'] = (_, done) => done({ code: ExportResultCode.SUCCESS })

describe('BatchSpanProcessor', () => {
  it("delivers the sampled spans of the SDK's own provider and counts the others", async () => {
    await server.set({})
    const rig = createRig({ serverUrl: server.url })
    let started = 0
    const counting = {
      onStart: () => rig.stats.started(),
      onEnd: () => rig.stats.ended(),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    const provider = new TracerProvider({
      sampler: { shouldSample: () => ({ decision: started++ === 1 ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED }) },
      spanProcessors: [counting, rig.processor],
    })
    const tracer = provider.getTracer('host')
    for (const name of ['one', 'recorded only', 'three']) tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes: { name } }).end()
    await provider.forceFlush()
    expect((await server.seen()).uniqueSpans).toBe(2)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 2, pending: 0, dropped: { unsampled: 1 } })
    expect(isBalanced(rig.stats.snapshot())).toBe(true)
    await provider.shutdown()
    tracer.startSpan('late').end()
    expect(rig.stats.snapshot().dropped.afterShutdown).toBe(1)
    rig.transport.close()
  })

  it('bounds spans that are exportable as they are by the size of their attributes', async () => {
    const { processor, stats } = open(accepting, { limits: { ...LIMITS, maxQueueBytes: 5_000 } })
    stats.started()
    stats.ended()
    processor.onEnd({ ...toReadableSpan('large', 'ab'.repeat(8), 5_000), attributes: { texts: ['x'.repeat(2_500), 'x'.repeat(2_500)] } })
    expect(stats.snapshot().dropped.tooLarge).toBe(1)
    await processor.shutdown()
  })

  it('offers what is given up in the order in which it ended', async () => {
    let refuse: () => void = () => undefined
    let sends = 0
    const hanging: SpanSender = {
      place: 'a test',
      toRequest: () => ({
        bytes: 0,
        send: ({ signal }) =>
          new Promise((resolve) => {
            const retry = (detail: string): void => resolve({ kind: 'retry', afterMs: undefined, detail })
            if (sends++ === 0) refuse = () => retry('HTTP 503')
            signal.addEventListener('abort', () => retry('aborted'))
          }),
      }),
    }
    const offered: string[] = []
    const { processor, stats, end } = open(hanging, {
      limits: { ...LIMITS, maxExportBatchSize: 2, concurrency: 3 },
      rescue(spans) {
        offered.push(...spans.map((span) => span.spanContext().spanId))
        return new Set(spans.slice(0, 3))
      },
    })
    const ended = end(9)
    while (sends < 3) await new Promise((resolve) => setImmediate(resolve))
    // The oldest batch waits for its next attempt while newer ones are under way.
    refuse()
    while (stats.lastError === undefined) await new Promise((resolve) => setImmediate(resolve))
    processor.giveUp()
    expect(offered).toEqual(ended)
    // What was kept for the next start is neither delivered nor lost.
    expect(stats.snapshot()).toMatchObject({ pending: 3, dropped: { shutdownTimeout: 6 } })
    expect(await processor.close(0)).toBe(false)
  })
})

describe('a span that is handed over again, as where the stack ended in the middle', () => {
  it('is delivered once, and counted once', async () => {
    const { processor, stats } = open(accepting)
    const span = toPending({ name: 'again' })
    stats.started()
    stats.ended()
    for (let i = 0; i < 3; i++) processor.enqueue(span)
    expect(await processor.flush(60_000)).toBe(true)
    processor.enqueue(span)
    expect(await processor.close(60_000)).toBe(true)
    expect(stats.snapshot()).toMatchObject({ ended: 1, exported: 1, pending: 0 })
  })

  it('stays lost where it was refused before, also when there is room now', async () => {
    const { processor, stats, end } = open(accepting, { limits: { ...LIMITS, maxQueueSize: 1 } })
    end(1)
    const refused = toPending({ name: 'refused' })
    stats.started()
    stats.ended()
    processor.enqueue(refused)
    expect(await processor.flush(60_000)).toBe(false)
    processor.enqueue(refused)
    await processor.close(60_000)
    expect(stats.snapshot()).toMatchObject({ ended: 2, exported: 1, pending: 0, dropped: { queueFull: 1 } })
  })
})

describe('closing that fails by itself', () => {
  it.each([
    [new RangeError('no stack'), 'RangeError'],
    ['text', 'string'],
  ])('gives up what is left and says why: %s', async (thrown, named) => {
    let isBroken = false
    const now = (): number => {
      if (isBroken) throw thrown
      return 0
    }
    const { processor, stats, warnings, end } = open(accepting, { now })
    end(2)
    isBroken = true
    expect(await processor.close(60_000)).toBe(false)
    expect(stats.snapshot()).toMatchObject({ ended: 2, exported: 0, pending: 0, dropped: { internal: 2 } })
    expect(warnings.join()).toContain(`they could not be given up in order: ${named}`)
  })
})

describe('the exporter of the user', () => {
  it('has the time that delivery left', async () => {
    const never = (): Promise<void> => new Promise(() => undefined)
    let nowMs = 0
    const { processor, stats } = open({ ...accepting, forceFlush: never }, { now: () => nowMs })
    const flushed = processor.flush(600_000)
    nowMs = 599_990
    expect(await flushed).toBe(false)
    expect(stats.lastError).toContain('took too long')
  })

  it('has all of it where nothing was to be delivered, whatever the clock says', async () => {
    const forceFlush = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
    const { processor } = open({ ...accepting, forceFlush }, { now: () => 1_000_000 })
    expect(await processor.flush(600_000)).toBe(true)
  })

  it('flushes with every flush and shuts down once', async () => {
    const calls: string[] = []
    const note = (call: string): Promise<void> => {
      calls.push(call)
      return Promise.resolve()
    }
    const exporter: SpanExporter = { export: succeed, forceFlush: () => note('forceFlush'), shutdown: () => note('shutdown') }
    const { processor, end } = open(new ExporterSender(exporter))
    end(3)
    expect(await processor.flush(1_000)).toBe(true)
    expect(await processor.drain(1_000)).toBe(true)
    expect(await Promise.all([processor.close(1_000), processor.close(1_000), processor.shutdown()])).toEqual([true, true, undefined])
    expect(calls).toEqual(['forceFlush', 'forceFlush', 'shutdown'])
  })

  it('may be without forceFlush', async () => {
    const { processor, end } = open(new ExporterSender({ export: succeed, shutdown: () => Promise.resolve() }))
    end(1)
    expect(await processor.flush(1_000)).toBe(true)
    expect(await processor.close(1_000)).toBe(true)
  })

  it.each([
    [
      'throws',
      (): Promise<void> => {
        throw new RangeError('no')
      },
      'RangeError',
    ],
    ['rejects', (): Promise<void> => Promise.reject(new Error('no')), 'failed'],
    ['rejects with no error', (): Promise<void> => Promise.reject('no'), 'failed: string'],
    ['never answers', (): Promise<void> => new Promise(() => undefined), 'took too long'],
  ])('makes a flush false, with one warning, when it %s', async (_, act, text) => {
    const { processor, stats, warnings, end } = open(new ExporterSender({ export: succeed, forceFlush: act, shutdown: act }))
    end(2)
    expect(await processor.flush(50)).toBe(false)
    expect(stats.snapshot()).toMatchObject({ exported: 2, lastError: expect.stringContaining(text) })
    expect(await processor.close(50)).toBe(false)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(text)
  })

  it('has all the time it needs with Infinity', async () => {
    const warned: string[] = []
    const onWarning = ({ name }: Error): void => void warned.push(name)
    process.on('warning', onWarning)
    const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30))
    const { processor, end } = open(new ExporterSender({ export: succeed, forceFlush: later, shutdown: later }))
    end(1)
    expect(await processor.flush(Number.POSITIVE_INFINITY)).toBe(true)
    expect(await processor.close(Number.POSITIVE_INFINITY)).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    process.removeListener('warning', onWarning)
    expect(warned).toEqual([])
  })
})

describe('a resource with pending attributes', () => {
  function spanWith(pod: Promise<string>): ReadableSpan {
    return { ...toReadableSpan('work', 'ab'.repeat(8), 10), resource: resourceFromAttributes({ 'service.name': 'x', 'k8s.pod.name': pod }) }
  }

  function openCollecting(exportTimeoutMs: number) {
    const pods: unknown[] = []
    const collect: SpanExporter['export'] = (spans, done) => {
      pods.push(
        ...spans.map(({ resource }) => (resource.asyncAttributesPending === true ? 'pending' : resource.attributes['k8s.pod.name'])),
      )
      succeed(spans, done)
    }
    const exporter = new ExporterSender({ export: collect, shutdown: () => Promise.resolve() })
    return { pods, ...open(exporter, { limits: { ...LIMITS, exportTimeoutMs } }) }
  }

  it('is waited for before its spans are written', async () => {
    let found: (name: string) => void = () => undefined
    const span = spanWith(new Promise((resolve) => (found = resolve)))
    const { processor, stats, pods } = openCollecting(5_000)
    stats.started()
    stats.ended()
    processor.onEnd(span)
    const flushed = processor.flush(5_000)
    expect(await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))])).toBe('waiting')
    found('pod-7')
    expect(await flushed).toBe(true)
    expect(pods).toEqual(['pod-7'])
    await processor.shutdown()
  })

  it('holds its spans up no longer than the export timeout, and only once', async () => {
    let waits = 0
    const spans = ['one', 'other'].map((name) => {
      const { resource, ...span } = spanWith(new Promise(() => undefined))
      const waitForAsyncAttributes = (): Promise<void> => {
        waits++
        return new Promise(() => undefined)
      }
      return { ...span, name, resource: Object.assign(Object.create(resource) as typeof resource, { waitForAsyncAttributes }) }
    })
    const { processor, stats, pods } = openCollecting(50)
    for (const at of [0, 0, 1, 1, 0]) {
      stats.started()
      stats.ended()
      processor.onEnd(spans[at] as ReadableSpan)
      expect(await processor.flush(60_000)).toBe(true)
    }
    expect([pods, waits]).toEqual([Array(5).fill('pending'), 2])
    await processor.shutdown()
  })

  it('is not waited for once the tracer gives up', async () => {
    const span = spanWith(new Promise(() => undefined))
    const { processor, stats, pods } = openCollecting(60_000)
    stats.started()
    stats.ended()
    processor.onEnd(span)
    expect(await processor.close(20)).toBe(false)
    expect(stats.snapshot()).toMatchObject({ pending: 0, dropped: { shutdownTimeout: 1 } })
    expect(pods).toEqual([])
    const controller = new AbortController()
    const settled = new PendingResources().settle([toExportable(span)], 60_000, controller.signal)
    controller.abort()
    await settled
  })
})

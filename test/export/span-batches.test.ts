import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { DropReport } from '../../src/config/resolved.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import type { PendingSpan } from '../../src/export/pending-span.js'
import { SpanBatches, type SpanBatchesOptions } from '../../src/export/span-batches.js'
import { SpanStats } from '../../src/export/stats.js'
import type { Outcome } from '../../src/otlp/reply.js'
import { isBalanced, type SpanShape, toPending } from '../faults/rig.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
vi.mock('node:timers', () => ({ ...globalThis }))
beforeEach(() => void vi.clearAllTimers())

const LIMITS: SpanBatchesOptions['limits'] = {
  maxQueueSize: 10_000,
  maxQueueBytes: 67_108_864,
  maxExportBatchSize: 512,
  maxExportBatchBytes: 1_048_576,
  scheduledDelayMs: 1_000,
  exportTimeoutMs: 1_000,
  retryBudgetMs: 60_000,
  concurrency: 1,
}

const ACCEPTED: Outcome = { kind: 'accepted', rejected: 0, message: '' }
const INVALID: Outcome = { kind: 'invalid', detail: 'HTTP 400' }
const TOO_LARGE: Outcome = { kind: 'tooLarge', detail: 'HTTP 413' }

interface Opened extends Partial<Omit<SpanBatchesOptions, 'limits'>> {
  readonly limits?: Partial<SpanBatchesOptions['limits']>
  /** What the server says to the spans of these names. */
  readonly reply?: (names: readonly string[], bytes: number) => Outcome | Promise<Outcome>
  readonly bytesPerSpan?: () => number
  /** Whether a span can be written. */
  readonly isWritable?: (name: string) => boolean
}

function open({ limits, reply = () => ACCEPTED, bytesPerSpan = () => 500, isWritable = () => true, ...options }: Opened = {}) {
  /** The names in each request. */
  const sent: string[][] = []
  const said: string[] = []
  const warned: string[] = []
  const drops: DropReport[] = []
  const logger = { debug: (line: string) => said.push(line), warn: (line: string) => warned.push(line), error: () => undefined }
  const diagnostics = createDiagnostics({ verbose: true, logger })
  const stats = new SpanStats({ diagnostics, onDrop: (report) => drops.push(report) })
  const batches = new SpanBatches({
    sender: {
      place: 'a test',
      toRequest(spans) {
        const names = (spans as readonly PendingSpan[]).map((span) => span.name)
        for (const span of spans) span.toReadable()
        if (!names.every(isWritable)) throw new TypeError('cannot be written')
        const bytes = names.length * bytesPerSpan()
        return {
          bytes,
          async send() {
            sent.push(names)
            return reply(names, bytes)
          },
        }
      },
    },
    limits: { ...LIMITS, ...limits },
    stats,
    diagnostics,
    now: () => performance.now(),
    random: () => 0,
    ...options,
  })
  const add = (name: string, shape: SpanShape = {}): PendingSpan => {
    const span = toPending({ name, ...shape })
    stats.started()
    stats.ended()
    batches.add(span)
    return span
  }
  const addMany = (count: number, name = 'span'): void => {
    for (let at = 0; at < count; at++) add(`${name}${at}`)
  }
  return { batches, stats, sent, said, warned, drops, add, addMany, sizes: () => sent.map(({ length }) => length) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** So much time, and turns of the event loop. */
async function pass(ms = 0): Promise<void> {
  for (let at = 0; at < 5; at++) await turn()
  await vi.advanceTimersByTimeAsync(ms)
  for (let at = 0; at < 5; at++) await turn()
}

/** Delivers all that was added. */
const flush = ({ batches }: Pick<ReturnType<typeof open>, 'batches'>): Promise<boolean> => batches.pump.flush(60_000)

const unbuildable = (): ReadableSpan => {
  throw new RangeError('a redactor')
}

describe('when a batch goes', () => {
  it('goes after the delay, counted from its first span', async () => {
    const { sent, add } = open()
    add('a')
    await pass(600)
    add('b')
    await pass(399)
    expect(sent).toEqual([])
    await pass(1)
    expect(sent).toEqual([['a', 'b']])
    await pass(5_000)
    add('c')
    await pass(999)
    expect(sent).toHaveLength(1)
    await pass(1)
    expect(sent[1]).toEqual(['c'])
  })

  it.each<[string, Partial<SpanBatchesOptions['limits']>]>([
    ['spans', { maxExportBatchSize: 3 }],
    ['bytes', { maxExportBatchBytes: 1_500 }],
  ])('goes at once when it is full of %s', async (_, limits) => {
    const { sent, addMany } = open({ limits })
    addMany(2)
    await pass()
    expect(sent).toEqual([])
    addMany(5, 'more')
    await pass()
    expect(sent).toEqual([
      ['span0', 'span1', 'more0'],
      ['more1', 'more2', 'more3'],
    ])
  })

  it.each([
    ['alone', 1, 5_000, 1_000],
    ['among 200 tracers of one address', 200, 5_000, 1_000],
    ['among 400', 400, 5_000, 2_000],
    ['among 5,000: no longer than the setting', 5_000, 5_000, 5_000],
    ['among 5,000, where the delay was given', 5_000, undefined, 1_000],
    ['among 5,000, where a longer delay was given', 5_000, 500, 1_000],
  ])('waits for more spans %s', (_, sharers, mostDelayMs, delayMs) => {
    const { batches, add } = open({
      sender: { place: 'a test', sharers, toRequest: () => ({ bytes: 0, send: () => Promise.resolve(ACCEPTED) }) },
      limits: mostDelayMs === undefined ? {} : { mostDelayMs },
    })
    add('a')
    expect(batches.readyInMs()).toBe(delayMs)
  })

  it('has a clock of its own', async () => {
    const opened = open({ now: undefined })
    opened.add('a')
    expect(await flush(opened)).toBe(true)
  })

  it('goes at once for a flush, together with what was added after it; what is added later waits again', async () => {
    const { batches, sent, add } = open()
    add('a')
    const flushed = batches.pump.flush(60_000)
    add('b')
    expect(await flushed).toBe(true)
    add('c')
    await pass()
    expect(sent).toEqual([['a', 'b']])
  })

  it.each<[string, Opened]>([
    ['without batches', { disableBatch: true }],
    ['with batches of no span', { limits: { maxExportBatchSize: 0 } }],
  ])('holds one span %s', async (_, options) => {
    const { sizes, addMany } = open(options)
    addMany(3)
    await pass()
    expect(sizes()).toEqual([1, 1, 1])
  })

  it('holds what fits, as it is learned from spans that are larger than was estimated, or no longer are', async () => {
    // Estimated at 500 bytes each.
    let bytes = 5_000
    const opened = open({ bytesPerSpan: () => bytes, limits: { maxExportBatchBytes: 100_000 } })
    const sizesOf = async (count: number): Promise<readonly number[]> => {
      const before = opened.sent.length
      opened.addMany(count)
      expect(await flush(opened)).toBe(true)
      return opened.sizes().slice(before)
    }
    expect((await sizesOf(400)).slice(0, 2)).toEqual([13, 12])
    expect(await sizesOf(400)).toEqual(Array(20).fill(20))
    bytes = 500
    await sizesOf(4_000)
    expect(Math.max(...(await sizesOf(400)))).toBeGreaterThan(180)
    // Smaller than estimated: no more goes into one than was estimated to fit, and what has no size tells nothing.
    bytes = 50
    await sizesOf(2_000)
    expect(await sizesOf(400)).toEqual([200, 200])
    bytes = 0
    await sizesOf(2_000)
    expect(await sizesOf(400)).toEqual([200, 200])
  })

  it('waits for what its sender and its resource need, and writes nothing that was given up meanwhile', async () => {
    let go: (() => void)[] = []
    const later = (): Promise<void> => new Promise((resolve) => go.push(resolve))
    const toRequest = vi.fn(() => ({ bytes: 0, send: () => Promise.resolve(ACCEPTED) }))
    const opened = open({ sender: { place: 'a test', ready: later, toRequest } })
    const resource = { ...toPending().resource, asyncAttributesPending: true, waitForAsyncAttributes: later }
    const add = (): void => {
      opened.stats.started()
      opened.stats.ended()
      opened.batches.add({ ...toPending(), resource })
    }
    add()
    const flushed = flush(opened)
    for (let step = 0; step < 2; step++) {
      await pass()
      expect([go.length, toRequest.mock.calls.length]).toEqual([1, 0])
      go = go.flatMap((resolve) => resolve() ?? [])
    }
    expect(await flushed).toBe(true)
    add()
    await pass(1_000)
    opened.batches.pump.giveUp()
    for (const resolve of go) resolve()
    await pass()
    expect(toRequest).toHaveBeenCalledTimes(1)
    expect(opened.batches.take()).toBeUndefined()
  })

  it('takes a span once that is added again after it was cut short', async () => {
    let released = 0
    const opened = open()
    const span = opened.add('a', { onRelease: () => released++ })
    opened.batches.add(span)
    const halfWay = toPending({ name: 'b' })
    opened.stats.started()
    opened.stats.ended()
    opened.batches.queue.add(halfWay)
    opened.batches.add(halfWay)
    expect(await flush(opened)).toBe(true)
    expect([opened.sent, opened.stats.snapshot().exported, opened.batches.pump.barrier.unsettled]).toEqual([[['a', 'b']], 2, 0])
    span.stage = 'settled'
    opened.batches.add(span)
    await pass(2_000)
    expect([opened.sent.length, released]).toEqual([1, 2])
  })
})

describe('what a reply means', () => {
  it('counts what the server rejected, from the end, with what it says', async () => {
    const opened = open({ reply: () => ({ kind: 'accepted', rejected: 2, message: 'x'.repeat(600) }) })
    opened.addMany(5)
    expect(await flush(opened)).toBe(false)
    expect(opened.stats.snapshot()).toMatchObject({ exported: 3, pending: 0, dropped: { serverRejected: 2 } })
    const detail = `the server rejected 2 of 5 spans: ${'x'.repeat(500)}`
    expect(opened.drops).toEqual([{ reason: 'serverRejected', count: 2, detail }])
    expect([opened.stats.lastError, opened.batches.explain('span4')]).toEqual([detail, undefined])
    expect(opened.stats.explain('span2')).toMatch(/^exported/)
    expect(opened.stats.explain('span3')).toMatch(/^dropped: serverRejected/)
    expect(opened.said).toContainEqual(expect.stringMatching(/3 spans arrived at a test$/))
  })

  it.each([1, 7])('counts no more as rejected than there are: %i of one', async (rejected) => {
    const opened = open({ reply: () => ({ kind: 'accepted', rejected, message: '' }) })
    opened.add('a')
    expect(await flush(opened)).toBe(false)
    expect(opened.stats.snapshot()).toMatchObject({ exported: 0, pending: 0, dropped: { serverRejected: 1 } })
    const detail = `the server rejected ${rejected} of 1 spans`
    expect([opened.drops[0]?.detail, opened.stats.lastError]).toEqual([detail, detail])
  })

  it('passes on what the server says though it took everything', async () => {
    const message = 'y'.repeat(600)
    const opened = open({ reply: (names) => ({ kind: 'accepted', rejected: 0, message: names.includes('a') ? message : '' }) })
    opened.add('b')
    expect(await flush(opened)).toBe(true)
    expect(opened.warned).toEqual([])
    opened.add('a')
    expect(await flush(opened)).toBe(true)
    expect(opened.warned).toEqual([expect.stringMatching(/the server accepted all spans and says: y{500}$/)])
    expect(opened.stats.lastError).toBeUndefined()
    expect(opened.said).toContainEqual(expect.stringMatching(/sending 1 span \(500 bytes\) to a test$/))
  })

  it('loses what is refused, and says why', async () => {
    const opened = open({ reply: () => ({ kind: 'refused', reason: 'badReply', detail: 'HTML came back' }) })
    opened.addMany(2)
    expect(await flush(opened)).toBe(false)
    expect(opened.drops).toEqual([{ reason: 'badReply', count: 2, detail: 'HTML came back' }])
    expect(opened.stats.lastError).toBe('HTML came back')
  })

  it('loses what was tried for as long as it may be, and gives back its room', async () => {
    const opened = open({ limits: { retryBudgetMs: 0, maxQueueBytes: 1_000 }, reply: () => ({ ...INVALID, kind: 'retry', afterMs: 0 }) })
    opened.addMany(2)
    expect(opened.batches.queue.refusal(500, 2)).toBe('bytesFull')
    expect(await flush(opened)).toBe(false)
    expect(opened.drops).toEqual([{ reason: 'retryExhausted', count: 2, detail: 'HTTP 400' }])
    expect(opened.batches.queue.refusal(1_000, 1)).toBeUndefined()
  })

  it('cuts what the server cannot read until the span at fault is found', async () => {
    const opened = open({ reply: (names) => (names.includes('span5') ? INVALID : ACCEPTED) })
    opened.addMany(9)
    expect(await flush(opened)).toBe(false)
    expect(opened.sent.map((names) => names.join(' ').replaceAll('span', ''))).toEqual([
      '0 1 2 3 4 5 6 7 8',
      '0 1 2 3 4',
      '5 6 7 8',
      '5 6',
      '5',
      '6',
      '7 8',
    ])
    expect(opened.drops).toEqual([{ reason: 'httpStatus', count: 1, detail: 'HTTP 400' }])
    expect(opened.stats.snapshot()).toMatchObject({ exported: 8, pending: 0 })
  })

  it('spends 32 requests on it, and a minute none where nothing of it was accepted', async () => {
    const opened = open({ reply: () => INVALID })
    opened.addMany(512)
    expect(await flush(opened)).toBe(false)
    expect([opened.sent.length, opened.stats.snapshot().dropped.httpStatus]).toEqual([33, 512])
    await pass(59_999)
    opened.addMany(4)
    expect(await flush(opened)).toBe(false)
    expect(opened.sizes().slice(33)).toEqual([4])
    await pass(1)
    opened.addMany(4)
    expect(await flush(opened)).toBe(false)
    expect(opened.sizes().slice(34)).toEqual([4, 2, 1, 1, 2, 1, 1])
    expect(isBalanced(opened.stats.snapshot())).toBe(true)
  })

  it('goes on cutting where some of it was accepted', async () => {
    const opened = open({ reply: (names) => (names.join() === 'good0' ? ACCEPTED : INVALID) })
    opened.add('good0')
    opened.addMany(511)
    expect(await flush(opened)).toBe(false)
    const before = opened.sent.length
    expect(before).toBe(33)
    opened.addMany(2)
    expect(await flush(opened)).toBe(false)
    expect(opened.sizes().slice(before)).toEqual([2, 1, 1])
  })

  it('sends half as much at once after a batch that was too large', async () => {
    const limit = (_: readonly string[], bytes: number): Outcome => (bytes > 10_000 ? TOO_LARGE : ACCEPTED)
    const opened = open({ reply: limit, limits: { maxExportBatchBytes: 20_000 } })
    opened.addMany(40)
    expect(await flush(opened)).toBe(true)
    expect([opened.sizes(), opened.stats.lastError]).toEqual([[40, 20, 20], 'HTTP 413'])
    opened.addMany(40)
    expect(await flush(opened)).toBe(true)
    expect(opened.sizes().slice(3)).toEqual([20, 20])
  })

  it('sends two spans one by one after they were too large together', async () => {
    const opened = open({ reply: (names) => (names.length > 1 ? TOO_LARGE : ACCEPTED) })
    opened.addMany(2)
    await flush(opened)
    opened.addMany(2)
    await flush(opened)
    expect(opened.sizes()).toEqual([2, 1, 1, 1, 1])
  })

  it('sends no more at once than a single span that was too large by itself', async () => {
    let bytes = 5_000
    const opened = open({ reply: (names) => (names[0] === 'large' ? TOO_LARGE : ACCEPTED), bytesPerSpan: () => bytes })
    opened.add('large', { bytes: 4_600 })
    expect(await flush(opened)).toBe(false)
    expect(opened.drops).toEqual([{ reason: 'tooLarge', count: 1, detail: 'HTTP 413' }])
    bytes = 500
    opened.addMany(8)
    await flush(opened)
    opened.addMany(20)
    await flush(opened)
    expect(opened.sizes()).toEqual([1, 8, 10, 10])
  })
})

describe('what cannot be sent', () => {
  it.each([
    [67_108_864, { exported: 1 }, undefined],
    [67_108_865, { exported: 0, requests: 0 }, { reason: 'tooLarge', count: 1, detail: 'the span takes 67108865 bytes' }],
  ])('a span of %i bytes, whatever the setting', async (bytesPerSpan, stats, drop) => {
    const opened = open({ bytesPerSpan: () => bytesPerSpan, limits: { maxExportBatchBytes: 1e9 } })
    opened.add('a')
    expect(await flush(opened)).toBe(drop === undefined)
    expect(opened.stats.snapshot()).toMatchObject(stats)
    expect([opened.drops[0], opened.sent.length]).toEqual([drop, drop === undefined ? 1 : 0])
  })

  it('is no span that is larger than the setting by itself; together they are cut', async () => {
    const opened = open({ bytesPerSpan: () => 3_000, limits: { maxExportBatchBytes: 2_000 } })
    opened.addMany(4)
    expect(await flush(opened)).toBe(true)
    expect(opened.sizes()).toEqual([1, 1, 1, 1])
    const exact = open({ bytesPerSpan: () => 1_000, limits: { maxExportBatchBytes: 2_000 } })
    exact.addMany(2)
    expect(await flush(exact)).toBe(true)
    expect(exact.sizes()).toEqual([2])
  })

  it('a span that cannot be built goes alone', async () => {
    const opened = open()
    opened.add('a')
    opened.add('b', { toReadable: unbuildable })
    opened.add('c')
    expect(await flush(opened)).toBe(false)
    expect(opened.sent).toEqual([['a', 'c']])
    const detail = 'building the span failed, for example in a redactor'
    expect(opened.drops).toEqual([{ reason: 'unserializable', count: 1, detail }])
    opened.add('d', { toReadable: unbuildable })
    expect(await flush(opened)).toBe(false)
    expect([opened.sent.length, opened.stats.snapshot()]).toMatchObject([1, { exported: 2, pending: 0, dropped: { unserializable: 2 } }])
    expect(opened.stats.lastError, 'the server had no part in it').toBeUndefined()
  })

  it('a span that cannot be written goes alone', async () => {
    const opened = open({ isWritable: (name) => name !== 'span2' })
    opened.addMany(4)
    expect(await flush(opened)).toBe(false)
    expect(opened.sent).toEqual([['span0', 'span1'], ['span3']])
    expect(opened.drops).toEqual([{ reason: 'unserializable', count: 1, detail: 'the span cannot be written as OTLP' }])
  })
})

describe('what is given up', () => {
  const hanging = (): Promise<Outcome> => new Promise(() => undefined)

  it('is counted with the last trouble, or without any', async () => {
    const opened = open({ reply: () => ({ kind: 'retry', afterMs: undefined, detail: 'HTTP 503.' }) })
    opened.add('a')
    opened.batches.pump.giveUp()
    opened.add('b')
    await pass(1_000)
    opened.batches.pump.giveUp()
    expect(opened.drops.map(({ detail }) => detail)).toEqual(['there was no time left to send them', 'HTTP 503'])
    expect(opened.warned).toHaveLength(1)
  })

  it('is told by the caller at the end of the process', async () => {
    const { batches, stats, warned, addMany } = open({ reply: hanging })
    addMany(3)
    await pass(1_000)
    addMany(2)
    expect([batches.giveUpAtExit(), batches.giveUpAtExit(), warned]).toEqual([5, 0, []])
    expect(stats.snapshot()).toMatchObject({ pending: 0, dropped: { shutdownTimeout: 5 } })
    addMany(1)
    batches.pump.giveUp()
    expect(warned).toHaveLength(1)
  })

  it('is lost where keeping it fails, and nothing is offered where nothing is left', async () => {
    const rescue = vi.fn(() => {
      throw new RangeError('a full disk')
    })
    const { batches, stats, warned, add } = open({ rescue })
    batches.pump.giveUp()
    expect(rescue).not.toHaveBeenCalled()
    add('a')
    batches.pump.giveUp()
    expect(stats.snapshot()).toMatchObject({ pending: 0, dropped: { shutdownTimeout: 1 } })
    expect(warned[0]).toMatch(/keeping spans for the next start failed: RangeError$/)
    await pass()
  })

  it('is offered but for spans that cannot be built', () => {
    const { batches, stats, add } = open({ rescue: (spans) => new Set(spans) })
    add('a')
    add('b', { toReadable: unbuildable })
    add('c')
    expect(batches.giveUpAtExit()).toBe(1)
    expect(stats.snapshot()).toMatchObject({ pending: 2, dropped: { shutdownTimeout: 1 } })
    expect(stats.explain('b')).toMatch(/^dropped/)
  })

  it('frees each span once; one that cannot be freed is told', () => {
    const freed: string[] = []
    const { batches, warned, add } = open()
    const throwing = (thrown: unknown) => (): void => {
      freed.push('b')
      throw thrown
    }
    add('a', { onRelease: () => freed.push('a') })
    add('b', { onRelease: throwing('text') })
    add('c', { onRelease: () => freed.push('c') })
    batches.pump.giveUp()
    expect(freed).toEqual(['a', 'b', 'c'])
    expect(warned).toContainEqual(expect.stringMatching(/freeing a span failed: string$/))
    expect([batches.queue.length, batches.pump.barrier.unsettled]).toEqual([0, 0])
  })
})

describe('explain', () => {
  it('says where a span stands, by name or id', async () => {
    const answers: ((outcome: Outcome) => void)[] = []
    const opened = open({ reply: () => new Promise((resolve) => answers.push(resolve)), limits: { maxExportBatchSize: 2 } })
    const { batches, addMany, add } = opened
    addMany(2)
    await pass()
    const { spanId } = add('late')
    const explained = (): (string | undefined)[] => ['span0', 'span1', spanId].map((wanted) => batches.explain(wanted))
    const queued = `pending: late (${spanId}) is queued behind 2 spans under way`
    expect(explained()).toEqual(['pending: being sent', 'pending: being sent', queued])
    answers[0]?.({ kind: 'retry', afterMs: undefined, detail: 'HTTP 503' })
    await pass()
    const waiting = 'pending: waiting for retry, last error: HTTP 503'
    expect(explained()).toEqual([waiting, waiting, queued])
    await pass(500)
    const again = 'pending: being sent again, last error: HTTP 503'
    expect(explained()).toEqual([again, again, queued])
    answers[1]?.(INVALID)
    await pass()
    expect(explained()).toEqual(['pending: being sent', 'pending: about to be sent', queued])
    expect(batches.explain('other')).toBeUndefined()
  })
})

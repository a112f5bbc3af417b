import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { afterEach, describe, expect, it } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { MAX_PROCESS_BYTES } from '../../src/context/process-bytes.js'
import type { PendingSpan } from '../../src/export/pending-span.js'
import { SpanQueue } from '../../src/export/span-queue.js'

function spanOf(estimatedBytes: number, name = 'work'): PendingSpan {
  return {
    name,
    spanId: 'ab'.repeat(8),
    estimatedBytes,
    resource: resourceFromAttributes({}),
    instrumentationScope: { name: 'test' },
    toReadable: () => {
      throw new Error('not asked for')
    },
  }
}

function fill(queue: SpanQueue, ...sizes: number[]): PendingSpan[] {
  const spans = sizes.map((bytes, at) => spanOf(bytes, `${at}`))
  for (const span of spans) queue.add(span)
  return spans
}

afterEach(() => {
  processState.queuedBytes = 0
})

describe('SpanQueue', () => {
  it('has room for as many bytes as it may hold, those of spans under way included', () => {
    const queue = new SpanQueue({ maxQueueSize: 10, maxQueueBytes: 1_000 })
    expect([queue.refusal(1_000, 0), queue.refusal(1_001, 0)]).toEqual([undefined, 'tooLarge'])
    const [first] = fill(queue, 600) as [PendingSpan]
    expect([queue.refusal(400, 1), queue.refusal(401, 1)]).toEqual([undefined, 'bytesFull'])
    queue.take(1, 1_000)
    expect([queue.refusal(400, 1), queue.refusal(401, 1)]).toEqual([undefined, 'bytesFull'])
    queue.settle(first)
    expect(queue.refusal(1_000, 1)).toBeUndefined()
  })

  it('counts the spans of every tracer of the process, and takes the first of an empty queue all the same', () => {
    const queue = new SpanQueue({ maxQueueSize: 10, maxQueueBytes: Number.POSITIVE_INFINITY })
    const [other] = fill(new SpanQueue({ maxQueueSize: 1, maxQueueBytes: MAX_PROCESS_BYTES }), MAX_PROCESS_BYTES - 10) as [PendingSpan]
    expect([queue.refusal(10, 1), queue.refusal(11, 1), queue.refusal(11, 0)]).toEqual([undefined, 'bytesFull', undefined])
    expect(queue.refusal(MAX_PROCESS_BYTES, 0)).toBeUndefined()
    expect(queue.refusal(MAX_PROCESS_BYTES + 1, 0)).toBe('tooLarge')
    queue.settle(other)
    expect(processState.queuedBytes).toBe(0)
  })

  it('is full with as many unsettled spans as it may hold', () => {
    const queue = new SpanQueue({ maxQueueSize: 2, maxQueueBytes: 1_000 })
    expect([queue.refusal(1, 1), queue.refusal(1, 2), queue.refusal(1, 3)]).toEqual([undefined, 'queueFull', 'queueFull'])
  })

  it('gives spans back in their order, as many as fit and at least one', () => {
    const queue = new SpanQueue({ maxQueueSize: 10, maxQueueBytes: 1_000 })
    const spans = fill(queue, 100, 50, 50, 1, 300, 7)
    expect([queue.length, queue.bytes, spans[0]?.stage]).toEqual([6, 508, 'queued'])
    expect(queue.take(2, 1_000)).toEqual(spans.slice(0, 2))
    expect([queue.length, queue.bytes]).toEqual([4, 358])
    expect(queue.take(10, 51)).toEqual(spans.slice(2, 4))
    expect(queue.take(10, 1)).toEqual(spans.slice(4, 5))
    expect(queue.find(({ name }) => name === '4')).toBeUndefined()
    expect(queue.find(({ name }) => name === '5')).toBe(spans[5])
    expect(queue.take(10, Number.POSITIVE_INFINITY)).toEqual(spans.slice(5))
    expect([queue.length, queue.bytes, queue.take(10, 1_000)]).toEqual([0, 0, []])
  })

  it('keeps its order over thousands of spans that come while others go', () => {
    const queue = new SpanQueue({ maxQueueSize: 10_000, maxQueueBytes: 1_000_000 })
    const [added, taken]: PendingSpan[][] = [[], []]
    for (let round = 0; round < 200; round++) {
      added?.push(...fill(queue, ...Array.from({ length: 50 }, (_, at) => at + 1)))
      taken?.push(...queue.take(40, 1_000_000))
    }
    expect([queue.length, queue.bytes]).toEqual([2_000, added?.slice(8_000).reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0)])
    taken?.push(...queue.take(10_000, 1_000_000))
    expect(taken?.every((span, at) => span === added?.[at])).toBe(true)
    expect([taken?.length, queue.length, queue.bytes]).toEqual([10_000, 0, 0])
  })

  it('keeps no place for what was taken, in a queue that is never empty', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const queue = new SpanQueue({ maxQueueSize: 10_000, maxQueueBytes: Number.POSITIVE_INFINITY })
    const span = spanOf(1)
    const pass = (count: number): void => {
      for (let at = 0; at < count; at++) {
        queue.add(span)
        queue.take(1, 1)
      }
    }
    fill(queue, 1, 1, 1)
    pass(10_000)
    collect()
    const before = process.memoryUsage().heapUsed
    pass(1_000_000)
    collect()
    expect(queue.length).toBe(3)
    // A place takes eight bytes, or four.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2_000_000)
  })
})

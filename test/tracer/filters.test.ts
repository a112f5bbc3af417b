import { SamplingDecision, type Sampler } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { TracerOptions } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const opened: TestTracer[] = []
const init = (options: TracerOptions): TestTracer => {
  const tracer = createTestTracer(options)
  opened.push(tracer)
  return tracer
}
afterEach(() => Promise.all(opened.splice(0).map((tracer) => tracer.shutdown())))
const nest = (tracer: TestTracer, ...names: string[]): void => {
  const [name, ...rest] = names
  if (name !== undefined) tracer.startActiveSpan(name, () => nest(tracer, ...rest))
}

describe('spanFilter', () => {
  test('D-24: children of an excluded span attach to its nearest kept ancestor; no orphan is left', () => {
    const tracer = init({ spanFilter: { exclude: ['skip'] } })
    nest(tracer, 'root', 'skip 1', 'skip 2', 'child', 'skip 3', 'leaf')
    nest(tracer, 'skip root', 'new root', 'under')
    expect(tracer.tree()).toEqual([
      { name: 'root', children: [{ name: 'child', children: [{ name: 'leaf' }] }] },
      { name: 'new root', children: [{ name: 'under' }] },
    ])
    const [, , , under, newRoot] = tracer.spans
    expect([newRoot?.parentSpanContext, under?.spanContext().traceId]).toEqual([undefined, newRoot?.spanContext().traceId])
    expect(tracer.stats()).toMatchObject({ started: 9, ended: 9, exported: 5, dropped: { filtered: 4 } })
  })

  test('include keeps only what matches; exclude wins; a function sees name and start attributes', () => {
    const some = init({ spanFilter: { include: ['llm.', 'tool.'], exclude: ['tool.internal'] } })
    nest(some, 'http', 'llm.chat', 'tool.internal.x', 'tool.search')
    expect(some.tree()).toEqual([{ name: 'llm.chat', children: [{ name: 'tool.search' }] }])
    const keep = vi.fn((_: string, attributes: Readonly<Record<string, unknown>>) => attributes.keep === true)
    const asked = init({ spanFilter: keep })
    asked.startSpan('a', { attributes: { keep: true } }).end()
    asked.startSpan('b').end()
    expect([asked.spans.map((span) => span.name), keep.mock.calls.map(([name]) => name)]).toEqual([['a'], ['a', 'b']])
  })

  test('a filter that throws keeps the span and reaches nobody', () => {
    const warn = vi.fn()
    const tracer = init({
      spanFilter: () => {
        throw new Error('filter')
      },
      logger: { debug() {}, warn, error() {} },
    })
    nest(tracer, 'a', 'b')
    expect(tracer.tree()).toEqual([{ name: 'a', children: [{ name: 'b' }] }])
    expect(warn).toHaveBeenCalledOnce()
  })

  test('an excluded span is no target of enrichment, and leaves nothing of itself on its parent', () => {
    const tracer = init({ spanFilter: { exclude: ['skip'] } })
    tracer.startActiveSpan('kept', () =>
      tracer.startActiveSpan('skip', (span) => {
        span.setAttribute('lost', true)
        expect(span.isRecording()).toBe(false)
      }),
    )
    expect(tracer.spans[0]?.attributes).not.toHaveProperty('lost')
  })
})

describe('sampling', () => {
  test('a rate keeps whole traces, about as many as it says', () => {
    const tracer = init({ sampleRate: 0.25, batch: { maxQueueSize: 50_000 } })
    for (let i = 0; i < 4000; i++) nest(tracer, 'root', 'child')
    const kept = new Map<string, number>()
    for (const { traceId } of tracer.spans.map((span) => span.spanContext())) kept.set(traceId, (kept.get(traceId) ?? 0) + 1)
    expect(new Set(kept.values())).toEqual(new Set([2]))
    expect(tracer.spans.length / 8000).toBeGreaterThan(0.2)
    expect(tracer.spans.length / 8000).toBeLessThan(0.3)
    expect(tracer.stats()).toMatchObject({
      started: 8000,
      exported: tracer.spans.length,
      dropped: { unsampled: 8000 - tracer.spans.length },
    })
  })

  test('0 keeps nothing and starts no session; two services with the same rate agree on a trace', () => {
    const none = init({ sampleRate: 0 })
    nest(none, 'a', 'b')
    expect([none.spans, none.sessions]).toEqual([[], []])
    const [first, second] = [init({ sampleRate: 0.5 }), init({ sampleRate: 0.5 })]
    for (let i = 0; i < 50; i++) {
      const before = [first.spans.length, second.spans.length]
      first.startActiveSpan('call', () => {
        const headers = first.injectContext({})
        second.withRemoteContext(headers, () => second.startSpan('serve').end())
      })
      expect(second.spans.length - (before[1] ?? 0)).toBe(first.spans.length - (before[0] ?? 0))
    }
  })

  test('a custom sampler is asked for spans of this tracer only; one that throws keeps the span', () => {
    const asked: string[] = []
    const sampler: Sampler = {
      shouldSample: (_context, _traceId, name) => {
        asked.push(name)
        if (name === 'odd') throw new Error('sampler')
        return { decision: name.startsWith('no') ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED }
      },
      toString: () => 'test',
    }
    const tracer = init({ sampler, logger: { debug() {}, warn() {}, error() {} } })
    const other = init({})
    tracer.startActiveSpan('yes', () => other.startActiveSpan('other', () => nest(tracer, 'no', 'odd')))
    expect(asked).toEqual(['yes', 'no', 'odd'])
    expect(tracer.spans.map((span) => span.name).sort()).toContain('yes')
    expect(other.spans.map((span) => span.name)).toEqual(['other'])
  })

  test('F44: a remote parent that was not sampled does not decide for us', () => {
    const tracer = init({})
    tracer.withRemoteContext({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' }, () => nest(tracer, 'a', 'b'))
    expect(tracer.spans.map((span) => [span.name, span.spanContext().traceFlags])).toEqual([
      ['b', 1],
      ['a', 1],
    ])
  })
})

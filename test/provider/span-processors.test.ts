import { ROOT_CONTEXT } from '@opentelemetry/api'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { createDiagnostics } from '../../src/diagnostics.js'
import type { GuardedSpan } from '../../src/provider/guarded-span.js'
import type { SpanMetrics } from '../../src/provider/span-metrics.js'
import { SpanProcessors, UserSpanProcessor } from '../../src/provider/span-processors.js'
import { createTestTracer } from '../../src/testing/index.js'

/** Notes what it hears under `name`. */
function createNoting(name: string, heard: string[]): Required<SpanProcessor> {
  return {
    onStart: (_, at) => void heard.push(`${name} start ${at === ROOT_CONTEXT}`),
    onEnding: () => void heard.push(`${name} ending`),
    onEnd: (span) => void heard.push(`${name} end ${span.name}`),
    forceFlush: async () => void heard.push(`${name} flush`),
    shutdown: async () => void heard.push(`${name} shutdown`),
  }
}

function createHearing() {
  const lines: string[] = []
  const warn = (line: string): void => void lines.push(line)
  return { lines, diagnostics: createDiagnostics({ logger: { debug: () => undefined, warn, error: warn }, label: 'mine' }) }
}

const spanOf = (startIt: (tracer: ReturnType<typeof createTestTracer>) => unknown): GuardedSpan =>
  startIt(createTestTracer()) as GuardedSpan
const own = (): GuardedSpan => spanOf((tracer) => tracer.startSpan('step'))

describe('who hears of a span', () => {
  test('are the processors of the user in order, and the way out last', () => {
    const heard: string[] = []
    const { diagnostics } = createHearing()
    const ofUser = ['first', 'second'].map((name) => new UserSpanProcessor(createNoting(name, heard), diagnostics))
    const processors = new SpanProcessors(ofUser, undefined, createNoting('exit', heard))
    const span = own()
    processors.onStart(span, ROOT_CONTEXT)
    processors.onEnding(span)
    processors.onEnd(span)
    expect(heard).toEqual([
      'first start true',
      'second start true',
      'first ending',
      'second ending',
      'first end step',
      'second end step',
      'exit end step',
    ])
    expect(processors.ofUser).toBe(ofUser)
  })

  test('are the metrics before all of them, told whether the span is exported', () => {
    const heard: string[] = []
    const metrics = { ended: (isExported: boolean) => void heard.push(`metrics ${isExported}`) } as unknown as SpanMetrics
    const { diagnostics } = createHearing()
    const processors = new SpanProcessors(
      [new UserSpanProcessor(createNoting('user', heard), diagnostics)],
      metrics,
      createNoting('exit', heard),
    )
    processors.onEnd(own())
    processors.onEnd(createTestTracer({ sampleRate: 0 }).startSpan('left out') as GuardedSpan)
    // Of a span that was left out nothing is kept, its name included.
    expect(heard).toEqual(['metrics true', 'user end step', 'exit end step', 'metrics false', 'user end ', 'exit end '])
  })
})

describe('a processor of the user', () => {
  const broken = (error: unknown): SpanProcessor => {
    class Broken {
      onStart(): void {
        throw error
      }
      onEnding(): void {
        throw error
      }
      onEnd(): void {
        throw error
      }
      async forceFlush(): Promise<void> {
        throw error
      }
      async shutdown(): Promise<void> {
        throw error
      }
    }
    return new Broken()
  }

  test('that throws is named with the kind of what it threw, once for each step, and its words stay with it', async () => {
    const { lines, diagnostics } = createHearing()
    const error = new RangeError('a secret')
    const processor = new UserSpanProcessor(broken(error), diagnostics)
    const span = own()
    expect(() => {
      processor.onStart(span, ROOT_CONTEXT)
      processor.onEnding(span)
      processor.onEnd(span)
    }).not.toThrow()
    await expect(processor.forceFlush()).rejects.toBe(error)
    await expect(processor.shutdown()).rejects.toBe(error)
    expect(lines.map((line) => /(\w+) of a span processor \(Broken\) failed with RangeError\. Check/.exec(line)?.[1])).toEqual([
      'onStart',
      'onEnding',
      'onEnd',
      'forceFlush',
      'shutdown',
    ])
    expect(lines.join()).not.toContain('a secret')
  })

  test('that throws a text, or has no class, is named as well', () => {
    const { lines, diagnostics } = createHearing()
    new UserSpanProcessor(broken('a secret'), diagnostics).onEnd(own())
    const nameless = Object.assign(Object.create(null) as SpanProcessor, { onStart: () => JSON.parse('{') as void })
    new UserSpanProcessor(nameless, diagnostics).onStart(own(), ROOT_CONTEXT)
    expect(lines).toEqual([
      expect.stringContaining('onEnd of a span processor (Broken) failed with string.'),
      expect.stringContaining('onStart of a span processor (unnamed) failed with SyntaxError.'),
    ])
  })

  test('need not listen to the ending', () => {
    const { lines, diagnostics } = createHearing()
    const { onEnding: _, ...older } = createNoting('older', [])
    new UserSpanProcessor(older, diagnostics).onEnding(own())
    expect(lines).toEqual([])
  })

  test('sees an open span itself, and of one that shows other ids its own', () => {
    const { diagnostics } = createHearing()
    const seen: GuardedSpan[] = []
    const noting = { ...createNoting('user', []), onStart: (span: unknown) => void seen.push(span as GuardedSpan) }
    const processor = new UserSpanProcessor(noting, diagnostics)
    const tracer = createTestTracer({ spanFilter: { exclude: ['hidden'] } })
    const [plain, hidden] = ['step', 'hidden'].map((name) => tracer.startSpan(name) as GuardedSpan) as [GuardedSpan, GuardedSpan]
    processor.onStart(plain, ROOT_CONTEXT)
    processor.onStart(hidden, ROOT_CONTEXT)
    expect(seen[0]).toBe(plain)
    expect(seen[1]).not.toBe(hidden)
    expect(seen[1]?.spanContext()).toEqual(hidden.context)
    expect(hidden.spanContext().spanId).not.toBe(hidden.context.spanId)
    expect([seen[1]?.order, typeof seen[1]?.setAttribute]).toEqual([hidden.order, 'function'])
  })
})

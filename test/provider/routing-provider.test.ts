import { type Context, context, isSpanContextValid, ROOT_CONTEXT, type Span, type SpanOptions, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Instance } from '../../src/context/instance.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { RoutingProvider, type RoutingOptions } from '../../src/provider/routing-provider.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

let said: string[]
let a: TestTracer
let b: TestTracer
beforeEach(() => {
  said = []
  a = createTestTracer({ project: 'a', source: 'a' })
  b = createTestTracer({ project: 'b', source: 'b' })
})
afterEach(async () => {
  await Promise.all([a.shutdown(), b.shutdown()])
  trace.disable()
  context.disable()
})

function createProvider(options: Partial<RoutingOptions> = {}): RoutingProvider {
  const note = (line: string): void => void said.push(line)
  return new RoutingProvider({ diagnostics: createDiagnostics({ logger: { debug: note, warn: note, error: note } }), ...options })
}

/** A tracer of another copy of the package, behind which A is. */
function standIn(fields: Partial<Instance>): Instance {
  return {
    tracer: a,
    label: 'another copy',
    isLive: true,
    crossTracerLinks: false,
    startRoutedSpan: (request) => a.instance.startRoutedSpan(request),
    runWithSpan: (_, fn) => fn(),
    ...fields,
  }
}

describe('what is about our own work', () => {
  const OWN = 'https://own.example/v1/traces'
  const start = (attributes: object, options?: Partial<RoutingOptions>): Span => {
    const provider = createProvider({ fallback: a.instance, isOwnEndpoint: (url) => url === OWN, ...options })
    const span = provider.getTracer('http').startSpan('request', { attributes } as never)
    span.end()
    expect(provider.unowned).toBe(0)
    return span
  }

  test.each(['url.full', 'http.url'])('a request to where spans are sent, named by %s, is not recorded', (key) => {
    expect(isSpanContextValid(start({ [key]: OWN }).spanContext())).toBe(false)
    start({ [key]: 'https://other.example' })
    start({ [key]: OWN }, { isOwnEndpoint: undefined })
    expect(a.spans).toHaveLength(2)
  })

  test('a URL that is no text, or cannot be read, is nobody’s', () => {
    const isOwnEndpoint = (): boolean => true
    start({ 'url.full': 5 }, { isOwnEndpoint })
    const refusing = {
      get 'url.full'(): never {
        throw new Error('no')
      },
    }
    start(refusing, { isOwnEndpoint })
    start({}, { isOwnEndpoint })
    expect(a.spans).toHaveLength(3)
  })

  test('a span that starts where tracing is suppressed is not recorded', () => {
    const span = createProvider({ fallback: a.instance }).getTracer('http').startSpan('request', {}, suppressTracing(ROOT_CONTEXT))
    expect([isSpanContextValid(span.spanContext()), a.spans, said]).toEqual([false, [], []])
  })
})

describe('a span that nobody records is counted, and why is said', () => {
  test('where no tracer is active; what starts inside of it goes the same way without a word', () => {
    const provider = createProvider()
    const library = provider.getTracer('library')
    library.startActiveSpan('outer', (span) => {
      expect([span.isRecording(), isSpanContextValid(span.spanContext())]).toEqual([false, false])
      library.startSpan('inner').end()
    })
    expect(provider.unowned).toBe(2)
    expect(said).toEqual([expect.stringMatching(/"outer" is not recorded: no tracer is active where it starts\./)])
  })

  test('where either of two tracers could own it', () => {
    const provider = createProvider()
    const own = a.otelTracer.startSpan('own')
    const kept = trace.setSpan(ROOT_CONTEXT, own)
    own.end()
    b.startActiveSpan('elsewhere', () => context.with(kept, () => provider.getTracer('library').startSpan('model').end()))
    const both = `belongs to ${a.instance.label} and runs in the scope of ${b.instance.label}`
    expect([provider.unowned, said]).toEqual([1, [expect.stringContaining(both)]])
  })

  test('where its tracer fails, while the library goes on', () => {
    const startRoutedSpan = (): never => {
      throw new Error('of another copy')
    }
    const provider = createProvider({ fallback: standIn({ startRoutedSpan }) })
    expect(provider.getTracer('library').startActiveSpan('model', (span) => span.isRecording())).toBe(false)
    expect([provider.unowned, said]).toEqual([1, [expect.stringContaining('"model" is not recorded: of another copy.')]])
  })

  test('but a stack that is used up is the library’s own to hear of', () => {
    const endless = (): never => endless()
    const provider = createProvider({ fallback: standIn({ startRoutedSpan: endless }) })
    expect(() => provider.getTracer('library').startSpan('model')).toThrow(RangeError)
    expect([provider.unowned, said]).toEqual([0, []])
  })
})

describe('where a library starts a span', () => {
  const start = (options: SpanOptions, at?: Context): void => createProvider().getTracer('library').startSpan('model', options, at).end()

  test('`root: true` alone makes a root of it', () => {
    a.startActiveSpan('active', () => {
      start({ root: true })
      for (const root of [false, 1 as never, undefined as never]) start({ root })
    })
    const names = a.tree().map(({ name, children = [] }) => [name, children.length])
    expect(names.sort()).toEqual([
      ['active', 3],
      ['model', 0],
    ])
  })

  test('a context that refuses to be read is none', () => {
    const refuse = (): never => {
      throw new Error('no')
    }
    a.startActiveSpan('active', () => start({}, { getValue: refuse, setValue: refuse, deleteValue: refuse }))
    expect(a.tree()).toEqual([{ name: 'active', children: [{ name: 'model' }] }])
  })
})

describe('a tracer whose module was evaluated again', () => {
  test('is followed by the last of those that took its place and are live', () => {
    const second = standIn({ successor: b.instance })
    const first = createProvider({ fallback: standIn({ successor: second }) })
    first.getTracer('library').startSpan('of the last').end()
    const replaced = standIn({ successor: standIn({ isLive: false, startRoutedSpan: (request) => b.instance.startRoutedSpan(request) }) })
    createProvider({ fallback: replaced }).getTracer('library').startSpan('of the first').end()
    expect([a.tree(), b.tree()]).toEqual([[{ name: 'of the first' }], [{ name: 'of the last' }]])
  })
})

describe('beside another SDK', () => {
  const besideHost = (act: (request: Span) => void): void => {
    new NodeTracerProvider().register()
    trace.getTracer('host').startActiveSpan('request', (request) => {
      act(request)
      request.end()
    })
  }

  test('what starts inside a span of ours that shows its own ids shows none, whether it is recorded or not', () => {
    besideHost(() => {
      const span = a.startSpan('by hand')
      const inside = trace.setSpan(context.active(), span)
      const provider = createProvider()
      const recorded = provider.getTracer('library').startSpan('model', {}, inside)
      expect([recorded.isRecording(), isSpanContextValid(recorded.spanContext())]).toEqual([true, false])
      recorded.end()
      span.end()
    })
    expect(a.tree()).toEqual([{ name: 'by hand', children: [{ name: 'model' }] }])
  })

  test('a span of a library has the state that a product keeps on the span of the host', () => {
    besideHost((request) => {
      Object.assign(request, { _stateOfTheProduct: 'kept' })
      const span = createProvider({ fallback: a.instance }).getTracer('library').startSpan('model')
      expect(span).toHaveProperty('_stateOfTheProduct', 'kept')
      span.end()
    })
    expect(a.tree()).toEqual([{ name: 'model' }])
  })
})

describe('the name of a library', () => {
  test('has a version and a schema URL only where these are text', () => {
    const provider = createProvider({ fallback: a.instance })
    const refusing = {
      get schemaUrl(): never {
        throw new Error('no')
      },
    }
    for (const options of [{ schemaUrl: 5 }, { schemaUrl: '' }, null, 'text', refusing])
      provider
        .getTracer('library', 5 as never, options as never)
        .startSpan('s')
        .end()
    provider.getTracer('library', '1', { schemaUrl: 'https://schema' }).startSpan('s').end()
    const bare = { name: 'library', version: undefined, schemaUrl: undefined }
    const whole = { name: 'library', version: '1', schemaUrl: 'https://schema' }
    expect(a.spans.map(({ instrumentationScope }) => ({ version: undefined, schemaUrl: undefined, ...instrumentationScope }))).toEqual([
      ...Array(5).fill(bare),
      whole,
    ])
  })

  test('is what its spans tell, where it was given a tracer without one', () => {
    const unnamed = createProvider({ fallback: a.instance }).getUnnamedTracer({ name: 'given' })
    unnamed.startSpan('s', { attributes: { 'otel.scope.name': 'told' } }).end()
    unnamed.startSpan('s').end()
    createProvider({ fallback: a.instance })
      .getTracer('given')
      .startSpan('s', { attributes: { 'otel.scope.name': 'told' } })
      .end()
    expect(a.spans.map(({ instrumentationScope }) => instrumentationScope.name)).toEqual(['told', 'given', 'given'])
  })
})

test('a span that tells of a library whose callbacks run in the background is taken for one of those', () => {
  vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', undefined)
  const unnamed = createProvider().getUnnamedTracer({ name: 'given' })
  a.startActiveSpan('active', () => unnamed.startSpan('chain', { attributes: { 'otel.scope.name': 'langchain' } }).end())
  vi.unstubAllEnvs()
  expect([a.tree(), said]).toEqual([[{ name: 'active' }], [expect.stringContaining('LANGCHAIN_CALLBACKS_BACKGROUND=false')]])
})

describe('forceFlush', () => {
  const refusing = {
    get timeoutMillis(): never {
      throw new Error('no')
    },
  }

  test.each<[string, object | undefined, number]>([
    ['as long as it is told', { timeoutMillis: 5 }, 5],
    ['not at all for 0', { timeoutMillis: 0 }, 0],
    ['half a minute for less than nothing', { timeoutMillis: -1 }, 30_000],
    ['half a minute for what is no number', { timeoutMillis: '5' }, 30_000],
    ['half a minute for what cannot be read', refusing, 30_000],
    ['half a minute where nothing is said', undefined, 30_000],
  ])('waits %s', async (_, options, expected) => {
    const waits: number[] = []
    const flushAll = async (timeoutMs: number): Promise<boolean> => waits.push(timeoutMs) > 0
    await createProvider({ flushAll }).forceFlush(options)
    expect(waits).toEqual([expected])
  })

  test('rejects with a list where something did not arrive, and has nothing to do where nobody can be asked', async () => {
    const lost = createProvider({ flushAll: async () => false }).forceFlush({ timeoutMillis: 7 })
    await expect(lost).rejects.toEqual([expect.objectContaining({ message: expect.stringContaining('7 ms') as string })])
    expect(await createProvider().forceFlush()).toBeUndefined()
  })

  test('is for the tracer behind the provider where the active one, of an older copy, knows of no flush', async () => {
    const asked: string[] = []
    const flushAll = async (): Promise<boolean> => asked.push('all') > 0
    const flushRouted = async (): Promise<void> => void asked.push('fallback')
    const provider = createProvider({ fallback: standIn({ flushRouted }), flushAll })
    await provider.forceFlush()
    await createProvider({ fallback: standIn({}), flushAll }).forceFlush()
    expect(asked).toEqual(['fallback', 'all'])
  })
})

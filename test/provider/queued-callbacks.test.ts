import { context, ROOT_CONTEXT, type Span, trace as otel } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Logger } from '../../src/diagnostics.js'
import { createRoutingProvider } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

/** LangChain runs callbacks in a queue of the process: here a callback of B runs in the request of A that started the queue. */

const INSTRUMENTORS = [
  '@arizeai/openinference-instrumentation-langchain',
  '@traceloop/instrumentation-langchain',
  'opentelemetry.instrumentation.LangChain',
]

let said: string[]
let a: TestTracer
let b: TestTracer
beforeEach(() => {
  said = []
  const logger: Logger = { debug: () => undefined, warn: (line) => said.push(line), error: (line) => said.push(line) }
  vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', undefined)
  a = createTestTracer({ project: 'a', source: 'a', logger })
  b = createTestTracer({ project: 'b', source: 'b', logger })
})
afterEach(async () => {
  await Promise.all([a.shutdown(), b.shutdown()])
  vi.unstubAllEnvs()
  otel.disable()
  context.disable()
})

const inRequestOfA = (call: (span: Span) => unknown): void => void a.startActiveSpan('request', call)

describe('an instrumentor whose callbacks run in the background', () => {
  test.each(INSTRUMENTORS)('records no root of %s while two tracers are live, and says what to set once', (scope) => {
    const tracer = a.provider.getTracer(scope)
    inRequestOfA(() => {
      tracer.startSpan('chain', { attributes: { 'input.value': 'of b' } }).end()
      tracer.startSpan('chain', {}, context.active()).end()
      tracer.startSpan('chain', {}, ROOT_CONTEXT).end()
      tracer.startSpan('chain', { root: true }).end()
    })
    expect([a.tree(), b.tree()]).toEqual([[{ name: 'request' }], []])
    expect(said).toEqual([expect.stringContaining('LANGCHAIN_CALLBACKS_BACKGROUND=false')])
  })

  test('loses what starts inside such a root, whatever carries the ids, without another word', () => {
    const tracer = a.provider.getTracer(INSTRUMENTORS[0] as string)
    inRequestOfA(() => {
      const root = tracer.startSpan('chain')
      tracer.startSpan('model', {}, otel.setSpan(context.active(), root)).end()
      tracer.startSpan('model', {}, otel.setSpanContext(context.active(), root.spanContext())).end()
      tracer.startSpan('model', {}, otel.setSpanContext(context.active(), { ...root.spanContext() })).end()
    })
    expect([a.tree(), b.tree()]).toEqual([[{ name: 'request' }], []])
    expect(said).toHaveLength(1)
  })

  test('records what names its parent by hand', () => {
    const tracer = a.provider.getTracer(INSTRUMENTORS[0] as string)
    const chain = b.startSpan('chain of b')
    inRequestOfA(() => tracer.startSpan('model', {}, otel.setSpanContext(context.active(), chain.spanContext())).end())
    chain.end()
    expect([a.tree(), b.tree()]).toEqual([[{ name: 'request' }], [{ name: 'chain of b', children: [{ name: 'model' }] }]])
    expect(said).toEqual([])
  })

  test('counts what it does not record', () => {
    const provider = createRoutingProvider()
    inRequestOfA(() =>
      provider
        .getTracer(INSTRUMENTORS[0] as string)
        .startSpan('chain')
        .end(),
    )
    expect(provider.unowned).toBe(1)
  })

  test('records everything while one tracer is live', async () => {
    await b.shutdown()
    inRequestOfA(() =>
      a.provider
        .getTracer(INSTRUMENTORS[0] as string)
        .startSpan('chain')
        .end(),
    )
    expect(a.tree()).toEqual([{ name: 'request', children: [{ name: 'chain' }] }])
    expect(said).toEqual([])
  })

  test.each(['true', '', 'FALSE', '0'])('takes LANGCHAIN_CALLBACKS_BACKGROUND=%j for the background, as LangChain does', (value) => {
    vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', value)
    inRequestOfA(() =>
      a.provider
        .getTracer(INSTRUMENTORS[0] as string)
        .startSpan('chain')
        .end(),
    )
    expect(a.tree()).toEqual([{ name: 'request' }])
  })
})

describe('an instrumentor whose callbacks run where the call is', () => {
  test('records everything once LangChain was told to wait for its callbacks', () => {
    vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', 'false')
    inRequestOfA(() =>
      a.provider
        .getTracer(INSTRUMENTORS[0] as string)
        .startSpan('chain')
        .end(),
    )
    expect(a.tree()).toEqual([{ name: 'request', children: [{ name: 'chain' }] }])
  })

  test('records everything of other libraries', () => {
    inRequestOfA(() => a.provider.getTracer('@arizeai/openinference-instrumentation-openai').startSpan('model').end())
    expect(a.tree()).toEqual([{ name: 'request', children: [{ name: 'model' }] }])
    expect(said).toEqual([])
  })
})

import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { context, type MeterProvider, metrics, trace as otel, type TracerProvider } from '@opentelemetry/api'
import OpenAI from 'openai'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { createRoutingProvider } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { startModelServer } from '../fixtures/model-server.js'

const made: TestTracer[] = []
const create = (options: Parameters<typeof createTestTracer>[0] = {}): TestTracer => {
  const tracer = createTestTracer(options)
  made.push(tracer)
  return tracer
}
afterEach(async () => {
  await Promise.all(made.splice(0).map((tracer) => tracer.shutdown()))
  otel.disable()
  context.disable()
  metrics.disable()
})

describe('what an instrumentation is given', () => {
  class Instrumentation {
    readonly given: unknown[] = []
    readonly #isOn: boolean
    constructor(isOn: boolean) {
      this.#isOn = isOn
    }
    setTracerProvider(provider: TracerProvider): void {
      this.given.push(provider)
    }
    setMeterProvider(provider: MeterProvider): void {
      this.given.push(provider)
    }
    setLoggerProvider(provider: object): void {
      this.given.push(Object.keys(provider), typeof Reflect.get(provider, 'getLogger'))
    }
    isEnabled(): boolean {
      return this.#isOn
    }
    enable(): void {
      this.given.push('enabled')
    }
  }

  test('its tracer, the meter provider of the application, and a logger provider; it is enabled unless it is', () => {
    const meters: MeterProvider = { getMeter: () => metrics.getMeter('none') }
    metrics.setGlobalMeterProvider(meters)
    const [on, off] = [new Instrumentation(true), new Instrumentation(false)]
    const tracer = create({ instrumentations: [on, [off]] })
    expect(on.given).toEqual([tracer.provider, meters, [], 'function'])
    expect(off.given).toEqual([tracer.provider, meters, [], 'function', 'enabled'])
  })

  test('one that fails does not keep the next from being wired', () => {
    const said: string[] = []
    const next = new Instrumentation(false)
    const broken = {
      setTracerProvider() {
        throw new Error('broken instrumentation')
      },
    }
    create({
      instrumentations: [broken, next],
      logger: { debug: () => undefined, warn: (line) => said.push(line), error: () => undefined },
    })
    expect(next.given).toContain('enabled')
    expect(said).toEqual([expect.stringContaining('broken instrumentation')])
  })
})

describe('one instrumentor', () => {
  async function startClient(): Promise<(question: string) => Promise<unknown>> {
    const model = await startModelServer()
    onTestFinished(() => model.close())
    const client = new OpenAI({ apiKey: 'none', baseURL: model.url, maxRetries: 0 })
    return (content) => client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] })
  }
  const questionsOf = (tracer: TestTracer): string[] =>
    tracer.spans.flatMap(({ attributes }) => /question \d/.exec(String(attributes['llm.input_messages.0.message.content'])) ?? [])

  test('that is given late, and to one tracer after the other, serves all; whoever is shut down', async () => {
    const ask = await startClient()
    const [a, b] = [create({ project: 'a' }), create({ project: 'b' })]
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.manuallyInstrument(OpenAI)
    const c = create({ project: 'c', instrumentations: [instrumentation] })
    await Promise.all([a.startActiveSpan('request', () => ask('question 1')), b.startActiveSpan('request', () => ask('question 2'))])
    const d = create({ project: 'd', instrumentations: [instrumentation] })
    await Promise.all([a.startActiveSpan('request', () => ask('question 3')), b.startActiveSpan('request', () => ask('question 4'))])
    await ask('question 5')
    await c.shutdown()
    await d.shutdown()
    await Promise.all([a.startActiveSpan('request', () => ask('question 6')), b.startActiveSpan('request', () => ask('question 7'))])
    const e = create({ project: 'e' })
    await e.startActiveSpan('request', () => ask('question 8'))
    expect([a, b, c, d, e].map(questionsOf)).toEqual([
      ['question 1', 'question 3', 'question 6'],
      ['question 2', 'question 4', 'question 7'],
      [],
      ['question 5'],
      ['question 8'],
    ])
    expect(a.tree()).toEqual(Array(3).fill({ name: 'request', children: [{ name: 'OpenAI Chat Completions' }] }))
  })
})

describe('createRoutingProvider() as the global provider', () => {
  /** A library that takes neither tracer nor provider, like Genkit, and asks for its tracer once. */
  const startLibrary = (): ((name: string) => unknown) => {
    const library = otel.getTracer('library', '1.2.3')
    return (name) =>
      library.startActiveSpan(name, async (span) => {
        await Promise.resolve()
        library.startSpan(`${name} part`).end()
        span.end()
      })
  }
  const tree = (name: string): object => ({ name: 'request', children: [{ name, children: [{ name: `${name} part` }] }] })

  test('records a library that takes no tracer where a tracer is active, in whole trees', async () => {
    // It may ask before the provider is there.
    const work = startLibrary()
    const provider = createRoutingProvider()
    otel.setGlobalTracerProvider(provider)
    const [a, b] = [create({ project: 'a' }), create({ project: 'b' })]
    await Promise.all([
      a.startActiveSpan('request', () => work('of a')),
      b.startActiveSpan('request', () => work('of b')),
      a.startActiveSpan('request', () => b.startActiveSpan('request', () => work('of b in a'))),
    ])
    expect(a.tree()).toEqual([{ name: 'request' }, tree('of a')].toReversed())
    expect(b.tree()).toEqual([tree('of b'), tree('of b in a')])
    expect(a.spans.find(({ name }) => name === 'of a')?.instrumentationScope).toMatchObject({ name: 'library', version: '1.2.3' })
    await a.shutdown()
    await b.startActiveSpan('request', () => work('later'))
    expect(b.tree()).toContainEqual(tree('later'))
    expect(provider.unowned).toBe(0)
  })

  test('records nothing outside of any tracer, counts it, and gives it to the fallback where there is one', async () => {
    const provider = createRoutingProvider()
    otel.setGlobalTracerProvider(provider)
    const a = create()
    await startLibrary()('alone')
    expect([a.tree(), provider.unowned]).toEqual([[], 2])
    otel.disable()
    otel.setGlobalTracerProvider(createRoutingProvider({ fallback: a }))
    await startLibrary()('alone')
    expect(a.tree()).toEqual([{ name: 'alone', children: [{ name: 'alone part' }] }])
  })
})

describe('otelTracer', () => {
  const scopeOf = (tracer: TestTracer, name: string): string | undefined =>
    tracer.spans.find((span) => span.name === name)?.instrumentationScope.name

  test('keeps the scope name of a library that tells it', () => {
    const tracer = create()
    const start = (name: string, attributes: Record<string, string>): void => void tracer.otelTracer.startSpan(name, { attributes }).end()
    start('ai.generateText', { 'operation.name': 'ai.generateText f', 'ai.operationId': 'ai.generateText' })
    start('chat', { 'gen_ai.operation.name': 'chat' })
    start('agent', { 'openinference.span.kind': 'AGENT' })
    start('told', { 'otel.scope.name': 'my-library', 'otel.scope.version': '2.0.0' })
    start('untold', { any: 'thing' })
    tracer.otelTracer.startActiveSpan('bare', (span) => span.end())
    expect(['ai.generateText', 'chat', 'agent', 'told', 'untold', 'bare'].map((name) => scopeOf(tracer, name))).toEqual([
      'ai',
      'gen_ai',
      'openinference-core',
      'my-library',
      'honeyhive-tracer',
      'honeyhive-tracer',
    ])
    expect(tracer.spans.find(({ name }) => name === 'told')?.instrumentationScope.version).toBe('2.0.0')
  })

  test('reads attributes that throw without harm', () => {
    const tracer = create()
    const attributes = {
      get 'ai.operationId'(): string {
        throw new Error('hands off')
      },
    }
    tracer.otelTracer.startSpan('hostile', { attributes }).end()
    expect(scopeOf(tracer, 'hostile')).toBe('honeyhive-tracer')
  })
})

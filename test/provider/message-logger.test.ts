import { context, ROOT_CONTEXT, type Span, trace as otel } from '@opentelemetry/api'
import { type Logger as EventLogger, type LoggerProvider, type LogRecord, logs } from '@opentelemetry/api-logs'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

/** An instrumentation that writes messages as log events, as those of OpenTelemetry do. */
class Instrumentor {
  loggers: LoggerProvider | undefined
  setTracerProvider(): void {}
  setLoggerProvider(provider: LoggerProvider): void {
    this.loggers = provider
  }
  get logger(): EventLogger {
    return (this.loggers as LoggerProvider).getLogger('instrumentor', '1.0.0')
  }
  /** The older events: one for each message, named by an attribute. */
  say(span: Span, name: string, body: LogRecord['body']): void {
    this.logger.emit({ context: otel.setSpan(ROOT_CONTEXT, span), attributes: { 'event.name': name, 'gen_ai.system': 'openai' }, body })
  }
  /** The newer event, which tells a whole side of the call. */
  tell(span: Span, attributes: NonNullable<LogRecord['attributes']>): void {
    const eventName = 'gen_ai.client.inference.operation.details'
    this.logger.emit({ context: otel.setSpan(ROOT_CONTEXT, span), eventName, attributes })
  }
}

let said: string[]
let instrumentor: Instrumentor
let a: TestTracer
let b: TestTracer
beforeEach(() => {
  said = []
  instrumentor = new Instrumentor()
  const logger = { debug: () => undefined, warn: (line: string) => said.push(line), error: (line: string) => said.push(line) }
  a = createTestTracer({ project: 'a', logger, instrumentations: [[instrumentor]] })
  b = createTestTracer({ project: 'b', logger })
})
afterEach(async () => {
  await Promise.all([a.shutdown(), b.shutdown()])
  logs.disable()
  otel.disable()
  context.disable()
})

const startCall = (tracer: TestTracer): Span => tracer.provider.getTracer('instrumentor').startSpan('chat', {}, ROOT_CONTEXT)
/** Inputs, outputs and tools of the only span of a tracer. */
const contentOf = (tracer: TestTracer): Record<string, unknown> =>
  Object.fromEntries(Object.entries(tracer.spans[0]?.attributes ?? {}).filter(([key]) => /^honeyhive_(?:inputs|outputs|config)/.test(key)))

describe('messages that arrive as log events', () => {
  test('become inputs and outputs of the span in their context, one by one', () => {
    const span = startCall(a)
    instrumentor.say(span, 'gen_ai.system.message', { content: 'be kind' })
    instrumentor.say(span, 'gen_ai.user.message', { content: 'weather?' })
    instrumentor.say(span, 'gen_ai.assistant.message', {
      tool_calls: [{ id: 'c1', function: { name: 'sun', arguments: '{"at":"Paris"}' } }],
    })
    instrumentor.say(span, 'gen_ai.tool.message', { id: 'c1', content: 'shines' })
    instrumentor.say(span, 'gen_ai.choice', { index: 0, finish_reason: 'stop', message: { content: 'it shines' } })
    span.end()
    expect(contentOf(a)).toEqual({
      'honeyhive_inputs.chat_history.0.role': 'system',
      'honeyhive_inputs.chat_history.0.content': 'be kind',
      'honeyhive_inputs.chat_history.1.role': 'user',
      'honeyhive_inputs.chat_history.1.content': 'weather?',
      'honeyhive_inputs.chat_history.2.role': 'assistant',
      'honeyhive_inputs.chat_history.2.content': '',
      'honeyhive_inputs.chat_history.2.tool_calls.0.id': 'c1',
      'honeyhive_inputs.chat_history.2.tool_calls.0.name': 'sun',
      'honeyhive_inputs.chat_history.2.tool_calls.0.arguments.at': 'Paris',
      'honeyhive_inputs.chat_history.3.role': 'tool',
      'honeyhive_inputs.chat_history.3.tool_call_id': 'c1',
      'honeyhive_inputs.chat_history.3.content': 'shines',
      'honeyhive_outputs.role': 'assistant',
      'honeyhive_outputs.content': 'it shines',
      'honeyhive_outputs.finish_reason': 'stop',
    })
  })

  test('as a whole are not repeated, and an answer that comes in parts is one', () => {
    const span = startCall(a)
    const question = { role: 'user', parts: [{ type: 'text', content: 'weather?' }] }
    const part = (...parts: object[]): object[] => [{ role: 'assistant', parts, finish_reason: 'stop' }]
    instrumentor.tell(span, {
      'gen_ai.system_instructions': [{ type: 'text', content: 'be kind' }],
      'gen_ai.input.messages': [question] as never,
      'gen_ai.tool.definitions': [{ name: 'sun' }] as never,
    })
    instrumentor.tell(span, { 'gen_ai.output.messages': part({ type: 'text', content: 'I look' }) as never })
    instrumentor.tell(span, { 'gen_ai.output.messages': part({ type: 'tool_call', id: 'c1', name: 'sun', arguments: {} }) as never })
    span.end()
    const whole = startCall(b)
    instrumentor.tell(whole, { 'gen_ai.input.messages': JSON.stringify([question]) })
    instrumentor.tell(whole, { 'gen_ai.input.messages': JSON.stringify([question]) })
    whole.end()
    expect(contentOf(a)).toMatchObject({
      'honeyhive_inputs.chat_history.0.role': 'system',
      'honeyhive_inputs.chat_history.1.content': 'weather?',
      'honeyhive_config.tools.0.name': 'sun',
      'honeyhive_outputs.content': 'I look',
      'honeyhive_outputs.tool_calls.0.name': 'sun',
    })
    expect(contentOf(b)).toEqual({ 'honeyhive_inputs.chat_history.0.role': 'user', 'honeyhive_inputs.chat_history.0.content': 'weather?' })
  })

  test('are listed where the caller asked for several answers', () => {
    const span = startCall(a)
    for (const [index, content] of ['one', 'two', 'three'].entries())
      instrumentor.say(span, 'gen_ai.choice', { index, finish_reason: 'stop', message: { content } })
    span.end()
    expect(['0', '1', '2'].map((i) => contentOf(a)[`honeyhive_outputs.chat_history.${i}.content`])).toEqual(['one', 'two', 'three'])
  })

  test('go to the tracer of their span, whoever is active and whoever wired the instrumentor', () => {
    const span = startCall(b)
    a.startActiveSpan('request of a', (request) => {
      instrumentor.say(span, 'gen_ai.user.message', { content: 'secret of b' })
      request.setAttribute('done', true)
    })
    span.end()
    expect(JSON.stringify(a.spans.map(({ attributes }) => attributes))).not.toContain('secret of b')
    expect(JSON.stringify(b.spans.map(({ attributes }) => attributes))).toContain('secret of b')
  })

  test('follow the current context where the record names none, and get lost outside of a span of ours', () => {
    a.startActiveSpan('request', () => {
      const span = a.provider.getTracer('instrumentor').startSpan('chat')
      context.with(otel.setSpan(context.active(), span), () =>
        instrumentor.logger.emit({ eventName: 'gen_ai.user.message', body: { content: 'here' } }),
      )
      span.end()
    })
    instrumentor.logger.emit({ eventName: 'gen_ai.user.message', body: { content: 'nowhere' }, context: ROOT_CONTEXT })
    expect(contentOf(a)).toMatchObject({ 'honeyhive_inputs.chat_history.0.content': 'here' })
  })

  test('without content, which was not asked for, and other events leave the span as it was', () => {
    const span = startCall(a)
    instrumentor.say(span, 'gen_ai.user.message', {})
    instrumentor.say(span, 'gen_ai.choice', { index: 0, finish_reason: 'stop', message: {} })
    instrumentor.say(span, 'gen_ai.evaluation.result', { content: 'other' })
    instrumentor.logger.emit({ body: 'a line', context: otel.setSpan(ROOT_CONTEXT, span) })
    span.end()
    expect(contentOf(a)).toEqual({})
    expect(said).toEqual([])
  })

  test('are redacted, and cut to the limits', () => {
    const redacting = createTestTracer({ redact: { patterns: [/secret-\w+/g] }, capture: { maxBytes: 1_000 } })
    const span = startCall(redacting)
    instrumentor.say(span, 'gen_ai.user.message', { content: `secret-word ${'x'.repeat(5_000)}` })
    span.end()
    const text = JSON.stringify(contentOf(redacting))
    expect(text).toContain('[REDACTED] xxx')
    expect(text).not.toContain('secret-word')
    expect(text.length).toBeLessThan(1_500)
  })

  test('after the end of their span are lost, and said once', () => {
    const span = startCall(a)
    span.end()
    for (let i = 0; i < 3; i++) instrumentor.say(span, 'gen_ai.choice', { message: { content: 'late' } })
    expect(said).toEqual([expect.stringContaining('after its end')])
  })

  test('that cannot be read reach the application all the same', () => {
    const span = startCall(a)
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('hands off')
        },
        ownKeys: () => {
          throw new Error('hands off')
        },
      },
    )
    expect(() => instrumentor.say(span, 'gen_ai.user.message', hostile as never)).not.toThrow()
    expect(() => instrumentor.logger.emit(hostile as never)).not.toThrow()
    span.end()
  })
})

describe("the application's own logger provider", () => {
  function startHost(): { records: LogRecord[]; names: unknown[] } {
    const host = { records: [] as LogRecord[], names: [] as unknown[] }
    logs.setGlobalLoggerProvider({
      getLogger(name, version) {
        host.names.push([name, version])
        return { emit: (record) => void host.records.push(record), enabled: () => true }
      },
    })
    return host
  }

  test('gets every record as it was, under the name of the instrumentor, also when it is registered late', () => {
    const span = startCall(a)
    const { logger } = instrumentor
    logger.emit({ body: 'before' })
    const host = startHost()
    const record: LogRecord = { eventName: 'gen_ai.user.message', body: { content: 'hi' }, context: otel.setSpan(ROOT_CONTEXT, span) }
    logger.emit(record)
    logger.emit({ body: 'a line' })
    span.end()
    expect(host.records[0]).toBe(record)
    expect(host.records).toHaveLength(2)
    expect(host.names).toEqual([['instrumentor', '1.0.0']])
    expect(contentOf(a)).toMatchObject({ 'honeyhive_inputs.chat_history.0.content': 'hi' })
  })

  test("sees the host's ids on them, beside a host's SDK", () => {
    const provider = new NodeTracerProvider()
    provider.register()
    const host = startHost()
    provider.getTracer('app').startActiveSpan('server', (server) => {
      const span = a.provider.getTracer('instrumentor').startSpan('chat')
      context.with(otel.setSpan(context.active(), span), () =>
        instrumentor.logger.emit({ eventName: 'gen_ai.user.message', body: { content: 'hi' }, context: context.active() }),
      )
      span.end()
      const [record] = host.records
      expect(otel.getSpanContext(record?.context as never)?.spanId).toBe(server.spanContext().spanId)
      server.end()
    })
    expect(contentOf(a)).toMatchObject({ 'honeyhive_inputs.chat_history.0.content': 'hi' })
  })
})

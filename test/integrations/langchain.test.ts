import { createLangChainHandler, type LangChainHandler } from 'honeyhive-tracer/langchain'
import { createTestTracer, type TestTracer } from 'honeyhive-tracer/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { HoneyHiveConfigError } from '../../src/errors.js'
import { shutdownAll } from '../../src/index.js'

/** The handler as LangChain calls it; the real LangChain calls it in `langchain-handler/`. */

afterEach(() => shutdownAll())

const serialized = (name: string): object => ({ lc: 1, type: 'not_implemented', id: ['langchain', name] })
const human = (content: string): object => ({ content, getType: () => 'human' })
const ai = (fields: object): object => ({ content: '', getType: () => 'ai', ...fields })
const attributesOf = (tracer: TestTracer, name: string): Record<string, unknown> =>
  ({ ...tracer.spans.find((span) => span.name === name)?.attributes }) as Record<string, unknown>

let ids = 0
const nextId = (): string => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`

function startChain(handler: LangChainHandler, name: string, parentId?: string, inputs: unknown = {}): string {
  const id = nextId()
  handler.handleChainStart(serialized('RunnableSequence'), inputs, id, parentId, [], {}, undefined, name, undefined)
  return id
}

function callModel(handler: LangChainHandler, question: string, parentId?: string): void {
  const id = nextId()
  handler.handleChatModelStart(serialized('ChatModel'), [[human(question)]], id, parentId, {}, [], {}, 'model')
  handler.handleLLMEnd({ generations: [[{ text: 'yes', message: ai({ content: 'yes' }) }]] }, id, parentId)
}

describe('where runs go', () => {
  test('to the tracer and session the handler was made with, whichever request its callbacks run in', () => {
    const [a, b] = [createTestTracer({ project: 'a' }), createTestTracer({ project: 'b' })]
    const make = (tracer: TestTracer, sessionName: string): { sessionId: string; handler: LangChainHandler } =>
      tracer.withSession({ sessionName }, ({ sessionId }) =>
        tracer.startActiveSpan(sessionName, () => ({ sessionId, handler: createLangChainHandler(tracer) })),
      )
    const made = [make(a, 'a 1'), make(b, 'b 1'), make(a, 'a 2')]
    // All callbacks run where the queue was started: in a request of A.
    a.withSession({ sessionName: 'other' }, () =>
      a.startActiveSpan('other', () => {
        const roots = made.map(({ handler }, i) => startChain(handler, `chain ${i}`))
        for (const [i, { handler }] of made.entries()) callModel(handler, `question ${i}`, roots[i])
        for (const [i, { handler }] of made.entries()) handler.handleChainEnd({}, roots[i] as string)
      }),
    )
    const tree = (name: string, i: number): object => ({ name, children: [{ name: `chain ${i}`, children: [{ name: 'model' }] }] })
    expect(a.tree()).toEqual([tree('a 1', 0), tree('a 2', 2), { name: 'other' }])
    expect(b.tree()).toEqual([tree('b 1', 1)])
    for (const [i, tracer] of [a, b, a].entries())
      expect(attributesOf(tracer, `chain ${i}`)['honeyhive.session_id']).toBe(made[i]?.sessionId)
  })

  test('under the span around the call, where the handler was made outside of any', () => {
    const [a, b] = [createTestTracer({ project: 'a' }), createTestTracer({ project: 'b' })]
    const handler = createLangChainHandler(a)
    a.startActiveSpan('request', () => callModel(handler, 'one'))
    b.startActiveSpan('of b', () => callModel(handler, 'two'))
    a.withSession({ sessionName: 'another' }, () => a.startActiveSpan('in another session', () => callModel(handler, 'three')))
    expect(a.tree()).toEqual([
      { name: 'request', children: [{ name: 'model' }] },
      { name: 'model' },
      { name: 'in another session' },
      { name: 'model' },
    ])
    expect(b.tree()).toEqual([{ name: 'of b' }])
  })

  test('into a session of its own, when it is named', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer, { sessionId: 'order-42', sessionName: 'order' })
    callModel(handler, 'one')
    expect(attributesOf(tracer, 'model')).toMatchObject({ 'honeyhive.session_name': 'order' })
    expect(attributesOf(tracer, 'model')['honeyhive.session_id']).not.toBe(tracer.sessionId)
  })

  test('below their parents, also below a parent that the handler never saw', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const outer = startChain(handler, 'outer')
    const inner = startChain(handler, 'inner', outer)
    callModel(handler, 'one', inner)
    handler.handleChainEnd({}, inner)
    handler.handleChainEnd({}, outer)
    callModel(handler, 'two', nextId())
    expect(tracer.tree()).toEqual([{ name: 'outer', children: [{ name: 'inner', children: [{ name: 'model' }] }] }, { name: 'model' }])
  })

  test('once, when the same handler is given twice', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const id = startChain(handler, 'chain')
    handler.handleChainStart(serialized('RunnableSequence'), {}, id, undefined, [], {}, undefined, 'chain')
    handler.handleChainEnd({}, id)
    handler.handleChainEnd({}, id)
    expect(tracer.tree()).toEqual([{ name: 'chain' }])
    expect(tracer.stats()).toMatchObject({ started: 1, open: 0 })
  })

  test('to a tracer that is registered under a name or that a function gives, looked up when the handler is made', () => {
    const tracer = createTestTracer()
    processState.names.set('named', tracer.instance)
    callModel(createLangChainHandler('named'), 'one')
    callModel(
      createLangChainHandler(() => tracer),
      'two',
    )
    expect(tracer.tree()).toEqual([{ name: 'model' }, { name: 'model' }])
  })

  test('nowhere when the tracer is not found or was shut down, and the call goes on', async () => {
    expect(() => callModel(createLangChainHandler('nobody'), 'one')).not.toThrow()
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    await tracer.shutdown()
    callModel(handler, 'one')
    expect(tracer.stats().dropped.afterShutdown).toBe(1)
  })
})

describe('what a run becomes', () => {
  test('a model: messages, settings, tags, answer, tokens of every kind, and the time to the first token', () => {
    const tracer = createTestTracer({ deterministic: true })
    const handler = createLangChainHandler(tracer)
    const id = nextId()
    const extra = { invocation_params: { model: 'gpt-x', temperature: 0.5, tools: [{ type: 'function', function: { name: 'f' } }] } }
    const metadata = { ls_provider: 'openai', tenant: 'acme' }
    handler.handleChatModelStart(
      serialized('ChatOpenAI'),
      [[{ content: 'be kind', _getType: () => 'system' }, human('hi')]],
      id,
      undefined,
      extra,
      ['vip'],
      metadata,
    )
    handler.handleLLMNewToken('y', { prompt: 0, completion: 0 }, id)
    handler.handleLLMNewToken('es', { prompt: 0, completion: 0 }, id)
    const message = ai({
      content: [{ type: 'text', text: 'yes' }],
      tool_calls: [{ id: 'c1', name: 'f', args: { city: 'Paris' }, type: 'tool_call' }],
      usage_metadata: {
        input_tokens: 10,
        output_tokens: 5,
        total_tokens: 15,
        input_token_details: { cache_read: 4, cache_creation: 2 },
        output_token_details: { reasoning: 3 },
      },
      response_metadata: { model_name: 'gpt-x-2026', finish_reason: 'tool_calls', id: 'chatcmpl-1' },
    })
    handler.handleLLMEnd({ generations: [[{ text: 'yes', message }]], llmOutput: { tokenUsage: { promptTokens: 99 } } }, id)
    expect(attributesOf(tracer, 'ChatOpenAI')).toMatchObject({
      honeyhive_event_type: 'model',
      'honeyhive_inputs.chat_history.0.role': 'system',
      'honeyhive_inputs.chat_history.1.role': 'user',
      'honeyhive_inputs.chat_history.1.content': 'hi',
      'honeyhive_outputs.role': 'assistant',
      'honeyhive_outputs.content': 'yes',
      'honeyhive_outputs.tool_calls.0.name': 'f',
      'honeyhive_outputs.tool_calls.0.arguments.city': 'Paris',
      'honeyhive_outputs.finish_reason': 'tool_calls',
      'honeyhive_config.model': 'gpt-x',
      'honeyhive_config.provider': 'openai',
      'honeyhive_config.temperature': 0.5,
      'honeyhive_config.tools.0.function.name': 'f',
      'honeyhive_metadata.prompt_tokens': 10,
      'honeyhive_metadata.completion_tokens': 5,
      'honeyhive_metadata.total_tokens': 15,
      'honeyhive_metadata.cache_read_input_tokens': 4,
      'honeyhive_metadata.cache_write_input_tokens': 2,
      'honeyhive_metadata.reasoning_tokens': 3,
      'honeyhive_metadata.response_model': 'gpt-x-2026',
      'honeyhive_metadata.response_id': 'chatcmpl-1',
      'honeyhive_metadata.finish_reason': 'tool_calls',
      'honeyhive_metadata.tenant': 'acme',
      'honeyhive_metadata.tags.0': 'vip',
      'honeyhive_metadata.langchain_run_id': id,
      'honeyhive_metrics.ttft_ms': expect.any(Number),
    })
  })

  test('a text model, with the usage that stands beside the answers', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const id = nextId()
    handler.handleLLMStart(serialized('OpenAI'), ['say yes'], id)
    const tokenUsage = { promptTokens: 3, completionTokens: 2 }
    handler.handleLLMEnd({ generations: [[{ text: 'yes' }, { text: 'no' }]], llmOutput: { tokenUsage } }, id)
    expect(attributesOf(tracer, 'OpenAI')).toMatchObject({
      'honeyhive_inputs.chat_history.0.content': 'say yes',
      'honeyhive_outputs.chat_history.0.content': 'yes',
      'honeyhive_outputs.chat_history.1.content': 'no',
      'honeyhive_metadata.total_tokens': 5,
    })
    expect(Object.keys(attributesOf(tracer, 'OpenAI')).filter((key) => key.startsWith('honeyhive_config'))).toEqual([])
  })

  test('a chain, with the messages inside its values in few words, and inputs that come late', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const graph = startChain(handler, 'graph', undefined, { messages: [human('hi')], left: 3 })
    handler.handleChainEnd({ messages: [human('hi'), ai({ content: 'yes' })] }, graph)
    const parser = nextId()
    handler.handleChainStart(serialized('Parser'), { input: '' }, parser, undefined, [], {}, 'parser', 'parser', { lc_defers_inputs: true })
    handler.handleChainEnd('yes', parser, undefined, [], { inputs: ai({ content: 'yes' }) })
    expect(attributesOf(tracer, 'graph')).toMatchObject({
      honeyhive_event_type: 'chain',
      'honeyhive_inputs.messages.0.role': 'user',
      'honeyhive_inputs.left': 3,
      'honeyhive_outputs.messages.1.content': 'yes',
    })
    expect(attributesOf(tracer, 'parser')).toMatchObject({ 'honeyhive_inputs.input.content': 'yes', 'honeyhive_outputs.output': 'yes' })
  })

  test('a tool and a retriever', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const [tool, retriever] = [nextId(), nextId()]
    handler.handleToolStart(serialized('DynamicStructuredTool'), '{"city":"Paris"}', tool, undefined, [], {}, 'get_weather', 'call-1')
    handler.handleToolEnd({ content: '{"sun":true}', tool_call_id: 'call-1', getType: () => 'tool' }, tool)
    handler.handleRetrieverStart(serialized('Store'), 'otters', retriever, undefined, [], {})
    handler.handleRetrieverEnd([{ pageContent: 'they swim', metadata: { page: 1 } }], retriever)
    expect(attributesOf(tracer, 'get_weather')).toMatchObject({
      honeyhive_event_type: 'tool',
      'honeyhive_inputs.city': 'Paris',
      'honeyhive_outputs.result.sun': true,
      'honeyhive_metadata.tool_name': 'get_weather',
      'honeyhive_metadata.tool_call_id': 'call-1',
    })
    expect(attributesOf(tracer, 'Store')).toMatchObject({
      honeyhive_event_type: 'tool',
      'honeyhive_inputs.query': 'otters',
      'honeyhive_outputs.documents.0.content': 'they swim',
      'honeyhive_outputs.documents.0.metadata.page': 1,
    })
  })

  test('failed, by what was thrown; a graph that stops to ask did not fail', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const fail = {
      model: handler.handleLLMError,
      tool: handler.handleToolError,
      retriever: handler.handleRetrieverError,
      chain: handler.handleChainError,
    }
    for (const [name, method] of Object.entries(fail)) method.call(handler, new RangeError(`no ${name}`), startChain(handler, name))
    handler.handleChainError(
      Object.assign(new Error('stop'), { is_bubble_up: true, interrupts: [{ value: 'ok?' }] }),
      startChain(handler, 'node'),
    )
    for (const name of Object.keys(fail))
      expect(attributesOf(tracer, name)).toMatchObject({ honeyhive_error: `no ${name}`, honeyhive_error_type: 'RangeError' })
    expect(attributesOf(tracer, 'node')).toMatchObject({ 'honeyhive_outputs.interrupts.0.value': 'ok?' })
    expect(attributesOf(tracer, 'node')).not.toHaveProperty('honeyhive_error')
  })

  test('without inputs and outputs, where tracer or handler leave them out', () => {
    const tracer = createTestTracer({ capture: { inputs: false } })
    callModel(createLangChainHandler(tracer, { outputs: false }), 'private question')
    expect(JSON.stringify(tracer.spans.map(({ attributes }) => attributes))).not.toMatch(/private question|yes/)
  })

  test('with metadata of the handler on runs without a parent', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer, { metadata: { job: 7 } })
    const chain = startChain(handler, 'chain')
    callModel(handler, 'one', chain)
    handler.handleChainEnd({}, chain)
    expect([attributesOf(tracer, 'chain'), attributesOf(tracer, 'model')].map((of) => of['honeyhive_metadata.job'])).toEqual([7, undefined])
  })
})

describe('the program comes first', () => {
  test('values that cannot be read leave the run without them', () => {
    const tracer = createTestTracer({ logger: { debug: () => undefined, warn: () => undefined, error: () => undefined } })
    const handler = createLangChainHandler(tracer)
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
    const id = nextId()
    handler.handleChatModelStart(hostile, hostile, id, undefined, hostile, hostile, hostile, 'model')
    handler.handleLLMEnd(hostile, id)
    const chain = startChain(handler, 'chain', undefined, hostile)
    handler.handleChainEnd(hostile, chain)
    handler.handleChainError(hostile, startChain(handler, 'failed'))
    for (const value of [undefined, null, 7, 'text']) {
      const run = nextId()
      handler.handleChatModelStart(value, value, run)
      handler.handleLLMEnd(value, run)
      handler.handleToolStart(value, value, nextId())
      handler.handleChainStart(value, value, value as never)
      handler.handleRetrieverEnd(value, value as never)
    }
    expect(tracer.spans.map(({ name }) => name)).toContain('chain')
  })

  test('runs that never end are forgotten in the end, oldest first', () => {
    const tracer = createTestTracer()
    const handler = createLangChainHandler(tracer)
    const first = startChain(handler, 'first')
    for (let i = 0; i < 10_000; i++) startChain(handler, 'left open')
    callModel(handler, 'one', first)
    expect(tracer.tree()).toEqual([{ name: 'model' }])
  })

  test('shows nothing of tracer and runs where LangChain writes its settings down', () => {
    const handler = createLangChainHandler(createTestTracer({ apiKey: 'hh-secret-key-of-a-tenant' }))
    expect(JSON.parse(JSON.stringify({ callbacks: [handler] }))).toEqual({
      callbacks: [{ lc: 1, type: 'not_implemented', id: ['honeyhive-tracer', 'langchain', 'LangChainHandler'] }],
    })
  })

  test('wrong options are refused where they are written, all at once', () => {
    const make = (): unknown => createLangChainHandler(undefined as never, { sessionID: 'x', inputs: 'no' } as never)
    expect(make).toThrow(HoneyHiveConfigError)
    expect(make).toThrow(/"sessionID"[\s\S]*"inputs"[\s\S]*"tracer"/)
  })
})

import { describe, expect } from 'vitest'
import { type MappingOptions, toEvent } from '../../src/dev/ingest/event-mapping.js'
import { decodeOtlpJson } from '../../src/otlp/decode.js'
import { detectEventType } from '../../src/semantics/event-type.js'
import { readFixture } from '../semantics/fixtures/read-fixture.js'
import { type SpanInput, test, toExport } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'

const map = (
  attributes: SpanInput['attributes'] = {},
  span: Omit<SpanInput, 'attributes'> = {},
  options: MappingOptions & { scope?: string; resource?: Record<string, string> } = {},
) => {
  const body = toExport([{ ...span, attributes }], options.resource, options.scope)
  const [decoded] = decodeOtlpJson(body, { maxSpans: 10, nowMs: 1 }).spans
  if (decoded === undefined) throw new Error('the span was rejected')
  return toEvent(decoded, options)
}

describe('the worked examples of the contract', () => {
  test('a bare GenAI span becomes a model event with its conversation and tokens', () => {
    const event = map(
      {
        'session.id': SESSION,
        'honeyhive.session_auto_create': true,
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.input_tokens': 12,
        'gen_ai.usage.output_tokens': 3,
        'gen_ai.input.messages': '[{"role":"user","content":"hi"}]',
        'gen_ai.output.messages': '[{"role":"assistant","content":"hey"}]',
      },
      { name: 'chat gpt-4o' },
    )
    expect(event).toMatchObject({
      type: 'model',
      name: 'chat gpt-4o',
      source: 'otlp',
      sessionId: SESSION,
      sessionName: 'Session',
      autoCreate: true,
      error: null,
    })
    expect(event.body.config).toEqual({ model: 'gpt-4o', provider: 'openai' })
    expect(event.body.inputs).toEqual({ chat_history: [{ role: 'user', content: 'hi' }] })
    expect(event.body.outputs).toEqual({ role: 'assistant', content: 'hey' })
    expect(event.body.metadata).toMatchObject({
      input_tokens: 12,
      prompt_tokens: 12,
      output_tokens: 3,
      completion_tokens: 3,
      total_tokens: 15,
      operation_name: 'chat',
      model_name: 'gpt-4o',
      session_id: SESSION,
    })
  })

  test('a tool span of npm honeyhive keeps its parameters and its association properties', () => {
    const event = map({
      honeyhive_event_type: 'tool',
      'honeyhive_inputs._params_.city': 'Rome',
      'honeyhive_outputs.result.temperature': 21,
      'traceloop.association.properties.session_id': SESSION,
      'traceloop.association.properties.project': 'weather',
      'traceloop.association.properties.source': 'dev',
    })
    expect(event).toMatchObject({ type: 'tool', sessionId: SESSION, source: 'dev', projectLabel: 'weather' })
    expect(event.body.inputs).toEqual({ _params_: { city: 'Rome' } })
    expect(event.body.outputs).toEqual({ result: { temperature: 21 } })
    expect(event.body.metadata).toMatchObject({ 'traceloop.association.properties.session_id': SESSION, instrumentor: 'traceloop' })
  })

  test('an evaluation row of the Python SDK carries run ids and scores', () => {
    const event = map(
      {
        honeyhive_event_type: 'chain',
        'honeyhive_metadata.run_id': 'r1',
        'honeyhive_metadata.dataset_id': 'EXT-1',
        'honeyhive_metadata.datapoint_id': 'EXT-2',
        'honeyhive_metrics.accuracy': 1,
        'honeyhive.session_id': SESSION,
      },
      { name: 'my_fn' },
    )
    expect(event).toMatchObject({ type: 'chain', name: 'my_fn' })
    expect(event.body.metadata).toMatchObject({ run_id: 'r1', dataset_id: 'EXT-1', datapoint_id: 'EXT-2' })
    expect(event.body.metrics).toEqual({ accuracy: 1 })
  })

  test('the small example of the buckets', () => {
    const event = map(
      {
        honeyhive_event_type: 'tool',
        'honeyhive_inputs.q': 'cats',
        'honeyhive_outputs.result.0.id': 7,
        'honeyhive_metrics.score': 0.9,
        team: 'blue',
      },
      { name: 'search' },
    )
    expect(event.body).toMatchObject({
      inputs: { q: 'cats' },
      outputs: { result: [{ id: 7 }] },
      metrics: { score: 0.9 },
      metadata: { team: 'blue', honeyhive_event_type: 'tool', has_otlp_lineage: true, parent_span_id: '' },
    })
  })
})

describe('event type', () => {
  test.for([
    [{ honeyhive_event_type: 'chain', 'gen_ai.request.model': 'm' }, 'chain', 'model'],
    [{ 'honeyhive.event_type': 'model' }, 'model', 'model'],
    [{ honeyhive_event_type: 'nonsense' }, 'tool', 'tool'],
    [{ 'openinference.span.kind': 'LLM' }, 'model', 'model'],
    [{ 'openinference.span.kind': 'agent' }, 'chain', 'chain'],
    [{ 'openinference.span.kind': 'RETRIEVER', 'gen_ai.request.model': 'm' }, 'tool', 'tool'],
    [{ 'openinference.span.kind': 'GUARDRAIL', honeyhive_event_type: 'chain' }, 'chain', 'tool'],
    [{ 'traceloop.span.kind': 'workflow' }, 'chain', 'chain'],
    [{ 'traceloop.span.kind': 'tool' }, 'tool', 'tool'],
    [{ 'gen_ai.operation.name': 'chat' }, 'model', 'model'],
    [{ 'gen_ai.operation.name': 'invoke_agent' }, 'chain', 'chain'],
    [{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.request.model': 'm' }, 'tool', 'tool'],
    [{ 'gen_ai.agent.name': 'planner' }, 'chain', 'chain'],
    [{ 'gen_ai.agent.name': 'planner', 'gen_ai.request.model': 'm' }, 'model', 'model'],
    [{ 'llm.request.type': 'chat' }, 'model', 'model'],
    [{ 'gen_ai.prompt.0.role': 'user' }, 'model', 'model'],
    [{ 'input.value': 'x' }, 'model', 'model'],
    [{ 'input.value': '' }, 'tool', 'tool'],
    [{ constructor: 'x' }, 'tool', 'tool'],
    [{}, 'tool', 'tool'],
  ] as const)('%j is %s, and %s in strict mode', ([attributes, type, strictType]) => {
    expect([map(attributes).type, map(attributes, {}, { strict: true }).type]).toEqual([type, strictType])
  })
})

describe('the spans of real packages', () => {
  const NAMES = [
    'openinference-openai',
    'openinference-langchain',
    'traceloop-openai',
    'opentelemetry-openai',
    'ai-sdk-5',
    'ai-sdk-6',
    'ai-sdk-7',
  ]

  test.for(NAMES)('are the same events through the SDK and as plain OTLP: %s', (name) => {
    for (const { attributes, events, scope } of readFixture(name)) {
      const type = detectEventType(
        attributes,
        events.map((event) => event.name),
      )
      expect(map(attributes, {}, { scope }).type).toBe(type)
      expect(map({ ...attributes, honeyhive_event_type: type }, {}, { scope }).type).toBe(type)
    }
  })

  test.for([
    ['openinference-openai', 'OpenAI Embeddings', ['one', 'two'], 2],
    ['ai-sdk-6', 'ai.embed.doEmbed', 'one', 1],
  ] as const)('an embedding of %s keeps its input and the size of its output', ([fixture, name, input, embeddings]) => {
    const span = readFixture(fixture).find((candidate) => candidate.name === name)
    const { type, body } = map(span?.attributes)
    expect(type).toBe('model')
    expect([body.inputs, body.outputs]).toEqual([{ input }, { embeddings, dimensions: 4 }])
    expect(JSON.stringify(body)).not.toContain('0.75')
  })

  test('an embedding that Bedrock was asked for by InvokeModel has the size of its output, and no answer', () => {
    const { type, body } = map(readFixture('openinference-bedrock').at(-1)?.attributes)
    expect(type).toBe('model')
    expect(body.inputs).toMatchObject({ inputText: 'Say marker-C-embeddings please' })
    expect(body.outputs).toEqual({ embeddings: 1, dimensions: 4 })
    expect(body.metadata).toMatchObject({ prompt_tokens: 11, total_tokens: 11 })
  })

  test.for([
    ['Converse', 0],
    ['InvokeModel', 3],
  ] as const)('counts that %s leaves off the span are read from the reply', ([, id]) => {
    const attributes = readFixture('openinference-bedrock').find((span) => span.id === id)?.attributes
    expect(attributes?.['llm.token_count.prompt']).toBe(6)
    const used = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, cache_read_input_tokens: 3, cache_write_input_tokens: 2 }
    expect(map(attributes).body.metadata).toMatchObject(used)
  })

  test('what Gemini thought is a part of what came out', () => {
    const { metadata } = map(readFixture('traceloop-google')[0]?.attributes).body
    expect(metadata).toMatchObject({ prompt_tokens: 11, completion_tokens: 7, output_tokens: 7, reasoning_tokens: 2, total_tokens: 18 })
  })

  test('the reply of a chain is not what a model used', () => {
    const value = JSON.stringify({ usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } })
    expect(map({ 'openinference.span.kind': 'CHAIN', 'output.value': value }).body.metadata).not.toHaveProperty('prompt_tokens')
  })

  test('the result of a tool is not encoded twice, and the tools on offer are read', () => {
    const [first, tool] = readFixture('ai-sdk-6')
    expect(map(tool?.attributes).body).toMatchObject({ inputs: { city: 'Rome' }, outputs: { result: '18C Rome' } })
    expect(map(first?.attributes).body.config.tools).toMatchObject([{ name: 'weather', inputSchema: { type: 'object' } }])
    const [, listed] = readFixture('openinference-openai')
    expect(map(listed?.attributes).body.config.tools).toMatchObject([{ function: { name: 'weather' } }])
    const result = readFixture('openinference-langchain').find(({ name }) => name === 'weather')
    expect(map(result?.attributes).body.outputs).toEqual({ message: '18C Rome' })
  })

  test('what is said under the names of two conventions is said once', () => {
    const [call] = readFixture('ai-sdk-6')
    const { metadata } = map(call?.attributes).body
    expect(metadata).toMatchObject({ prompt_tokens: 100, cache_read_input_tokens: 64, reasoning_tokens: 8, total_tokens: 120 })
    expect(Object.keys(metadata).filter((key) => /cached|cacheRead|reasoningTokens|gen_ai\.usage/.test(key))).toEqual([])
  })
})

describe('session of a span', () => {
  test('honeyhive.session_id wins over the association property, which wins over session.id', () => {
    const other = '99999999-1111-4222-8333-444455556666'
    expect(
      map({ 'session.id': 'web-7', 'traceloop.association.properties.session_id': other, 'honeyhive.session_id': SESSION }).sessionId,
    ).toBe(SESSION)
    expect(map({ 'session.id': 'web-7', 'traceloop.association.properties.session_id': other }).sessionId).toBe(other)
    const event = map({ 'session.id': 'web-7', 'honeyhive.session_id': SESSION.toUpperCase() })
    expect([event.sessionId, event.body.metadata.session_id]).toEqual([SESSION, 'web-7'])
  })

  test('text that is no UUID becomes its UUIDv5 in the DNS namespace', () => {
    expect(map({ 'session.id': 'python.org' }).sessionId).toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d')
  })

  test('the AI SDK names it on the Next.js route only; without any the trace stands in', () => {
    const attributes = { 'ai.telemetry.metadata.sessionId': SESSION }
    expect(map(attributes, {}, { nextJs: true })).toMatchObject({ sessionId: SESSION, hasSession: true })
    expect(map(attributes, { traceId: '0af7651916cd43dd8448eb211c80319c' })).toMatchObject({
      sessionId: '0af76519-16cd-43dd-8448-eb211c80319c',
      hasSession: false,
    })
  })

  test('attributes of the resource count, those of the span win', () => {
    const resource = { 'honeyhive.session_id': SESSION, 'honeyhive.source': 'resource', team: 'red' }
    const event = map({ team: 'blue' }, {}, { resource })
    expect([event.sessionId, event.source, event.body.metadata.team]).toEqual([SESSION, 'resource', 'blue'])
  })
})

describe('buckets', () => {
  test('both spellings, bare JSON and indexed lists reach the same bucket', () => {
    const { inputs, config } = map({
      'honeyhive_inputs.a.b': 1,
      'honeyhive.inputs.c': 2,
      honeyhive_inputs: '{"d":3}',
      'honeyhive_config.tools.0.name': 'x',
      'honeyhive_config.tools.1.name': 'y',
    }).body
    expect(inputs).toEqual({ a: { b: 1 }, c: 2, d: 3 })
    expect(config).toEqual({ tools: [{ name: 'x' }, { name: 'y' }] })
  })

  test('JSON text inside is read, unless that is switched off', () => {
    const attributes = { 'honeyhive_inputs.q': '{"x":[1,2]}', 'honeyhive_inputs.text': '{not json' }
    expect(map(attributes).body.inputs).toEqual({ q: { x: [1, 2] }, text: '{not json' })
    expect(map(attributes, {}, { parseJson: false }).body.inputs).toEqual({ q: '{"x":[1,2]}', text: '{not json' })
  })

  test('a key that is leaf and prefix at once keeps both', () => {
    expect(map({ 'honeyhive_inputs.a': 1, 'honeyhive_inputs.a.b': 2 }).body.inputs).toEqual({ a: { _value: 1, b: 2 } })
    expect(map({ 'honeyhive_inputs.a.b': 2, 'honeyhive_inputs.a': 1 }).body.inputs).toEqual({ a: { _value: 1, b: 2 } })
  })

  test('S22 H92 keys that spell prototypes stay data', () => {
    const attributes = {
      'honeyhive_inputs.__proto__.polluted': true,
      'honeyhive_inputs.constructor.prototype.polluted': true,
      '__proto__.polluted': true,
      'honeyhive_metadata.__proto__': '{"polluted":1}',
    }
    const event = map(attributes, { events: [{ name: '__proto__', attributes: { polluted: true } }] })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(JSON.parse(JSON.stringify(event.body.inputs)) as unknown).toEqual(
      JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    )
  })

  test('a name with ten thousand dots does not exhaust the stack', () => {
    const { inputs } = map({ [`honeyhive_inputs.${'a.'.repeat(10_000)}b`]: 1 }).body
    expect(JSON.stringify(inputs).length).toBeGreaterThan(20_000)
  })
})

describe('vocabularies', () => {
  test('OpenInference: indexed messages, invocation parameters, tools and token counts', () => {
    const { body } = map({
      'openinference.span.kind': 'LLM',
      'llm.model_name': 'gpt-4o',
      'llm.provider': 'openai',
      'llm.system': 'oai',
      'llm.invocation_parameters': '{"temperature":0.5}',
      'llm.input_messages.0.message.role': 'system',
      'llm.input_messages.0.message.content': 'be brief',
      'llm.input_messages.1.message.role': 'user',
      'llm.input_messages.1.message.contents.0.message_content.type': 'text',
      'llm.input_messages.1.message.contents.0.message_content.text': 'hi',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.content': '',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'lookup',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"q":1}',
      'llm.token_count.prompt': 5,
      'llm.token_count.completion': 2,
      'llm.token_count.total': 7,
      'session.id': 's',
      metadata: '{"team":"a"}',
    })
    expect(body.config).toMatchObject({ model: 'gpt-4o', provider: 'openai', temperature: 0.5 })
    expect(body.inputs).toEqual({
      chat_history: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'hi' },
      ],
    })
    expect(body.outputs).toEqual({ role: 'assistant', content: '', tool_calls: [{ name: 'lookup', arguments: { q: 1 } }] })
    expect(body.metadata).toMatchObject({
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      span_kind: 'LLM',
      system: 'oai',
      team: 'a',
      instrumentor: 'openinference',
    })
  })

  test('OpenInference: input.value and output.value by event type', () => {
    expect(
      map({ 'openinference.span.kind': 'TOOL', 'input.value': '{"q":1}', 'output.value': 'done', 'output.mime_type': 'text/plain' }).body,
    ).toMatchObject({ inputs: { q: 1 }, outputs: { message: 'done' }, metadata: { output_mime_type: 'text/plain' } })
    expect(map({ 'openinference.span.kind': 'CHAIN', 'input.value': 'question', 'output.value': 'answer' }).body).toMatchObject({
      inputs: { value: 'question' },
      outputs: { role: 'assistant', content: 'answer' },
    })
    expect(
      map({
        'openinference.span.kind': 'LLM',
        'input.value': '{"messages":[{"role":"user","content":"hi"}],"model":"m"}',
        'output.value': 'hey',
      }).body,
    ).toMatchObject({
      inputs: { chat_history: [{ role: 'user', content: 'hi' }], model: 'm' },
      outputs: { role: 'assistant', content: 'hey' },
    })
  })

  test('GenAI: messages with parts and tool calls, finish reasons, cache tokens, cost', () => {
    const { body } = map({
      'gen_ai.operation.name': 'chat',
      'gen_ai.system': 'anthropic',
      'gen_ai.request.model': 'claude',
      'gen_ai.response.model': 'claude-4',
      'gen_ai.request.max_tokens': 9,
      'gen_ai.request.temperature': 0.2,
      'gen_ai.input.messages': JSON.stringify([
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'a' },
            { type: 'text', content: 'b' },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 't1', response: { ok: 1 } }] },
      ]),
      'gen_ai.output.messages': JSON.stringify([
        { role: 'assistant', parts: [{ type: 'tool_call', id: 't2', name: 'f', arguments: { x: 1 } }], finish_reason: 'tool_call' },
      ]),
      'gen_ai.response.finish_reasons': ['stop', 'length'],
      'gen_ai.usage.cache_read.input_tokens': 3,
      'gen_ai.usage.cost': 0.01,
      'gen_ai.response.id': 'resp',
      'gen_ai.server.ttft': 12,
      'gen_ai.system_instructions': '[{"type":"text","content":"s"}]',
    })
    expect(body.config).toEqual({ model: 'claude', provider: 'anthropic', max_completion_tokens: 9, temperature: 0.2 })
    expect(body.inputs).toMatchObject({
      chat_history: [
        { role: 'user', content: 'ab' },
        { role: 'tool', content: { ok: 1 }, tool_call_id: 't1' },
      ],
      system_prompt: [{ type: 'text', content: 's' }],
    })
    expect(body.outputs).toEqual({
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 't2', name: 'f', arguments: { x: 1 } }],
      finish_reason: 'tool_call',
    })
    expect(body.metadata).toMatchObject({
      system: 'anthropic',
      finish_reasons: ['stop', 'length'],
      finish_reason: 'stop',
      cache_read_input_tokens: 3,
      response_id: 'resp',
      response_model: 'claude-4',
      model_name: 'claude-4',
    })
    expect(body.metrics).toEqual({ cost: 0.01, ttft_ms: 12 })
  })

  test('GenAI: indexed prompts and several completions', () => {
    const { body } = map({
      'gen_ai.prompt.0.role': 'user',
      'gen_ai.prompt.0.content': 'hi',
      'gen_ai.prompt.1.role': 'assistant',
      'gen_ai.prompt.1.tool_calls.0.name': 'f',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.content': 'x',
      'gen_ai.completion.1.role': 'assistant',
      'gen_ai.completion.1.content': 'y',
      'gen_ai.usage.prompt_tokens': 4,
      'gen_ai.usage.completion_tokens': 6,
    })
    expect(body.inputs).toEqual({
      chat_history: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: '', tool_calls: [{ name: 'f' }] },
      ],
    })
    expect(body.outputs).toEqual({
      chat_history: [
        { role: 'assistant', content: 'x' },
        { role: 'assistant', content: 'y' },
      ],
    })
    expect(body.metadata).toMatchObject({ prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 })
  })

  test('GenAI: messages as span events', () => {
    const { type, body } = map(
      {},
      {
        events: [
          { name: 'gen_ai.user.message', attributes: { content: 'hi' } },
          { name: 'gen_ai.choice', attributes: { message: '{"role":"assistant","content":"hey"}', finish_reason: 'stop' } },
          { name: 'exception', attributes: { 'exception.message': 'boom' } },
          { name: 'exception', attributes: { 'exception.message': 'again' } },
        ],
      },
    )
    expect(type).toBe('model')
    expect(body.inputs).toEqual({ chat_history: [{ role: 'user', content: 'hi' }] })
    expect(body.outputs).toEqual({ role: 'assistant', content: 'hey', finish_reason: 'stop' })
    expect(body.metadata).toMatchObject({
      '_event.exception.exception.message': 'boom',
      '_event.exception.1.exception.message': 'again',
      '_meta.event_count': 4,
      instrumentor: 'aws-strands',
    })
  })

  test('Traceloop: entity input and output, kind and names', () => {
    const { type, body } = map({
      'traceloop.span.kind': 'task',
      'traceloop.entity.input': '{"args":[1]}',
      'traceloop.entity.output': '"text"',
      'traceloop.workflow.name': 'flow',
    })
    expect(type).toBe('chain')
    expect(body).toMatchObject({
      inputs: { args: [1] },
      outputs: { value: 'text' },
      metadata: { span_kind: 'task', 'traceloop.workflow.name': 'flow', instrumentor: 'traceloop' },
    })
  })

  test('AI SDK: prompt messages, response text and tool calls, settings and usage', () => {
    const { type, body } = map(
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.id': 'gpt-4o',
        'ai.model.provider': 'openai.chat',
        'ai.settings.temperature': 0.1,
        'ai.prompt.messages': '[{"role":"user","content":[{"type":"text","text":"h"},{"type":"text","text":"i"}]}]',
        'ai.response.text': 'hey',
        'ai.response.toolCalls': '[{"toolName":"f"}]',
        'ai.response.finishReason': 'stop',
        'ai.usage.promptTokens': 3,
        'ai.usage.completionTokens': 4,
        'ai.telemetry.metadata.team': 'x',
        'ai.telemetry.functionId': 'fn',
      },
      {},
      { scope: 'ai' },
    )
    expect(type).toBe('model')
    expect(body.config).toEqual({ model: 'gpt-4o', provider: 'openai.chat', temperature: 0.1 })
    expect(body.inputs).toEqual({ chat_history: [{ role: 'user', content: 'hi' }] })
    expect(body.outputs).toEqual({ role: 'assistant', content: 'hey', tool_calls: [{ name: 'f' }], finish_reason: 'stop' })
    expect(body.metadata).toMatchObject({
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
      team: 'x',
      'ai.telemetry.functionId': 'fn',
      finish_reason: 'stop',
      instrumentor: 'vercel-ai',
    })
  })

  test('tools, agents, MCP, databases and queues', () => {
    const { body } = map({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'f',
      'gen_ai.tool.call.id': 'c1',
      'gen_ai.tool.call.arguments': '{"x":1}',
      'gen_ai.tool.call.result': '{"y":2}',
      'gen_ai.agent.name': 'planner',
      'mcp.server.name': 'srv',
      'db.system': 'pg',
      'messaging.destination.name': 'q',
      'user.id': 'u',
      'gen_ai.conversation.id': 'conv',
      'pinecone.usage.read_units': 2,
      'gpu.load': 5,
    })
    expect(body).toMatchObject({
      inputs: { x: 1 },
      outputs: { y: 2 },
      config: { tool_name: 'f', db_vendor: 'pg', destination: 'q' },
      metrics: { pinecone: { usage: { read_units: 2 } }, gpu: { load: 5 } },
      metadata: {
        tool_name: 'f',
        tool_call_id: 'c1',
        agent_name: 'planner',
        mcp_server_name: 'srv',
        messaging_destination: 'q',
        user_id: 'u',
        conversation_id: 'conv',
      },
    })
  })

  test('own buckets fill their keys, other vocabularies only add next to them', () => {
    const { body } = map({
      'honeyhive_config.model': 'mine',
      'gen_ai.request.model': 'theirs',
      'honeyhive_inputs.q': 1,
      'gen_ai.input.messages': '[{"role":"user","content":"hi"}]',
    })
    expect(body.config.model).toBe('mine')
    expect(body.metadata['gen_ai.request.model']).toBe('theirs')
    expect(body.inputs).toEqual({ q: 1, chat_history: [{ role: 'user', content: 'hi' }] })
  })

  test('provider.name wins over system, and the loser is still there', () => {
    const { body } = map({ 'gen_ai.system': 'az', 'gen_ai.provider.name': 'openai', 'llm.provider': 'other' })
    expect([body.config.provider, body.metadata.provider, body.metadata.system, body.metadata['llm.provider']]).toEqual([
      'openai',
      'openai',
      'az',
      'other',
    ])
  })
})

describe('error', () => {
  test('honeyhive_error, else an HTTP status from 400, else the span status outside strict mode', () => {
    const failed = { status: { code: 'STATUS_CODE_ERROR', message: 'status text' } }
    expect(map({ honeyhive_error: 'named', 'http.response.status_code': 500 }, failed).error).toBe('named')
    expect(map({ 'http.response.status_code': 503 }).error).toBe('HTTP 503')
    expect(map({ 'http.response.status_code': 200 }).error).toBeNull()
    expect(map({}, failed).error).toBe('status text')
    expect(map({}, { status: { code: 2 }, events: [{ name: 'exception', attributes: { 'exception.message': 'boom' } }] }).error).toBe(
      'boom',
    )
    expect(map({}, failed, { strict: true }).error).toBeNull()
  })
})

test('protocol attributes steer and are not shown', () => {
  const { body, ...root } = map({
    'honeyhive.session_id': SESSION,
    'honeyhive.project': 'p',
    'honeyhive.source': 's',
    'honeyhive.session_name': 'n',
    'honeyhive.parent_id': SESSION,
    honeyhive_event_name: 'shown',
    honeyhive_event_id: SESSION.toUpperCase(),
    'honeyhive.experiment_metadata': '{"run_id":"r"}',
  })
  expect(root).toMatchObject({ projectLabel: 'p', source: 's', sessionName: 'n', name: 'shown', eventId: SESSION, explicitParent: SESSION })
  expect(Object.keys(body.metadata).filter((key) => key.startsWith('honeyhive'))).toEqual([])
  expect(body.metadata.run_id).toBe('r')
  expect(map({ honeyhive_event_id: 'not-a-uuid' }).eventId).toBeUndefined()
})

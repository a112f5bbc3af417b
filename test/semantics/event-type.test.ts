import { describe, expect, it } from 'vitest'
import { detectEventType, inferEventType, isLlmSpan, toEventType } from '../../src/semantics/event-type.js'
import { readFixture } from './fixtures/read-fixture.js'

describe('inferEventType', () => {
  it.each([
    [{ 'openinference.span.kind': 'LLM' }, 'model'],
    [{ 'openinference.span.kind': 'EMBEDDING' }, 'model'],
    [{ 'openinference.span.kind': 'agent' }, 'chain'],
    [{ 'openinference.span.kind': 'EVALUATOR' }, 'chain'],
    [{ 'openinference.span.kind': 'RETRIEVER', 'gen_ai.request.model': 'm' }, 'tool'],
    [{ 'openinference.span.kind': 'later', 'gen_ai.operation.name': 'chat' }, 'model'],
    [{ 'traceloop.span.kind': 'workflow', 'gen_ai.operation.name': 'chat' }, 'chain'],
    [{ 'traceloop.span.kind': 'task', 'gen_ai.operation.name': 'execute_tool' }, 'tool'],
    [{ 'traceloop.span.kind': 'task' }, 'chain'],
    [{ 'langsmith.span.kind': 'llm' }, 'model'],
    [{ 'genkit:type': 'action', 'genkit:metadata:subtype': 'model' }, 'model'],
    [{ 'genkit:type': 'action', 'genkit:metadata:subtype': 'retriever' }, 'tool'],
    [{ 'genkit:type': 'action', 'genkit:metadata:subtype': 'agent' }, 'chain'],
    [{ 'genkit:type': 'flowStep' }, 'chain'],
    [{ 'mastra.span.type': 'rag_embedding' }, 'model'],
    [{ 'mastra.span.type': 'model_step', 'gen_ai.operation.name': 'model.step' }, 'chain'],
    [{ 'mastra.span.type': 'model_inference' }, 'model'],
    [{ 'gen_ai.operation.name': 'embeddings', 'gen_ai.request.model': 'm' }, 'model'],
    [{ 'gen_ai.operation.name': 'invoke_workflow' }, 'chain'],
    [{ 'gen_ai.operation.name': 'agent_step' }, 'chain'],
    [{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.request.model': 'm' }, 'tool'],
    [{ 'ai.operationId': 'ai.generateText', 'ai.model.id': 'm' }, 'chain'],
    [{ 'ai.operationId': 'ai.embedMany.doEmbed', 'ai.model.id': 'm' }, 'model'],
    [{ 'ai.operationId': 'ai.toolCall' }, 'tool'],
    [{ 'gen_ai.agent.name': 'planner' }, 'chain'],
    [{ 'gen_ai.agent.name': 'planner', 'gen_ai.request.model': 'm' }, 'model'],
    [{ 'gen_ai.agent.name': 'planner', 'gen_ai.tool.name': 'search' }, 'tool'],
    [{ 'gen_ai.prompt.3.content': 'hi' }, 'model'],
    [{ 'llm.output_messages.0.message.role': 'assistant' }, 'model'],
    [{ 'input.value': 'question' }, 'model'],
    [{ 'input.value': '' }, undefined],
    [{ 'gen_ai.promptly.0': 'x', 'openinference.span.kind': 7, 'gen_ai.operation.name': 'toString' }, undefined],
    [{}, undefined],
  ] as const)('says of %j that it is %s', (attributes, type) => {
    expect(inferEventType(attributes)).toBe(type)
    expect(detectEventType(attributes)).toBe(type ?? 'tool')
  })

  it('knows a model call by its span events', () => {
    expect(inferEventType({}, ['exception', 'gen_ai.choice'])).toBe('model')
  })

  it.each([
    ['openinference-openai', { 'OpenAI Chat Completions': 'model', 'OpenAI Embeddings': 'model', 'OpenAI Responses': 'model' }],
    ['openinference-anthropic', { 'Anthropic Messages': 'model' }],
    [
      'openinference-langchain',
      {
        __start__: 'chain',
        ChatOpenAI: 'model',
        RunnableLambda: 'chain',
        model_request: 'chain',
        weather: 'tool',
        tools: 'chain',
        LangGraph: 'chain',
      },
    ],
    ['traceloop-openai', { 'chat gpt-test': 'model' }],
    ['traceloop-anthropic', { 'chat claude-test': 'model' }],
    ['opentelemetry-openai', { 'chat gpt-test': 'model', 'embeddings embed-test': 'model' }],
    ...(['ai-sdk-5', 'ai-sdk-6'] as const).map(
      (name) =>
        [
          name,
          {
            'ai.generateText': 'chain',
            'ai.generateText.doGenerate': 'model',
            'ai.toolCall': 'tool',
            'ai.streamText': 'chain',
            'ai.streamText.doStream': 'model',
            'ai.embed': 'chain',
            'ai.embed.doEmbed': 'model',
            'ai.embedMany': 'chain',
            'ai.embedMany.doEmbed': 'model',
          },
        ] as const,
    ),
    [
      'ai-sdk-7',
      {
        'invoke_agent gpt-test': 'chain',
        'step 1': 'chain',
        'step 2': 'chain',
        'chat gpt-test': 'model',
        'execute_tool weather': 'tool',
        'embeddings embed-test': 'model',
      },
    ],
    ['genkit', { ask: 'chain', generate: 'chain', 'local/gpt-test': 'model', 'local/embed-test': 'model', weather: 'tool' }],
    [
      'mastra',
      {
        'invoke_agent assistant': 'chain',
        'chat gpt-test': 'model',
        'model_step assistant': 'chain',
        'model_inference assistant': 'model',
        'model_chunk assistant': 'generic',
        'execute_tool weather': 'tool',
      },
    ],
    ['openinference-agents', { 'Agent workflow': 'chain', assistant: 'chain', turn: 'chain', response: 'model', weather: 'tool' }],
    ['traceloop-mcp', { 'mcp.client.session': 'chain', 'initialize.mcp': undefined, 'weather.tool': 'tool' }],
  ] as const)('says what the spans of %s are', (name, types) => {
    const found = readFixture(name).map((span) => [span.name, inferEventType(span.attributes)])
    expect(Object.fromEntries(found)).toEqual(types)
  })
})

describe('toEventType', () => {
  it.each([
    ['model', 'model'],
    ['Chain', 'chain'],
    ['nonsense', undefined],
    ['constructor', undefined],
    [7, undefined],
  ])('reads %j as %s', (value, type) => {
    expect(toEventType(value)).toBe(type)
  })
})

describe('isLlmSpan', () => {
  it.each([
    'openinference-openai',
    'openinference-anthropic',
    'openinference-langchain',
    'traceloop-openai',
    'traceloop-anthropic',
    'opentelemetry-openai',
    'ai-sdk-5',
    'ai-sdk-6',
    'ai-sdk-7',
  ])('is true of every span that %s made', (name) => {
    const spans = readFixture(name)
    expect(spans.length).toBeGreaterThan(0)
    expect(spans.filter(({ attributes }) => !isLlmSpan(attributes)).map((span) => span.name)).toEqual([])
  })

  it.each([
    [{ 'gen_ai.operation.name': 'something new' }],
    [{ 'openinference.span.kind': 'UNKNOWN' }],
    [{ 'gen_ai.system': 'openai' }],
    [{ 'gen_ai.provider.name': 'openai' }],
    [{ 'mcp.tool.name': 'search' }],
    [{ honeyhive_event_type: 'chain' }],
  ])('is true of %j', (attributes) => {
    expect(isLlmSpan(attributes)).toBe(true)
  })

  it.each([
    [{}],
    [{ 'http.request.method': 'POST', 'url.full': 'https://api.openai.com/v1/chat/completions' }],
    [{ 'db.system.name': 'postgresql', 'db.query.text': 'select 1' }],
    [{ 'messaging.system': 'kafka' }],
    [{ 'rpc.method': 'Chat' }],
    [{ 'next.span_type': 'BaseServer.handleRequest', 'operation.name': 'web.request' }],
    [{ 'traceloop.association.properties.user': 'u', 'traceloop.workflow.name': 'w' }],
    [{ 'session.id': 's', 'user.id': 'u', 'gen_ai.system': '' }],
  ])('is false of %j', (attributes) => {
    expect(isLlmSpan(attributes)).toBe(false)
  })

  it('looks at span events too', () => {
    expect([isLlmSpan({}, ['exception', 'gen_ai.choice']), isLlmSpan({}, ['exception'])]).toEqual([true, false])
  })
})

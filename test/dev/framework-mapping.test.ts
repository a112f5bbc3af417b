import { describe, expect, test } from 'vitest'
import { toEvent } from '../../src/dev/ingest/event-mapping.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { readFixture } from '../semantics/fixtures/read-fixture.js'

const CALL = { id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }
const QUESTION = { role: 'user', content: 'Weather in Rome?' }

const map = (attributes: DecodedSpan['attributes'], scopeName = 'scope') =>
  toEvent({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: '',
    name: 'span',
    startMs: 0,
    endMs: 1,
    attributes,
    events: [],
    links: [],
    isError: false,
    statusMessage: '',
    scopeName,
    scopeVersion: '',
    resource: {},
  })

/** The events of the spans of this name, in the order in which they ended. */
const eventsOf = (fixture: string, name: string) =>
  readFixture(fixture)
    .filter((span) => span.name === name)
    .map((span) => map(span.attributes, span.scope))

describe('Genkit', () => {
  test('a model call has its conversation, its model, its settings and what it used', () => {
    const [first, second] = eventsOf('genkit', 'local/gpt-test')
    expect(first?.body).toMatchObject({
      inputs: { chat_history: [QUESTION] },
      outputs: { role: 'assistant', content: '', tool_calls: [CALL] },
      config: { model: 'local/gpt-test', provider: 'local', temperature: 0.5, tools: [{ name: 'weather' }] },
      metadata: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, finish_reason: 'stop' },
    })
    expect(second?.body.inputs).toEqual({
      chat_history: [
        QUESTION,
        { role: 'assistant', content: '', tool_calls: [CALL] },
        { role: 'tool', content: '18C Rome', tool_call_id: 'call_1', name: 'weather' },
      ],
    })
    expect(second?.body.outputs).toEqual({ role: 'assistant', content: 'It is sunny.' })
  })

  test('tools, embeddings and the steps around them have what went in and out', () => {
    expect(eventsOf('genkit', 'weather')[0]?.body).toMatchObject({ inputs: { city: 'Rome' }, outputs: { result: '18C Rome' } })
    expect(eventsOf('genkit', 'local/embed-test')[0]?.body).toMatchObject({
      inputs: { input: 'Weather in Rome?' },
      outputs: { embeddings: 1, dimensions: 4 },
      config: { model: 'local/embed-test' },
    })
    expect(eventsOf('genkit', 'ask')[0]?.body).toMatchObject({
      inputs: { value: 'Weather in Rome?' },
      outputs: { role: 'assistant', content: 'It is sunny.' },
    })
    const [inner] = eventsOf('genkit', 'generate')
    expect(inner?.body.outputs).toEqual({ role: 'assistant', content: 'It is sunny.' })
    expect(inner?.body.inputs).toMatchObject({ model: 'local/gpt-test', chat_history: { length: 3 } })
  })

  test('nothing of it is left in its own words', () => {
    const bodies = readFixture('genkit').map((span) => map(span.attributes).body)
    expect(bodies.flatMap(({ metadata }) => Object.keys(metadata)).filter((key) => /genkit:(in|out)put/.test(key))).toEqual([])
  })

  test.each([
    [
      { media: { url: 'https://a.example/cat.png', contentType: 'image/png' } },
      { type: 'image', mime_type: 'image/png', url: 'https://a.example/cat.png' },
    ],
    [{ reasoning: 'It asks for weather.' }, { type: 'reasoning', text: 'It asks for weather.' }],
  ])('reads the part %j', (part, read) => {
    const messages = [{ role: 'user', content: [{ text: 'Look:' }, part] }]
    const { inputs } = map({
      'genkit:type': 'action',
      'genkit:metadata:subtype': 'model',
      'genkit:input': JSON.stringify({ messages }),
    }).body
    expect(inputs).toEqual({ chat_history: [{ role: 'user', content: [{ type: 'text', text: 'Look:' }, read] }] })
  })

  test.each([{}, { 'genkit:input': 'no JSON', 'genkit:output': '7' }, { 'genkit:input': 5, 'genkit:output': '[]' }])(
    'values that are none of its own throw nothing: %j',
    (values) => {
      for (const subtype of ['model', 'embedder', 'tool', 'flow', 'constructor'])
        expect(() => map({ 'genkit:type': 'action', 'genkit:metadata:subtype': subtype, ...values })).not.toThrow()
    },
  )
})

describe('Mastra', () => {
  test('agent, steps and calls have what went in and out as conversations', () => {
    const answer = { role: 'assistant', content: 'It is sunny.' }
    expect(eventsOf('mastra', 'invoke_agent assistant')[0]?.body).toMatchObject({
      inputs: { chat_history: [QUESTION], system_prompt: 'Be brief.' },
      outputs: answer,
    })
    const [firstStep, secondStep] = eventsOf('mastra', 'model_step assistant')
    expect(firstStep?.body.inputs).toEqual({ chat_history: [{ role: 'system', content: 'Be brief.' }, QUESTION] })
    expect(firstStep?.body.outputs).toEqual({ role: 'assistant', content: '', tool_calls: [CALL] })
    expect(secondStep?.body.outputs).toEqual(answer)
    expect(eventsOf('mastra', 'model_inference assistant')[1]?.body.outputs).toEqual(answer)
  })

  test('what is no conversation is a value', () => {
    const { inputs, outputs } = map({
      'mastra.span.type': 'workflow_step',
      'mastra.workflow_step.input': '{"city":"Rome"}',
      'mastra.workflow_step.output': '{"degrees":18}',
    }).body
    expect([inputs, outputs]).toEqual([{ city: 'Rome' }, { message: { degrees: 18 } }])
  })

  test('the name of a type that is spelled otherwise leaves attributes of other names alone', () => {
    expect(map({ 'mastra.span.type': 'agent_run', 'mastra.other.input': 'x' }).body.metadata).toMatchObject({ 'mastra.other.input': 'x' })
  })
})

describe('LangChain', () => {
  test.each(['openinference-langchain', 'openinference-langchain-responses'])('calls and results in %s name each other', (fixture) => {
    const [first, second] = eventsOf(fixture, 'ChatOpenAI')
    expect(first?.body.outputs).toMatchObject({ tool_calls: [CALL] })
    const messages = second?.body.inputs['chat_history'] as readonly object[]
    expect(messages[1]).toMatchObject({ role: 'assistant', tool_calls: [CALL] })
    expect(messages[2]).toMatchObject({ role: 'tool', content: '18C Rome', tool_call_id: 'call_1' })
  })

  test('the answer of a response is there, whose parts the instrumentor leaves out', () => {
    const [, second] = eventsOf('openinference-langchain-responses', 'ChatOpenAI')
    expect(second?.body.outputs).toMatchObject({
      content: [
        { type: 'reasoning', text: 'The user asks for weather.' },
        { type: 'text', text: 'It is sunny.' },
      ],
    })
  })

  test.each([
    ['openinference-langchain', 'LangGraph'],
    ['traceloop-langchain', 'workflow CompiledStateGraph'],
  ])('the state of a graph in %s is a conversation, not the serialised objects', (fixture, name) => {
    const [{ inputs, outputs } = { inputs: {}, outputs: {} }] = eventsOf(fixture, name).map(({ body }) => body)
    expect(inputs).toEqual({ chat_history: [QUESTION] })
    expect(outputs).toMatchObject({ chat_history: expect.arrayContaining([expect.objectContaining(QUESTION)]) })
    expect(JSON.stringify(outputs)).not.toContain('lc')
  })

  test('a prompt, a message and other keys of a state are kept', () => {
    const lc = (kind: string, kwargs: object) => ({ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', kind], kwargs })
    const chain = (value: unknown) => map({ 'openinference.span.kind': 'CHAIN', 'output.value': JSON.stringify(value) }).body.outputs
    expect(chain(lc('AIMessage', { content: 'hi' }))).toEqual({ role: 'assistant', content: 'hi' })
    expect(chain(lc('ChatPromptValue', { messages: [lc('HumanMessage', { content: 'q' })] }))).toEqual({ role: 'user', content: 'q' })
    expect(chain({ messages: [lc('AIMessage', { content: 'hi' })], steps: 2 })).toEqual({
      chat_history: [{ role: 'assistant', content: 'hi' }],
      steps: 2,
    })
    expect(chain({ messages: 2 })).toEqual({ message: { messages: 2 } })
  })

  test("Traceloop's record of a call shows the arguments as such", () => {
    expect(eventsOf('traceloop-langchain', 'execute_tool DynamicStructuredTool')[0]).toMatchObject({
      type: 'tool',
      body: { inputs: { city: 'Rome' }, outputs: { value: '18C Rome' } },
    })
    const entity = (input: unknown) => map({ 'traceloop.span.kind': 'task', 'traceloop.entity.input': JSON.stringify(input) }).body.inputs
    expect(entity({ args: [], kwargs: { query: 'q' } })).toEqual({ query: 'q' })
    expect(entity({ args: ['q', 2], kwargs: {} })).toEqual({ args: ['q', 2] })
    expect(entity({ args: ['q'], model: 'm' })).toEqual({ args: ['q'], model: 'm' })
  })
})

describe('the agents SDK of OpenAI', () => {
  test('what its items say is not said a second time', () => {
    for (const { body } of eventsOf('openinference-agents', 'response')) {
      expect(Object.keys(body.inputs)).toEqual(['chat_history'])
      expect(body.outputs['content']).toBeTypeOf('string')
    }
  })

  test('a result in the words of its items is the answer of a tool', () => {
    const items = [
      { type: 'message', role: 'user', content: 'q' },
      { type: 'function_call', callId: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' },
      { type: 'function_call_result', callId: 'call_1', name: 'weather', output: { type: 'text', text: '18C' } },
    ]
    expect(map({ 'openinference.span.kind': 'LLM', 'input.value': JSON.stringify(items) }).body.inputs).toMatchObject({
      chat_history: [{ role: 'user' }, { role: 'assistant', tool_calls: [CALL] }, { role: 'tool', tool_call_id: 'call_1', content: '18C' }],
    })
  })
})

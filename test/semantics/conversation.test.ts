import { describe, expect, it } from 'vitest'
import { readConversation } from '../../src/semantics/conversation.js'
import { readFixture } from './fixtures/read-fixture.js'

const QUESTION = 'Weather in Rome?'
const CALL = { id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }
const IMAGE = { type: 'image', mime_type: 'image/png', data: 'iVBORw0KGgo=' }
const IMAGE_URL = { type: 'image', url: 'data:image/png;base64,iVBORw0KGgo=' }

function conversationOf(fixture: string, id: number) {
  const span = readFixture(fixture).find((candidate) => candidate.id === id)
  if (span === undefined) throw new Error(`${fixture} has no span ${id}`)
  const { input, output } = readConversation(span.attributes, span.events)
  return {
    input: input.messages,
    output: output.messages,
    left: Object.keys(span.attributes).filter((key) => ![...input.keys, ...output.keys].includes(key)),
  }
}

describe('readConversation of real spans', () => {
  it.each([
    ['openinference-openai', 0, 'What is this?', IMAGE_URL],
    ['openinference-anthropic', 0, QUESTION, { type: 'image', mime_type: 'image/png' }],
    ['traceloop-openai', 0, 'What is this?', IMAGE],
    ['traceloop-anthropic', 0, QUESTION, IMAGE],
    ['ai-sdk-5', 0, QUESTION, IMAGE],
    ['ai-sdk-5', 3, QUESTION, IMAGE_URL],
    ['ai-sdk-6', 0, QUESTION, IMAGE],
    ['ai-sdk-7', 0, QUESTION, IMAGE_URL],
  ])('reads text and image of %s, span %i', (fixture, id, text, image) => {
    const user = conversationOf(fixture, id).input.find(({ role }) => role === 'user')
    expect(user?.content).toEqual([{ type: 'text', text }, image])
  })

  it.each([
    ['openinference-openai', 1, ''],
    ['traceloop-openai', 1, ''],
    ['ai-sdk-5', 0, ''],
    ['ai-sdk-6', 0, ''],
    ['ai-sdk-7', 0, ''],
    ['openinference-anthropic', 0, 'Let me look.'],
    ['traceloop-anthropic', 0, 'Let me look.'],
  ])('reads the tool call that %s, span %i, answered with', (fixture, id, content) => {
    const [answer] = conversationOf(fixture, id).output
    const id_ = fixture.endsWith('anthropic') ? 'toolu_1' : 'call_1'
    expect(answer).toMatchObject({ role: 'assistant', content, tool_calls: [{ ...CALL, id: id_ }] })
  })

  it.each([
    ['openinference-openai', 2, { degrees: 18 }],
    ['traceloop-openai', 2, { degrees: 18 }],
    ['openinference-anthropic', 1, { degrees: 18 }],
    ['traceloop-anthropic', 1, { degrees: 18 }],
    ['ai-sdk-5', 2, '18C Rome'],
    ['ai-sdk-6', 2, '18C Rome'],
    ['ai-sdk-7', 3, '18C Rome'],
  ])('reads what the tool gave back and the answer after it in %s, span %i', (fixture, id, content) => {
    const { input, output } = conversationOf(fixture, id)
    expect(input.at(-1)).toMatchObject({ content, tool_call_id: fixture.endsWith('anthropic') ? 'toolu_1' : 'call_1' })
    expect(output).toMatchObject([{ role: 'assistant', content: 'It is sunny.' }])
  })

  it('reads the reasoning of a response', () => {
    const { output } = conversationOf('openinference-openai', 6)
    expect(output).toEqual([
      { role: 'assistant', content: [{ type: 'reasoning', text: 'The user asks for weather.' }] },
      { role: 'assistant', content: 'It is sunny.' },
    ])
  })

  it('keeps what a tool gave back apart from the answer of an agent', () => {
    const [answer] = conversationOf('ai-sdk-7', 5).output
    expect(answer).toMatchObject({
      content: [
        { type: 'text', text: 'It is sunny.' },
        { type: 'tool_result', tool_call_id: 'call_1', content: '18C Rome' },
      ],
      tool_calls: [CALL],
    })
  })

  it.each(['openinference-openai', 'traceloop-openai', 'ai-sdk-6', 'ai-sdk-7'])('leaves no message of %s for a second place', (fixture) => {
    for (const { id } of readFixture(fixture)) {
      expect(conversationOf(fixture, id).left.filter((key) => /messages|\.prompt\.messages|response\.(text|toolCalls)/.test(key))).toEqual(
        [],
      )
    }
  })
})

describe('readConversation', () => {
  it('reads the old indexed form of the conventions, in the order of its numbers', () => {
    const attributes = {
      'gen_ai.prompt.10.role': 'user',
      'gen_ai.prompt.10.content': 'later',
      'gen_ai.prompt.2.role': 'assistant',
      'gen_ai.prompt.2.tool_calls.0.id': 'call_1',
      'gen_ai.prompt.2.tool_calls.0.name': 'weather',
      'gen_ai.prompt.2.tool_calls.0.arguments': '{"city":"Rome"}',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.content': 'sunny',
      'gen_ai.completion.0.finish_reason': 'stop',
    }
    const { input, output } = readConversation(attributes)
    expect(input.messages).toEqual([
      { role: 'assistant', content: '', tool_calls: [CALL] },
      { role: 'user', content: 'later' },
    ])
    expect(output.messages).toEqual([{ role: 'assistant', content: 'sunny', finish_reason: 'stop' }])
    expect([...input.keys, ...output.keys]).toEqual(expect.arrayContaining(Object.keys(attributes)))
  })

  it('reads the messages of LangSmith, one attribute for a side', () => {
    const { input, output } = readConversation({
      'gen_ai.prompt': '{"messages":[{"role":"user","content":"hi"}]}',
      'gen_ai.completion': '{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hey"}}]}',
    })
    expect(input.messages).toEqual([{ role: 'user', content: 'hi' }])
    expect(output.messages).toEqual([{ role: 'assistant', content: 'hey', finish_reason: 'stop' }])
  })

  it('keeps the attributes of a second source that says something else', () => {
    const { input } = readConversation({
      'gen_ai.input.messages': '[{"role":"user","content":"a"}]',
      'gen_ai.prompt': '[{"role":"user","content":"b"}]',
    })
    expect(input).toMatchObject({ messages: [{ content: 'a' }], keys: ['gen_ai.input.messages'] })
  })

  it('reads the span events of the conventions when no attribute speaks', () => {
    const { input, output } = readConversation({}, [
      { name: 'gen_ai.system.message', attributes: { content: 'Be brief.' } },
      { name: 'gen_ai.user.message', attributes: { content: 'hi' } },
      { name: 'gen_ai.tool.message', attributes: { content: '{"degrees":18}', id: 'call_1' } },
      { name: 'gen_ai.choice', attributes: { message: '{"role":"assistant","content":"hey"}', finish_reason: 'stop' } },
    ])
    expect(input.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
      { role: 'tool', content: { degrees: 18 }, tool_call_id: 'call_1' },
    ])
    expect(output.messages).toEqual([{ role: 'assistant', content: 'hey', finish_reason: 'stop' }])
  })

  it('reads the thoughts of the AI SDK before its answer', () => {
    const { output } = readConversation({ 'ai.response.reasoning': 'hm', 'ai.response.text': 'hey' })
    expect(output.messages[0]?.content).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'hey' },
    ])
  })
})

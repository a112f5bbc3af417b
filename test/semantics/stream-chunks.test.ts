import { describe, expect, it } from 'vitest'
import { readDialogue } from '../../src/semantics/dialogue.js'
import { joinChunks } from '../../src/semantics/stream-chunks.js'

const CALL = { id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }
const langChain = (kwargs: object) => ({ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'AIMessageChunk'], kwargs })

describe('joinChunks', () => {
  it.each([
    ['texts', ['It is ', 'sunny.']],
    [
      'OpenAI',
      [
        { choices: [{ delta: { role: 'assistant', content: '' } }] },
        { choices: [{ delta: { content: 'It is ' } }] },
        { choices: [{ delta: { content: 'sunny.' }, finish_reason: null }] },
        { choices: [], usage: { total_tokens: 1 } },
      ],
    ],
    [
      'responses of OpenAI that broke off',
      [
        { type: 'response.created' },
        { type: 'response.output_text.delta', delta: 'It is ' },
        { type: 'response.output_text.delta', delta: 'sunny.' },
      ],
    ],
    [
      'Anthropic',
      [
        { type: 'message_start', message: {} },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It is ' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'sunny.' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_stop' },
      ],
    ],
    [
      'Gemini',
      [{ candidates: [{ content: { parts: [{ text: 'It is ' }] } }] }, { candidates: [{ content: { parts: [{ text: 'sunny.' }] } }] }],
    ],
    ['LangChain', [langChain({ content: 'It is ' }), langChain({ content: [{ type: 'text', text: 'sunny.' }] })]],
    [
      'the AI SDK',
      [
        { type: 'start' },
        { type: 'text-delta', id: '0', text: 'It is ' },
        { type: 'text-delta', id: '0', text: 'sunny.' },
        { type: 'finish-step' },
      ],
    ],
    ['an older AI SDK', [{ type: 'text-delta', textDelta: 'It is ' }, { type: 'text-delta', textDelta: 'sunny.' }, '[3 more items]']],
  ])('joins the text of %s', (_, chunks) => {
    expect(joinChunks(chunks)).toEqual({ role: 'assistant', content: 'It is sunny.' })
  })

  it.each([
    [
      'OpenAI',
      [
        { choices: [{ delta: { reasoning_content: 'hm' } }] },
        { choices: [{ delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'weather', arguments: '{"ci' } }] } }] },
        { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: 'ty":"Rome"}' } }] }, finish_reason: 'end' }] },
      ],
    ],
    [
      'Anthropic',
      [
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
        { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'call_1', name: 'weather', input: {} } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"Rome"}' } },
        { type: 'message_delta', delta: { stop_reason: 'end' } },
      ],
    ],
    [
      'Gemini',
      [
        { candidates: [{ content: { parts: [{ text: 'hm', thought: true }] } }] },
        {
          candidates: [
            { content: { parts: [{ functionCall: { id: 'call_1', name: 'weather', args: { city: 'Rome' } } }] }, finishReason: 'end' },
          ],
        },
      ],
    ],
    [
      'the AI SDK',
      [
        { type: 'reasoning-delta', text: 'hm' },
        { type: 'tool-input-delta', delta: '{' },
        { type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { city: 'Rome' } },
        { type: 'finish', finishReason: 'end' },
      ],
    ],
  ])('joins reasoning and tool calls of %s', (_, chunks) => {
    expect(joinChunks(chunks)).toEqual({
      role: 'assistant',
      content: [{ type: 'reasoning', text: 'hm' }],
      tool_calls: [CALL],
      finish_reason: 'end',
    })
  })

  it('takes the whole answer where the last event repeats it', () => {
    const output = [
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Let me look.' }] },
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' },
    ]
    expect(
      joinChunks([
        { type: 'response.output_text.delta', delta: 'Let' },
        { type: 'response.completed', response: { output } },
      ]),
    ).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'Let me look.' }],
      tool_calls: [CALL],
    })
  })

  it.each([
    ['numbers', [1, 2]],
    ['nothing', []],
    ['rows', [{ id: 1, text: 'a' }]],
    ['whole messages', [{ role: 'user', content: 'a' }]],
    ['whole messages of LangChain', [{ lc: 1, id: ['x', 'HumanMessage'], kwargs: { content: 'a' } }]],
    ['whole choices', [{ choices: [{ message: { content: 'a' } }] }]],
    ['parts of one message', [{ type: 'text', text: 'a' }]],
    ['a file in a message', [{ type: 'file', data: 'AAAA' }]],
  ])('leaves %s alone', (_, list) => {
    expect(joinChunks(list)).toBeUndefined()
  })

  it('is what a traced stream shows', () => {
    const outputs = { result: [{ choices: [{ delta: { content: 'It is ' } }] }, { choices: [{ delta: { content: 'sunny.' } }] }] }
    expect(readDialogue({ type: 'model', inputs: {}, outputs }).output).toEqual({
      messages: [{ role: 'assistant', name: null, parts: [{ kind: 'text', text: 'It is sunny.' }], finishReason: null }],
      keys: ['result'],
    })
  })
})

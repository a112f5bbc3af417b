import { describe, expect, it } from 'vitest'
import { readDialogue, toDialogueMessage } from '../../src/semantics/dialogue.js'
import { joinChunks } from '../../src/semantics/stream-chunks.js'

describe('joinChunks', () => {
  it.each([
    ['texts', ['It is ', 'sunny.']],
    [
      'OpenAI',
      [
        { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
        { choices: [{ index: 0, delta: { content: 'It is ' } }] },
        { choices: [{ index: 0, delta: { content: 'sunny.' }, finish_reason: null }] },
        { choices: [], usage: { total_tokens: 1 }, model: 'm' },
      ],
    ],
    [
      'responses of OpenAI that broke off',
      [
        { type: 'response.created', response: {} },
        { type: 'response.output_item.added', output_index: 0, item: { type: 'message', role: 'assistant', content: [] } },
        { type: 'response.content_part.added', output_index: 0, content_index: 0, part: { type: 'output_text', text: '' } },
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'It is ' },
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'sunny.' },
      ],
    ],
    [
      'Anthropic',
      [
        { type: 'message_start', message: { role: 'assistant', content: [] } },
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
    ['the AI SDK', [{ type: 'start' }, { type: 'text-delta', id: '0', text: 'It is ' }, { type: 'text-delta', id: '0', text: 'sunny.' }]],
    ['an older AI SDK', [{ type: 'text-delta', textDelta: 'It is ' }, { type: 'text-delta', textDelta: 'sunny.' }, '[3 more items]']],
  ])('joins the text of %s', (_, chunks) => {
    expect(joinChunks(chunks)).toMatchObject([{ role: 'assistant', content: 'It is sunny.' }])
  })

  it.each([
    [
      'OpenAI',
      [
        { choices: [{ index: 0, delta: { reasoning_content: 'hm' } }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'weather', arguments: '{"ci' } }] } }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: 'ty":"Rome"}' } }] } }] },
      ],
    ],
    [
      'Anthropic',
      [
        { type: 'message_start', message: { role: 'assistant', content: [] } },
        { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
        { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'call_1', name: 'weather', input: {} } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":"Rome"}' } },
      ],
    ],
    [
      'Gemini',
      [
        { candidates: [{ content: { parts: [{ text: 'hm', thought: true }] } }] },
        { candidates: [{ content: { parts: [{ functionCall: { id: 'call_1', name: 'weather', args: { city: 'Rome' } } }] } }] },
      ],
    ],
    [
      'the AI SDK',
      [
        { type: 'reasoning-delta', id: '0', text: 'hm' },
        { type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { city: 'Rome' } },
      ],
    ],
    [
      'responses of OpenAI',
      [
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'hm' },
        {
          type: 'response.completed',
          response: {
            output: [
              { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
              { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' },
            ],
          },
        },
      ],
    ],
  ])('joins reasoning and tool calls of %s', (_, chunks) => {
    const parts = (joinChunks(chunks) ?? []).flatMap((message) => toDialogueMessage(message).parts)
    expect(parts).toEqual([
      { kind: 'reasoning', text: 'hm' },
      { kind: 'call', id: 'call_1', name: 'weather', args: { city: 'Rome' } },
    ])
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
    const outputs = {
      result: [{ choices: [{ index: 0, delta: { content: 'It is ' } }] }, { choices: [{ index: 0, delta: { content: 'sunny.' } }] }],
    }
    expect(readDialogue({ type: 'model', inputs: {}, outputs }).output).toMatchObject({
      messages: [{ role: 'assistant', parts: [{ kind: 'text', text: 'It is sunny.' }] }],
      keys: ['result'],
    })
  })
})

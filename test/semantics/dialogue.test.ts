import { describe, expect, it } from 'vitest'
import { type Dialogue, readDialogue } from '../../src/semantics/dialogue.js'

const text = (value: string) => ({ kind: 'text', text: value })
const CALL = { kind: 'call', id: 'call_1', name: 'weather', args: { city: 'Rome' } }

function spoken({ input, output }: Dialogue) {
  const read = (side: Dialogue['input']) => side.messages.map(({ role, parts }) => [role, parts])
  return { input: read(input), output: read(output) }
}

describe('readDialogue', () => {
  it('makes every message a list of parts: text, reasoning, media, calls and their results', () => {
    const { input, output } = readDialogue({
      type: 'model',
      inputs: {
        chat_history: [
          { role: 'system', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look.' },
              { type: 'image', mime_type: 'image/jpeg', data: 'AAAA' },
              { type: 'file', name: 'a.pdf' },
            ],
          },
          { role: 'assistant', content: '', tool_calls: [{ id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }] },
          { role: 'tool', content: { degrees: 18 }, tool_call_id: 'call_1', name: 'weather' },
        ],
        temperature: 1,
      },
      outputs: {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm' },
          { type: 'text', text: '18' },
        ],
        finish_reason: 'stop',
      },
    })
    expect(input.messages.map(({ role, parts }) => [role, parts])).toEqual([
      ['system', [text('Be brief.')]],
      [
        'user',
        [
          text('Look.'),
          { kind: 'image', url: 'data:image/jpeg;base64,AAAA', mimeType: 'image/jpeg', name: null },
          { kind: 'file', url: null, mimeType: null, name: 'a.pdf' },
        ],
      ],
      ['assistant', [CALL]],
      ['tool', [{ kind: 'result', callId: 'call_1', name: 'weather', parts: [{ kind: 'value', value: { degrees: 18 } }] }]],
    ])
    expect(input.keys).toEqual(['chat_history'])
    expect(output).toEqual({
      messages: [{ role: 'assistant', name: null, parts: [{ kind: 'reasoning', text: 'hm' }, text('18')], finishReason: 'stop' }],
      keys: ['role', 'content', 'finish_reason'],
    })
  })

  it.each([
    [
      'a request and reply of OpenAI',
      { messages: [{ role: 'user', content: 'Hi' }] },
      { choices: [{ message: { role: 'assistant', content: 'Ho' } }] },
    ],
    [
      'responses of OpenAI',
      { input: 'Hi' },
      { output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Ho' }] }] },
    ],
    [
      'Anthropic',
      { messages: [{ role: 'user', content: 'Hi' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Ho' }] },
    ],
    [
      'Gemini',
      { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
      { candidates: [{ content: { role: 'model', parts: [{ text: 'Ho' }] } }] },
    ],
    [
      'LangChain',
      { messages: [[{ lc: 1, id: ['x', 'HumanMessage'], kwargs: { content: 'Hi' } }]] },
      { generations: [[{ text: 'Ho', message: { lc: 1, id: ['x', 'AIMessage'], kwargs: { content: 'Ho' } } }]] },
    ],
    ['plain text', { prompt: 'Hi' }, { result: 'Ho' }],
  ])('reads %s as a function that was traced got and gave it', (_, inputs, outputs) => {
    expect(spoken(readDialogue({ type: 'model', inputs, outputs }))).toEqual({
      input: [['user', [text('Hi')]]],
      output: [['assistant', [text('Ho')]]],
    })
  })

  it('puts instructions in front of the messages, once', () => {
    const inputs = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hi' }] }
    const { input } = readDialogue({ type: 'model', inputs, outputs: {} })
    expect(input.messages.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(input.keys).toEqual(['messages', 'system'])
    const repeated = readDialogue({
      type: 'model',
      inputs: { ...inputs, messages: [{ role: 'system', content: 'Be brief.' }, ...inputs.messages] },
      outputs: {},
    })
    expect(repeated.input.messages.map(({ role }) => role)).toEqual(['system', 'user'])
  })

  it('takes the text of a chain and whatever a tool has for values', () => {
    const nothing = { input: [], output: [] }
    expect(
      spoken(
        readDialogue({
          type: 'chain',
          inputs: { question: 'Hi', input: { text: 'x' } },
          outputs: { message: 'Ho', result: { content: 'x' } },
        }),
      ),
    ).toEqual(nothing)
    expect(
      spoken(readDialogue({ type: 'tool', inputs: { messages: [{ role: 'user', content: 'Hi' }] }, outputs: { content: 'Ho' } })),
    ).toEqual(nothing)
    expect(spoken(readDialogue({ type: 'model', inputs: { chat_history: ['text', 1] }, outputs: { value: 1 } }))).toEqual(nothing)
  })

  it('shows the messages of a chain', () => {
    const { output } = readDialogue({
      type: 'chain',
      inputs: {},
      outputs: { message: { messages: [{ role: 'assistant', content: 'Ho' }] } },
    })
    expect(output.messages[0]?.parts).toEqual([text('Ho')])
  })
})

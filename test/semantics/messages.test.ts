import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toMessages } from '../../src/semantics/messages.js'

const IMAGE = 'iVBORw0KGgo='
const CALL = { id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }
const text = (value: string) => ({ type: 'text', text: value })

describe('toMessages', () => {
  it.each([
    ['OpenAI', { type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE}` } }, { url: `data:image/png;base64,${IMAGE}` }],
    ['OpenAI responses', { type: 'input_image', image_url: 'https://host/a.png' }, { url: 'https://host/a.png' }],
    [
      'Anthropic',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: IMAGE } },
      { mime_type: 'image/png', data: IMAGE },
    ],
    ['Anthropic by URL', { type: 'image', source: { type: 'url', url: 'https://host/a.png' } }, { url: 'https://host/a.png' }],
    ['Bedrock', { image: { format: 'png', source: { bytes: IMAGE } } }, { mime_type: 'image/png', data: IMAGE }],
    ['Gemini', { inlineData: { mimeType: 'image/png', data: IMAGE } }, { mime_type: 'image/png', data: IMAGE }],
    [
      'Gemini by URI',
      { fileData: { mimeType: 'image/png', fileUri: 'gs://bucket/a.png' } },
      { mime_type: 'image/png', url: 'gs://bucket/a.png' },
    ],
    ['the AI SDK', { type: 'file', mediaType: 'image/png', data: IMAGE }, { mime_type: 'image/png', data: IMAGE }],
    ['a prompt of the AI SDK', { type: 'image', image: `data:image/png;base64,${IMAGE}` }, { url: `data:image/png;base64,${IMAGE}` }],
    [
      'OpenInference',
      { message_content: { type: 'image', image: { image: { url: 'https://host/a.png' } } } },
      { url: 'https://host/a.png' },
    ],
    ['OpenTelemetry', { type: 'blob', modality: 'image', mime_type: 'image/png', content: IMAGE }, { mime_type: 'image/png', data: IMAGE }],
    ['OpenTelemetry by URI', { type: 'uri', modality: 'image', uri: 'https://host/a.png' }, { url: 'https://host/a.png' }],
  ])('reads an image in the spelling of %s', (_, part, image) => {
    expect(toMessages([{ role: 'user', content: [text('What is this?'), part] }], 'user')).toEqual([
      { role: 'user', content: [text('What is this?'), { type: 'image', ...image }] },
    ])
  })

  it.each([
    [
      { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } },
      { type: 'audio', mime_type: 'audio/wav', data: 'UklG' },
    ],
    [
      { type: 'file', file: { file_id: 'file-1', filename: 'a.pdf' } },
      { type: 'file', name: 'a.pdf', id: 'file-1' },
    ],
    [
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' } },
      { type: 'file', mime_type: 'application/pdf', data: 'JVBE' },
    ],
    [
      { type: 'file', modality: 'audio', mime_type: 'audio/mp3', file_id: 'f1' },
      { type: 'audio', mime_type: 'audio/mp3', id: 'f1' },
    ],
    [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'reasoning', text: 'hm' },
    ],
    [
      { type: 'reasoning', content: 'hm' },
      { type: 'reasoning', text: 'hm' },
    ],
    [{ reasoningContent: { reasoningText: { text: 'hm' } } }, { type: 'reasoning', text: 'hm' }],
    [
      { type: 'refusal', refusal: 'no' },
      { type: 'refusal', text: 'no' },
    ],
    [
      { type: 'invented', deep: { value: 1 } },
      { type: 'invented', deep: { value: 1 } },
    ],
  ])('reads the part %j', (part, read) => {
    expect(toMessages([{ role: 'assistant', content: [part] }], 'user')).toEqual([{ role: 'assistant', content: [read] }])
  })

  it('reads what it has read into the same again', () => {
    const once = toMessages(
      [
        {
          role: 'user',
          content: [text('See'), { type: 'file', file: { file_id: 'file-1', filename: 'a.pdf' } }, { type: 'invented', deep: 1 }],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'tool_use', id: 'call_1', name: 'weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'call_1',
              content: [text('18C'), { type: 'image', source: { type: 'url', url: 'https://host/a.png' } }],
            },
          ],
        },
      ],
      'user',
    )
    expect(toMessages(once, 'user')).toEqual(once)
    expect(JSON.stringify(once)).toContain('a.pdf')
  })

  it.each([
    ['OpenAI', { tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }] }],
    ['OpenInference', { tool_calls: [{ tool_call: { id: 'call_1', function: { name: 'weather', arguments: '{"city":"Rome"}' } } }] }],
    ['Traceloop', { tool_calls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' }] }],
    ['the AI SDK', { content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { city: 'Rome' } }] }],
    ['the AI SDK 4', { content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', args: { city: 'Rome' } }] }],
    ['Anthropic', { content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Rome' } }] }],
    ['Bedrock', { content: [{ toolUse: { toolUseId: 'call_1', name: 'weather', input: { city: 'Rome' } } }] }],
    ['Gemini', { parts: [{ functionCall: { id: 'call_1', name: 'weather', args: { city: 'Rome' } } }] }],
    ['OpenTelemetry', { parts: [{ type: 'tool_call', id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }] }],
    [
      'OpenAI responses',
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}', role: 'assistant' },
    ],
  ])('reads a tool call in the spelling of %s', (_, message) => {
    expect(toMessages([{ role: 'assistant', ...message }], 'user')).toEqual([{ role: 'assistant', content: '', tool_calls: [CALL] }])
  })

  it('reads a call once that is written in two places', () => {
    const part = {
      message_content: { type: 'tool_use' },
      tool_call: { id: 'call_1', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
    }
    const message = {
      role: 'assistant',
      contents: [{ message_content: text('Let me look.') }, part],
      tool_calls: [{ tool_call: part.tool_call }],
    }
    expect(toMessages([{ message }], 'user')).toEqual([{ role: 'assistant', content: 'Let me look.', tool_calls: [CALL] }])
  })

  it('keeps arguments that are no JSON as they are', () => {
    const [message] = toMessages([{ role: 'assistant', tool_calls: [{ name: 'f', arguments: '{"city":' }] }], 'user') ?? []
    expect(message?.tool_calls).toEqual([{ name: 'f', arguments: '{"city":' }])
  })

  it.each([
    ['OpenAI', { role: 'tool', tool_call_id: 'call_1', content: '{"degrees":18}' }],
    ['OpenTelemetry', { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: { degrees: 18 } }] }],
    [
      'the AI SDK',
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'call_1', output: { type: 'json', value: { degrees: 18 } } }] },
    ],
    ['Anthropic', { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: '{"degrees":18}' }] }],
    ['OpenInference for Anthropic', { role: 'user', content: '{"degrees":18}', tool_call_id: 'call_1' }],
    ['Bedrock', { role: 'user', content: [{ toolResult: { toolUseId: 'call_1', content: [{ text: '{"degrees":18}' }] } }] }],
    ['Traceloop for Gemini', { role: 'user', parts: [{ type: 'tool_call_response', id: 'call_1', response: '{"degrees":18}' }] }],
    ['OpenAI responses', { type: 'function_call_output', call_id: 'call_1', output: '{"degrees":18}' }],
  ])('reads what a tool gave back in the spelling of %s', (_, message) => {
    expect(toMessages([message], 'user')).toEqual([{ role: 'tool', content: { degrees: 18 }, tool_call_id: 'call_1' }])
  })

  it('reads the result of a tool that is a text, and one that is a text in JSON', () => {
    const output = { type: 'text', value: '18C Rome' }
    const message = { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'call_1', toolName: 'weather', output }] }
    const read = [{ role: 'tool', content: '18C Rome', tool_call_id: 'call_1', name: 'weather' }]
    expect(toMessages([message], 'user')).toEqual(read)
    expect(toMessages([{ role: 'tool', tool_call_id: 'call_1', name: 'weather', content: '"18C Rome"' }], 'user')).toEqual(read)
  })

  it('reads a result without an id, as Gemini gives it', () => {
    const message = { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { degrees: 18 } } }] }
    expect(toMessages([message], 'user')).toEqual([{ role: 'tool', content: { degrees: 18 }, name: 'weather' }])
  })

  it('has no content where a message has no parts', () => {
    expect(toMessages([{ role: 'assistant', parts: [] }], 'user')).toEqual([{ role: 'assistant', content: '' }])
  })

  it('keeps results apart from text and from one another', () => {
    const parts = [
      { type: 'tool_result', tool_use_id: 'a', content: [text('one'), text(' two')] },
      { type: 'tool_result', tool_use_id: 'b', content: 'three' },
      text('And now?'),
    ]
    expect(toMessages([{ role: 'user', content: parts }], 'user')?.[0]?.content).toEqual([
      { type: 'tool_result', tool_call_id: 'a', content: 'one two' },
      { type: 'tool_result', tool_call_id: 'b', content: 'three' },
      text('And now?'),
    ])
  })

  it('joins text, and makes a list only where something else stands among it', () => {
    expect(toMessages([{ role: 'user', content: [text('a'), { type: 'input_text', text: 'b' }, 'c'] }], 'user')?.[0]?.content).toBe('abc')
    const [message] = toMessages([{ role: 'assistant', content: 'no', reasoning_content: 'hm', refusal: 'not that' }], 'user') ?? []
    expect(message?.content).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'no' },
      { type: 'refusal', text: 'not that' },
    ])
  })

  it('reads serialised messages of LangChain, also one batch of them', () => {
    const human = { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'HumanMessage'], kwargs: { content: 'hi' } }
    const ai = {
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', 'AIMessage'],
      kwargs: { content: '', tool_calls: [{ id: 'call_1', name: 'weather', args: { city: 'Rome' }, type: 'tool_call' }] },
    }
    expect(toMessages({ messages: [[human, ai]] }, 'user')).toEqual([
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: '', tool_calls: [CALL] },
    ])
  })

  it.each([['["a","b"]'], ['[{"name":"x"}]'], ['{"not":"a message"}']])('leaves the text %s of a user alone', (content) => {
    expect(toMessages([{ role: 'user', content }], 'user')).toEqual([{ role: 'user', content }])
  })

  it.each([[''], [[]], [[1, 2]], [{ a: 1 }], [[{ a: 1 }]], [null], [undefined], [7]])('says that %j is no conversation', (value) => {
    expect(toMessages(value, 'user')).toBeUndefined()
  })

  it('never throws, whatever a span holds', () => {
    const names = fc.constantFrom(
      'role',
      'content',
      'parts',
      'message',
      'tool_calls',
      'type',
      'text',
      'image',
      'source',
      'kwargs',
      'lc',
      '__proto__',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.string(),
        fc.json(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        const messages = toMessages(value, 'user')
        expect(messages === undefined || messages.every(({ role }) => typeof role === 'string')).toBe(true)
        expect(({} as Record<string, unknown>).content).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })
})

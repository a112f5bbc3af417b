import { describe, expect, test } from 'vitest'
import { findChunkFormat } from '../../src/semantics/chunks/formats.js'
import { createTextRoom } from '../../src/semantics/chunks/merger.js'
import type { JsonObject } from '../../src/semantics/json.js'

/** What the chunks make together, and which of them bear something of the answer. */
function merge(chunks: readonly unknown[], maxChars = 1000): { answer: unknown; content: boolean[] } {
  const [first] = chunks as JsonObject[]
  const merger = findChunkFormat(first ?? {})?.create(createTextRoom(maxChars))
  const content = chunks.map((chunk) => merger?.add(structuredClone(chunk) as JsonObject) === 'content')
  return { answer: merger?.result(), content }
}

const chat = (choices: unknown[], more: object = {}) => ({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices, ...more })

describe('the answer that chunks make', () => {
  test('chat completions: by choice and call of a tool, with the usage of the last chunk', () => {
    const { answer, content } = merge([
      chat([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
      chat([{ index: 1, delta: { role: 'assistant', content: 'B' } }]),
      chat([{ index: 0, delta: { content: 'Hel' } }]),
      chat([{ index: 0, delta: { content: 'lo' } }]),
      chat([{ index: 0, delta: { tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'b', arguments: '' } }] } }]),
      chat([{ index: 0, delta: { tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'a', arguments: '{"x"' } }] } }]),
      chat([{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } }]),
      chat([{ index: 0, delta: {}, finish_reason: 'tool_calls' }]),
      chat([], { usage: { total_tokens: 9 } }),
    ])
    expect(answer).toEqual({
      id: 'c',
      object: 'chat.completion',
      model: 'm',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: 'Hello',
            tool_calls: [
              { id: 't1', type: 'function', function: { name: 'a', arguments: '{"x":1}' } },
              { id: 't2', type: 'function', function: { name: 'b', arguments: '' } },
            ],
          },
        },
        { index: 1, message: { role: 'assistant', content: 'B' } },
      ],
      usage: { total_tokens: 9 },
    })
    expect(content).toEqual([false, true, true, true, true, true, true, false, false])
  })

  test('chat completions of other providers: reasoning, names given again, chunks in a field', () => {
    const { answer } = merge([
      { data: chat([{ index: 0, delta: { role: 'assistant', reasoning_content: 'hm' } }]) },
      { data: chat([{ index: 0, delta: { role: 'assistant', reasoning_content: 'm', content: 'yes' } }]) },
    ])
    expect(answer).toMatchObject({ choices: [{ message: { role: 'assistant', reasoning_content: 'hmm', content: 'yes' } }] })
    expect(
      merge([
        { object: 'text_completion', choices: [{ index: 0, text: 'a' }] },
        { object: 'text_completion', choices: [{ index: 0, text: 'b' }] },
      ]).answer,
    ).toEqual({
      object: 'text_completion',
      choices: [{ index: 0, text: 'ab' }],
    })
  })

  test('responses: the last event has it whole; one that stopped early as far as it came', () => {
    const events = [
      { type: 'response.created', response: { id: 'r', status: 'in_progress', output: [] } },
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', role: 'assistant', content: [] } },
      { type: 'response.content_part.added', output_index: 0, content_index: 0, part: { type: 'output_text', text: '' } },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'Hel' },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'lo' },
      { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', name: 'f', arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"a":' },
    ]
    expect(merge(events)).toEqual({
      answer: {
        id: 'r',
        status: 'in_progress',
        output: [
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }] },
          { type: 'function_call', name: 'f', arguments: '{"a":' },
        ],
      },
      content: [false, false, false, true, true, false, true],
    })
    const whole = { id: 'r', status: 'completed', output: ['all'] }
    expect(merge([...events, { type: 'response.completed', response: whole }]).answer).toEqual(whole)
  })

  test('Anthropic: by content block', () => {
    const { answer, content } = merge([
      { type: 'message_start', message: { id: 'm', role: 'assistant', content: [], usage: { input_tokens: 5, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '1}' } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } },
    ])
    expect(answer).toEqual({
      id: 'm',
      role: 'assistant',
      usage: { input_tokens: 5, output_tokens: 7 },
      stop_reason: 'tool_use',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
      ],
    })
    expect(content.indexOf(true)).toBe(2)
  })

  test.each<[string, unknown[]]>([
    ['of a result', [{ type: 'start' }, { type: 'text-delta', id: '1', text: 'Hel' }, { type: 'text-delta', id: '1', text: 'lo' }]],
    [
      'of a model',
      [
        { type: 'stream-start', warnings: [] },
        { type: 'text-delta', id: '1', delta: 'Hel' },
        { type: 'text-delta', id: '1', delta: 'lo' },
      ],
    ],
    [
      'of version 4',
      [
        { type: 'text-delta', textDelta: 'Hel' },
        { type: 'text-delta', textDelta: 'lo' },
      ],
    ],
    ['within the SDK', [{ part: { type: 'start' } }, { part: { type: 'text-delta', id: '1', text: 'Hello' }, partialOutput: undefined }]],
  ])('AI SDK, parts %s', (_of, parts) => {
    const { answer } = merge([
      ...parts,
      { type: 'tool-call', toolCallId: 'c', toolName: 'add', input: { a: 1 } },
      { type: 'tool-result', toolCallId: 'c', toolName: 'add', output: 2 },
      { type: 'finish', finishReason: 'stop', totalUsage: { totalTokens: 3 } },
    ])
    expect(answer).toEqual({
      role: 'assistant',
      content: 'Hello',
      tool_calls: [{ id: 'c', name: 'add', arguments: { a: 1 } }],
      tool_results: [{ tool_call_id: 'c', name: 'add', content: 2 }],
      finish_reason: 'stop',
      usage: { totalTokens: 3 },
    })
  })

  test('Gemini: text goes on, thoughts and calls are parts of their own', () => {
    const part = (parts: unknown[], more: object = {}) => ({ candidates: [{ index: 0, content: { role: 'model', parts } }], ...more })
    expect(
      merge([
        part([{ text: 'hm', thought: true }]),
        part([{ text: 'Hel' }]),
        part([{ text: 'lo' }, { functionCall: { name: 'f', args: {} } }]),
        { usageMetadata: { totalTokenCount: 3 }, candidates: [{ index: 0, finishReason: 'STOP' }] },
      ]).answer,
    ).toEqual({
      candidates: [
        {
          index: 0,
          finishReason: 'STOP',
          content: { role: 'model', parts: [{ text: 'hm', thought: true }, { text: 'Hello' }, { functionCall: { name: 'f', args: {} } }] },
        },
      ],
      usageMetadata: { totalTokenCount: 3 },
    })
  })

  test('LangChain: message chunks, alone and with their metadata', () => {
    const message = (kwargs: object) => ({ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'AIMessageChunk'], kwargs })
    const chunks = [
      message({ content: 'Hel', usage_metadata: { total_tokens: 1 } }),
      message({ content: 'lo', tool_call_chunks: [{ index: 0, id: 't', name: 'f', args: '{"a"' }] }),
      message({ content: '', tool_call_chunks: [{ index: 0, args: ':1}' }], usage_metadata: { total_tokens: 2 } }),
    ]
    const expected = {
      role: 'assistant',
      content: 'Hello',
      tool_calls: [{ id: 't', name: 'f', args: { a: 1 } }],
      usage_metadata: { total_tokens: 3 },
    }
    expect(merge(chunks).answer).toEqual(expected)
    expect(merge(chunks.map((chunk) => [chunk, { node: 'agent' }])).answer).toEqual(expected)
  })

  test('Bedrock Converse, Cohere and Ollama', () => {
    expect(
      merge([
        { messageStart: { role: 'assistant' } },
        { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } },
        { contentBlockStart: { contentBlockIndex: 1, start: { toolUse: { toolUseId: 't', name: 'f' } } } },
        { contentBlockDelta: { contentBlockIndex: 1, delta: { toolUse: { input: '{"a":1}' } } } },
        { messageStop: { stopReason: 'tool_use' } },
        { metadata: { usage: { totalTokens: 3 } } },
      ]).answer,
    ).toEqual({
      output: {
        message: { role: 'assistant', content: [{ text: 'Hello' }, { toolUse: { toolUseId: 't', name: 'f', input: { a: 1 } } }] },
      },
      stopReason: 'tool_use',
      usage: { totalTokens: 3 },
    })
    expect(
      merge([
        { type: 'message-start', id: 'i', delta: { message: { role: 'assistant' } } },
        { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
        { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hello' } } } },
        { type: 'message-end', delta: { finish_reason: 'COMPLETE' } },
      ]).answer,
    ).toEqual({ id: 'i', finish_reason: 'COMPLETE', message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] } })
    expect(
      merge([
        { model: 'm', message: { role: 'assistant', content: 'Hel' }, done: false },
        { model: 'm', message: { role: 'assistant', content: 'lo' }, done: true, eval_count: 2 },
      ]).answer,
    ).toEqual({ model: 'm', done: true, eval_count: 2, message: { role: 'assistant', content: 'Hello' } })
  })

  test('text stays within its room, and says that it was cut', () => {
    const { answer } = merge(
      [
        chat([{ index: 0, delta: { content: 'abc' } }]),
        chat([{ index: 0, delta: { content: 'defghi' } }]),
        chat([{ index: 0, delta: { content: 'j' } }]),
      ],
      5,
    )
    expect(answer).toMatchObject({ choices: [{ message: { content: 'abcde… [cut]' } }] })
  })

  test.each<[string, unknown]>([
    ['a progress', { type: 'start', step: 1 }],
    ['a row', { id: 1, text: 'x' }],
    ['a whole answer', { choices: [{ message: { content: 'x' } }] }],
    ['an empty object', {}],
  ])('%s is no chunk of a known format', (_name, chunk) => {
    expect(findChunkFormat(chunk as JsonObject)).toBeUndefined()
  })

  test('errors that a stream tells as a chunk', () => {
    const told = (first: object, chunk: object): unknown => findChunkFormat(first as JsonObject)?.failure?.(chunk as JsonObject)
    const error = new Error('down')
    expect(told({ type: 'text-start', id: '1' }, { type: 'error', error })).toBe(error)
    expect(told({ type: 'response.created' }, { type: 'response.failed', response: { error: { message: 'down' } } })).toEqual({
      message: 'down',
    })
    expect(told({ type: 'message_start' }, { type: 'error', error: { type: 'overloaded_error' } })).toEqual({ type: 'overloaded_error' })
  })
})

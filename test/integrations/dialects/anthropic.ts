import {
  asksForTool,
  createId,
  type Dialect,
  type Json,
  json,
  refuse,
  type Reply,
  stream,
  textOf,
  toArguments,
  toPieces,
  USED,
} from './reply.js'

// What came in is counted without the parts of the cache.
const INPUT = {
  input_tokens: USED.input - USED.cacheRead - USED.cacheWrite,
  cache_creation_input_tokens: USED.cacheWrite,
  cache_read_input_tokens: USED.cacheRead,
  service_tier: 'standard',
}

/** Messages of Anthropic. */
export const answerAnthropic: Dialect = ({ body }, refused) => {
  if (refused !== undefined) return refuseAnthropic(refused)
  const message = toAnthropicMessage(body, body['model'])
  return body['stream'] === true ? stream(toAnthropicEvents(message).map((event) => [event['type'], event] as const)) : json(message)
}

function refuseAnthropic(status: number): Reply {
  const error =
    status === 429 ? { type: 'rate_limit_error', message: 'Rate limit reached' } : { type: 'api_error', message: 'Internal server error' }
  return refuse(status, { type: 'error', error, request_id: 'req_1' }, { 'x-should-retry': 'false' })
}

/** The message that answers; Bedrock's InvokeModel takes and gives the same. */
export function toAnthropicMessage(body: Json, model: string): Json {
  const last = body['messages'].at(-1)
  const said = textOf(last.content)
  const hasResult = Array.isArray(last.content) && last.content.some(({ type }: Json) => type === 'tool_result')
  const isCall = !hasResult && asksForTool(body['tools'], said)
  const block = isCall
    ? { type: 'tool_use', id: createId('toolu'), name: body['tools'][0].name, input: toArguments(said) }
    : { type: 'text', text: `echo: ${said}`, citations: null }
  return {
    id: createId('msg'),
    type: 'message',
    role: 'assistant',
    model,
    content: [block],
    stop_reason: isCall ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { ...INPUT, output_tokens: USED.output },
  }
}

/** The same message as the events of a stream. */
export function toAnthropicEvents(message: Json): Json[] {
  const [block] = message['content']
  const isText = block.type === 'text'
  const pieces: string[] = toPieces(isText ? block.text : JSON.stringify(block.input))
  return [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { ...INPUT, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { ...block, ...(isText ? { text: '' } : { input: {} }) } },
    ...pieces.map((piece) => ({
      type: 'content_block_delta',
      index: 0,
      delta: isText ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: message['stop_reason'], stop_sequence: null },
      usage: { ...INPUT, output_tokens: USED.output },
    },
    { type: 'message_stop' },
  ]
}

import {
  asksForTool,
  createId,
  DIMENSIONS,
  type Dialect,
  type Json,
  json,
  type ModelRequest,
  refuse,
  type Reply,
  stream,
  textOf,
  toArguments,
  toPieces,
  toStructured,
  USED,
} from './reply.js'

const USAGE = {
  prompt_tokens: USED.input,
  completion_tokens: USED.output,
  total_tokens: USED.total,
  prompt_tokens_details: { cached_tokens: USED.cacheRead, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: USED.reasoning,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
}

/** Chat completions of OpenAI. */
export const answerChat: Dialect = ({ body }, refused) => {
  if (refused !== undefined) return refuseOpenAi(refused)
  const message = toMessage(body)
  const finish = message['tool_calls'] === undefined ? 'stop' : 'tool_calls'
  const base = {
    id: createId('chatcmpl'),
    created: 1_700_000_000,
    model: body['model'],
    service_tier: 'default',
    system_fingerprint: 'fp_1',
  }
  if (body['stream'] === true) return streamChat(base, message, finish, body['stream_options']?.include_usage === true)
  const choices = [{ index: 0, message, finish_reason: finish, logprobs: null }]
  return json({ ...base, object: 'chat.completion', choices, usage: USAGE })
}

/** The error that OpenAI sends with this status. */
export function refuseOpenAi(status: number): Reply {
  const error =
    status === 429
      ? { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' }
      : { message: 'The server had an error', type: 'server_error', param: null, code: null }
  return refuse(status, { error }, { 'x-should-retry': 'false' })
}

function toMessage(body: Json): Json {
  const last = body['messages'].at(-1)
  const said = textOf(last.content)
  if (last.role !== 'tool' && asksForTool(body['tools'], said)) {
    const { name } = body['tools'][0].function
    const call = { id: createId('call'), type: 'function', function: { name, arguments: JSON.stringify(toArguments(said)) } }
    return { role: 'assistant', content: null, refusal: null, tool_calls: [call] }
  }
  const format = body['response_format']
  const content = format?.type === 'json_schema' ? toStructured(format.json_schema.schema, `echo: ${said}`) : `echo: ${said}`
  return { role: 'assistant', content, refusal: null, annotations: [] }
}

function streamChat(base: Json, message: Json, finish: string, withUsage: boolean): Reply {
  const chunk = (delta: Json, reason: string | null = null): Json => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: reason, logprobs: null }],
    ...(withUsage ? { usage: null } : {}),
  })
  const calls = ((message['tool_calls'] ?? []) as Json[]).flatMap((call, index) => [
    chunk({ tool_calls: [{ index, ...call, function: { name: call['function'].name, arguments: '' } }] }),
    ...toPieces(call['function'].arguments).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ])
  const events = [
    chunk({ role: 'assistant', content: message['content'] === null ? null : '', refusal: null }),
    ...(message['content'] === null ? calls : toPieces(message['content']).map((content) => chunk({ content }))),
    chunk({}, finish),
    ...(withUsage ? [{ ...base, object: 'chat.completion.chunk', choices: [], usage: USAGE }] : []),
  ]
  return stream(
    events.map((event) => [undefined, event] as const),
    'data: [DONE]\n\n',
  )
}

/** Embeddings of OpenAI; the client asks for base64 unless it is told not to. */
export const answerEmbeddings: Dialect = ({ body }: ModelRequest, refused) => {
  if (refused !== undefined) return refuseOpenAi(refused)
  const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']]
  const vector = Float32Array.from({ length: DIMENSIONS }, (_, index) => index / 8)
  const embedding = body['encoding_format'] === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
  const data = inputs.map((_: unknown, index: number) => ({ object: 'embedding', index, embedding }))
  return json({ object: 'list', data, model: body['model'], usage: { prompt_tokens: USED.input, total_tokens: USED.input } })
}

import {
  asksForTool,
  createId,
  type Dialect,
  type Json,
  json,
  type Reply,
  stream,
  textOf,
  toArguments,
  toPieces,
  toStructured,
  USED,
} from './reply.js'
import { refuseOpenAi } from './openai.js'

const USAGE = {
  input_tokens: USED.input,
  input_tokens_details: { cached_tokens: USED.cacheRead },
  output_tokens: USED.output,
  output_tokens_details: { reasoning_tokens: USED.reasoning },
  total_tokens: USED.total,
}

/** Responses of OpenAI. */
export const answerResponses: Dialect = ({ body }, refused) => {
  if (refused !== undefined) return refuseOpenAi(refused)
  const item = toItem(body)
  const response = toResponse(body, item)
  return body['stream'] === true ? streamResponse(response, item) : json(response)
}

function toItem(body: Json): Json {
  const input = typeof body['input'] === 'string' ? [{ role: 'user', content: body['input'] }] : body['input']
  const last = input.at(-1)
  const said = textOf(last)
  if (last.type !== 'function_call_output' && asksForTool(body['tools'], said)) {
    const { name } = body['tools'][0]
    return {
      type: 'function_call',
      id: createId('fc'),
      call_id: createId('call'),
      name,
      arguments: JSON.stringify(toArguments(said)),
      status: 'completed',
    }
  }
  const format = body['text']?.format
  const text = format?.type === 'json_schema' ? toStructured(format.schema, `echo: ${said}`) : `echo: ${said}`
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return { type: 'message', id: createId('msg'), status: 'completed', role: 'assistant', content }
}

function toResponse(body: Json, item: Json): Json {
  return {
    id: createId('resp'),
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: null,
    model: body['model'],
    output: [item],
    parallel_tool_calls: true,
    previous_response_id: body['previous_response_id'] ?? null,
    reasoning: { effort: null, summary: null },
    store: true,
    temperature: 1,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: body['tools'] ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: USAGE,
    user: null,
    metadata: {},
  }
}

function streamResponse(response: Json, item: Json): Reply {
  const started = { ...response, status: 'in_progress', output: [], usage: null }
  const at = { output_index: 0, item_id: item['id'] }
  const events: Json[] = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...(item['type'] === 'message' ? streamText(item, at) : streamCall(item, at)),
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response },
  ]
  return stream(events.map((event, sequence_number) => [event['type'], { ...event, sequence_number }] as const))
}

function streamText(item: Json, at: Json): Json[] {
  const [part] = item['content']
  const place = { ...at, content_index: 0 }
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...toPieces(part.text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...place, text: part.text, logprobs: [] },
    { type: 'response.content_part.done', ...place, part },
  ]
}

function streamCall(item: Json, at: Json): Json[] {
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', arguments: '' } },
    ...toPieces(item['arguments']).map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
    { type: 'response.function_call_arguments.done', ...at, name: item['name'], arguments: item['arguments'] },
  ]
}

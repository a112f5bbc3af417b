import { toAnthropicEvents, toAnthropicMessage } from './anthropic.js'
import { toEventFrame } from './event-frame.js'
import {
  asksForTool,
  createId,
  DIMENSIONS,
  type Dialect,
  type Json,
  json,
  refuse,
  type Reply,
  textOf,
  toArguments,
  toPieces,
  USED,
} from './reply.js'

const USAGE = {
  inputTokens: USED.input - USED.cacheRead - USED.cacheWrite,
  outputTokens: USED.output,
  totalTokens: USED.total,
  cacheReadInputTokens: USED.cacheRead,
  cacheWriteInputTokens: USED.cacheWrite,
}

/** Bedrock's Converse and InvokeModel, whole and streamed; InvokeModel speaks Anthropic's messages and Titan's embeddings. */
export const answerBedrock: Dialect = ({ path, body }, refused) => {
  if (refused !== undefined) return refuseBedrock(refused)
  const [, model = '', operation] = /\/model\/([^/]+)\/([\w-]+)$/.exec(path) ?? []
  if (operation === 'converse') return json(converse(body))
  if (operation === 'converse-stream') return toEventStream(toConverseEvents(converse(body)))
  if (model.includes('embed'))
    return invoked({ embedding: Array.from({ length: DIMENSIONS }, (_, index) => index / 8), inputTextTokenCount: USED.input })
  const message = toAnthropicMessage(body, model)
  if (operation === 'invoke') return invoked(message)
  const events = toAnthropicEvents(message)
  return toEventStream(events.map((event) => ['chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') }]))
}

function invoked(body: unknown): Reply {
  const headers = {
    'x-amzn-bedrock-input-token-count': String(USAGE.inputTokens),
    'x-amzn-bedrock-output-token-count': String(USAGE.outputTokens),
  }
  return { ...json(body), headers }
}

function refuseBedrock(status: number): Reply {
  const type = status === 429 ? 'ThrottlingException' : 'InternalServerException'
  return refuse(status, { message: status === 429 ? 'Too many requests' : 'Internal server error' }, { 'x-amzn-errortype': type })
}

function converse(body: Json): Json {
  const { content } = body['messages'].at(-1)
  const said = textOf(content)
  const tools = body['toolConfig']?.tools
  const hasResult = content.some((part: Json) => part['toolResult'] !== undefined)
  const isCall = !hasResult && asksForTool(tools, said)
  const block = isCall
    ? { toolUse: { toolUseId: createId('tooluse'), name: tools[0].toolSpec.name, input: toArguments(said) } }
    : { text: `echo: ${said}` }
  const message = { role: 'assistant', content: [block] }
  return { output: { message }, stopReason: isCall ? 'tool_use' : 'end_turn', usage: USAGE, metrics: { latencyMs: 5 } }
}

type StreamEvent = readonly [name: string, value: Json]

function toConverseEvents(answer: Json): StreamEvent[] {
  const [block] = answer['output'].message.content
  const at = { contentBlockIndex: 0 }
  const call = block.toolUse
  const deltas =
    call === undefined
      ? toPieces(block.text).map((text) => ({ text }))
      : toPieces(JSON.stringify(call.input)).map((input) => ({ toolUse: { input } }))
  const start: StreamEvent[] =
    call === undefined ? [] : [['contentBlockStart', { ...at, start: { toolUse: { toolUseId: call.toolUseId, name: call.name } } }]]
  return [
    ['messageStart', { role: 'assistant' }],
    ...start,
    ...deltas.map((delta) => ['contentBlockDelta', { ...at, delta }] as const),
    ['contentBlockStop', at],
    ['messageStop', { stopReason: answer['stopReason'] }],
    ['metadata', { usage: USAGE, metrics: { latencyMs: 5 } }],
  ]
}

function toEventStream(events: readonly StreamEvent[]): Reply {
  const headers = { 'x-amzn-bedrock-content-type': 'application/json' }
  return { type: 'application/vnd.amazon.eventstream', headers, parts: events.map(([name, value]) => toEventFrame(name, value)) }
}

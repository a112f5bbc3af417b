/** Joins the pieces of a streamed answer, as providers and SDKs send them, into the message they make. */
import { isObject, type JsonObject, readEmbeddedJson, toNonEmptyText, toObject } from './json.js'
import { type ChatMessage, toMessages } from './messages.js'

/** What the pieces have told so far. */
interface Draft {
  text: string
  reasoning: string
  readonly calls: Map<string, { id?: string; name?: string; args: string; given?: unknown }>
  finish: string | undefined
  /** Whether any piece was one of a known kind. */
  isKnown: boolean
}

/** The message that a list of chunks makes; `undefined` when it is no such list. A list of texts is one text. */
export function joinChunks(chunks: readonly unknown[]): ChatMessage | undefined {
  if (chunks.length === 0) return undefined
  if (chunks.every((chunk) => typeof chunk === 'string')) return { role: 'assistant', content: chunks.join('') }
  const whole = findWhole(chunks)
  if (whole !== undefined) return whole
  const draft: Draft = { text: '', reasoning: '', calls: new Map(), finish: undefined, isKnown: false }
  for (const chunk of chunks) {
    const isRead = isObject(chunk) ? addChunk(draft, chunk) : isLeftOut(chunk)
    if (!isRead) return undefined
  }
  return draft.isKnown ? toMessage(draft) : undefined
}

/** What the tracer writes at the end of a stream that was too long to keep. */
function isLeftOut(chunk: unknown): boolean {
  return typeof chunk === 'string' && /^\[\d+ more items\]$/.test(chunk)
}

/** OpenAI's responses repeat the whole answer in the last event. */
function findWhole(chunks: readonly unknown[]): ChatMessage | undefined {
  const last = chunks.findLast((chunk) => isObject(chunk) && chunk.type === 'response.completed')
  const output = toObject(toObject(last).response).output
  const messages = toMessages(output, 'assistant') ?? []
  const [first] = messages
  if (first === undefined) return undefined
  return {
    role: 'assistant',
    content: messages.flatMap(({ content }) =>
      Array.isArray(content) ? content : content === '' ? [] : [{ type: 'text', text: String(content) }],
    ),
    ...(messages.some((message) => message.tool_calls) ? { tool_calls: messages.flatMap((message) => message.tool_calls ?? []) } : {}),
  }
}

function addChunk(draft: Draft, chunk: JsonObject): boolean {
  if (Array.isArray(chunk.choices)) return addOpenAi(draft, chunk.choices)
  if (Array.isArray(chunk.candidates)) return addGemini(draft, toObject(chunk.candidates[0]))
  if (chunk.lc === 1 && isObject(chunk.kwargs)) return isMessageChunk(chunk) && addLangChain(draft, chunk.kwargs)
  const type = toNonEmptyText(chunk.type)
  if (type === undefined) return false
  return addAnthropic(draft, type, chunk) || addAiSdk(draft, type, chunk) || addResponses(draft, type, chunk)
}

function addOpenAi(draft: Draft, choices: readonly unknown[]): boolean {
  const choice = toObject(choices[0])
  // The last chunk of a stream carries usage and no choice.
  if (choices.length > 0 && !isObject(choice.delta) && typeof choice.text !== 'string') return false
  const delta = toObject(choice.delta)
  draft.isKnown = true
  draft.text += toText(delta.content ?? choice.text) + toText(delta.refusal)
  draft.reasoning += toText(delta.reasoning_content ?? delta.reasoning)
  draft.finish = toNonEmptyText(choice.finish_reason) ?? draft.finish
  for (const given of Array.isArray(delta.tool_calls) ? delta.tool_calls : []) {
    const call = toObject(given)
    const details = toObject(call.function)
    addCall(draft, String(call.index ?? call.id ?? 0), { id: call.id, name: details.name, args: details.arguments })
  }
  return true
}

function addGemini(draft: Draft, candidate: JsonObject): boolean {
  const { parts } = toObject(candidate.content)
  draft.isKnown = true
  draft.finish = toNonEmptyText(candidate.finishReason) ?? draft.finish
  for (const given of Array.isArray(parts) ? parts : []) {
    const part = toObject(given)
    if (part.thought === true) draft.reasoning += toText(part.text)
    else draft.text += toText(part.text)
    const call = toObject(part.functionCall)
    if (call.name !== undefined) addCall(draft, `gemini ${draft.calls.size}`, { id: call.id, name: call.name, given: call.args })
  }
  return true
}

/** A list of whole messages looks the same but for the name of its class. */
function isMessageChunk({ id }: JsonObject): boolean {
  return Array.isArray(id) && String(id.at(-1)).endsWith('Chunk')
}

function addLangChain(draft: Draft, { content, tool_call_chunks: calls }: JsonObject): boolean {
  draft.isKnown = true
  const parts = Array.isArray(content) ? content : [content]
  for (const part of parts) {
    const { type, text, thinking } = typeof part === 'string' ? { type: 'text', text: part, thinking: undefined } : toObject(part)
    if (type === 'thinking' || type === 'reasoning') draft.reasoning += toText(thinking ?? text)
    else draft.text += toText(text)
  }
  for (const given of Array.isArray(calls) ? calls : []) {
    const { index, id, name, args } = toObject(given)
    addCall(draft, String(index ?? id ?? 0), { id, name, args })
  }
  return true
}

function addAnthropic(draft: Draft, type: string, chunk: JsonObject): boolean {
  const index = `block ${String(chunk.index)}`
  if (type === 'content_block_start') {
    const block = toObject(chunk.content_block)
    draft.text += block.type === 'text' ? toText(block.text) : ''
    if (block.type === 'tool_use' || block.type === 'server_tool_use') addCall(draft, index, { id: block.id, name: block.name })
  } else if (type === 'content_block_delta') {
    const delta = toObject(chunk.delta)
    draft.text += toText(delta.text)
    draft.reasoning += toText(delta.thinking)
    if (delta.partial_json !== undefined) addCall(draft, index, { args: delta.partial_json })
  } else if (type === 'message_delta') draft.finish = toNonEmptyText(toObject(chunk.delta).stop_reason) ?? draft.finish
  else if (!['message_start', 'content_block_stop', 'message_stop', 'ping'].includes(type)) return false
  draft.isKnown = true
  return true
}

/** What stands between the pieces in a stream of the AI SDK. */
const AI_SDK_FRAMES =
  /^(start|finish|abort|raw|stream-start|response-metadata|source|file|(start|finish)-step|step-(start|finish)|(text|reasoning)-(start|end)|tool-(input-.*|result|error|output.*|call-delta|call-streaming-start)|reasoning-signature)$/

function addAiSdk(draft: Draft, type: string, chunk: JsonObject): boolean {
  const piece = chunk.text ?? chunk.textDelta ?? chunk.delta
  if (type === 'text-delta') draft.text += toText(piece)
  else if (type === 'reasoning-delta' || (type === 'reasoning' && chunk.textDelta !== undefined)) draft.reasoning += toText(piece)
  else if (type === 'tool-call')
    addCall(draft, String(chunk.toolCallId), { id: chunk.toolCallId, name: chunk.toolName, given: chunk.input ?? chunk.args })
  else if (!AI_SDK_FRAMES.test(type)) return false
  draft.finish = toNonEmptyText(chunk.finishReason) ?? draft.finish
  // A file or a call may also be a part of a whole message.
  draft.isKnown ||= !['file', 'source', 'tool-call', 'raw'].includes(type)
  return true
}

/** Events of OpenAI's responses, for a stream that broke off before its last one. */
function addResponses(draft: Draft, type: string, chunk: JsonObject): boolean {
  if (!type.startsWith('response.')) return false
  draft.isKnown = true
  if (type === 'response.output_text.delta') draft.text += toText(chunk.delta)
  if (type === 'response.reasoning_summary_text.delta' || type === 'response.reasoning_text.delta') draft.reasoning += toText(chunk.delta)
  const item = toObject(chunk.item)
  if (type === 'response.output_item.done' && item.type === 'function_call')
    addCall(draft, String(item.call_id), { id: item.call_id, name: item.name, args: item.arguments })
  return true
}

interface CallPiece {
  readonly id?: unknown
  readonly name?: unknown
  readonly args?: unknown
  /** Arguments that came whole. */
  readonly given?: unknown
}

function addCall({ calls }: Draft, key: string, { id, name, args, given }: CallPiece): void {
  const call = calls.get(key) ?? { args: '' }
  const ownId = toNonEmptyText(id)
  const ownName = toNonEmptyText(name)
  calls.set(key, {
    ...call,
    ...(ownId === undefined ? {} : { id: ownId }),
    ...(ownName === undefined ? {} : { name: ownName }),
    args: call.args + toText(args),
    ...(given === undefined ? {} : { given }),
  })
}

function toMessage({ text, reasoning, calls, finish }: Draft): ChatMessage {
  const listed = [...calls.values()].map(({ args, given, ...call }) => ({ ...call, arguments: given ?? readEmbeddedJson(args) }))
  return {
    role: 'assistant',
    content: reasoning === '' ? text : [{ type: 'reasoning', text: reasoning }, ...(text === '' ? [] : [{ type: 'text', text }])],
    ...(listed.length > 0 ? { tool_calls: listed } : {}),
    ...(finish === undefined ? {} : { finish_reason: finish }),
  }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

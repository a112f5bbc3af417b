/** Reads the many spellings of chat messages into one. */
import { toJsonText } from '../natives.js'
import {
  isContentPart,
  type ReadContentPart as ReadPart,
  toContentPart,
  type ContentPart,
  type ToolCall,
  toToolCall,
  toToolResult,
} from './message-parts.js'
import { isObject, type JsonObject, readEmbeddedJson, toNonEmptyText, toObject } from './json.js'

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: string
  /** Text, or the parts of a message that holds more than text; for the answer of a tool what the tool gave back. */
  readonly content: unknown
  readonly tool_calls?: readonly ToolCall[]
  /** The call that a tool's message answers. */
  readonly tool_call_id?: string
  readonly name?: string
  readonly finish_reason?: string
}

/**
 * Reads a message or a list of them in any of the known spellings: OpenAI, Anthropic, Bedrock, Gemini, LangChain, AI SDK,
 * OpenInference, the indexed and the JSON form of the OpenTelemetry conventions. Text is one message of `defaultRole`.
 * `undefined` when it is none.
 */
export function toMessages(value: unknown, defaultRole: string): ChatMessage[] | undefined {
  const list = readEmbeddedJson(value)
  if (typeof list === 'string') return list === '' ? undefined : [{ role: defaultRole, content: list }]
  if (isObject(list) && Array.isArray(list.messages)) return toMessages(list.messages, defaultRole)
  if (isObject(list) && Array.isArray(list.choices)) return toMessages(list.choices, defaultRole)
  if (isObject(list) && Array.isArray(list.generations)) return toMessages(list.generations, defaultRole)
  if (isObject(list) && list.object === 'response' && Array.isArray(list.output)) return toMessages(list.output, 'assistant')
  const prompt = isObject(list) && list.lc === 1 ? toObject(list.kwargs).messages : undefined
  if (Array.isArray(prompt)) return toMessages(prompt, defaultRole)
  if (isObject(list) && Array.isArray(list.candidates)) return toMessages(list.candidates, defaultRole)
  if (isObject(list) && Array.isArray(list.output)) return toMessages(list.output, defaultRole)
  if (isObject(list)) return isMessage(list) ? [toMessage(list, defaultRole)] : undefined
  if (!Array.isArray(list) || list.length === 0) return undefined
  // LangChain's batches: one list of messages for each prompt.
  if (list.length === 1 && Array.isArray(list[0])) return toMessages(list[0], defaultRole)
  if (!list.every((item) => isObject(item) && isMessage(item))) return undefined
  return list.map((item) => toMessage(toObject(item), defaultRole))
}

/** `told` with what another account of the same messages says beyond it: ids of calls, content that was left out. */
export function completeMessages(told: readonly ChatMessage[], more: readonly ChatMessage[] = []): readonly ChatMessage[] {
  if (told.length !== more.length || told.some(({ role }, index) => role !== more[index]?.role)) return told
  return told.map((message, index) => complete(message, more[index] ?? message))
}

function complete(told: ChatMessage, more: ChatMessage): ChatMessage {
  const calls = completeCalls(told.tool_calls ?? [], more.tool_calls ?? [])
  const content = told.content === '' ? more.content : told.content
  const { tool_call_id: id = more.tool_call_id } = told
  return { ...told, content, ...(calls.length > 0 ? { tool_calls: calls } : {}), ...(id === undefined ? {} : { tool_call_id: id }) }
}

function completeCalls(told: readonly ToolCall[], more: readonly ToolCall[]): readonly ToolCall[] {
  if (told.length === 0) return more
  const isSame = told.length === more.length && told.every(({ name }, index) => name === more[index]?.name)
  return isSame ? told.map((call, index) => ({ ...more[index], ...call })) : told
}

const MESSAGE_KEYS = ['role', 'content', 'parts', 'contents', 'tool_calls', 'function_call', 'text']
const RESPONSE_ITEMS: ReadonlySet<unknown> = new Set(['function_call', 'function_call_output', 'function_call_result', 'reasoning'])

const RESULT_ITEMS: ReadonlySet<unknown> = new Set(['function_call_output', 'function_call_result'])

function isMessage(item: JsonObject): boolean {
  const message = unwrap(item)
  return MESSAGE_KEYS.some((key) => Object.hasOwn(message, key)) || RESPONSE_ITEMS.has(message.type)
}

/** One message in any of the known spellings; `defaultRole` when it names none. */
export function toMessage(item: JsonObject, defaultRole: string): ChatMessage {
  const message = unwrap(item)
  const parts = listParts(message)
  const calls = collectCalls(message, parts)
  const content = parts.filter(({ call }) => call === undefined)
  const [first] = content
  const result = content.length === 1 && first?.type === 'tool_result' ? first : undefined
  const callId = toNonEmptyText(message.tool_call_id) ?? toNonEmptyText(result?.tool_call_id)
  const name = message.type === 'function_call' ? undefined : (toNonEmptyText(message.name) ?? toNonEmptyText(result?.name))
  const finish = toNonEmptyText(item.finish_reason) ?? toNonEmptyText(message.finish_reason) ?? toNonEmptyText(message.stop_reason)
  // Anthropic, Bedrock and Gemini let the user say what a tool gave back.
  const role = result === undefined && callId === undefined ? toRole(message, defaultRole) : 'tool'
  const given = result === undefined ? toContent(content) : (result.content ?? '')
  return {
    role,
    content: role === 'tool' ? toToolResult(given) : given,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(callId === undefined ? {} : { tool_call_id: callId }),
    ...(name === undefined ? {} : { name }),
    ...(finish === undefined ? {} : { finish_reason: finish }),
  }
}

/** The message inside what carries it: a choice, a candidate of Gemini, an OpenInference entry, a serialised LangChain object. */
function unwrap(item: JsonObject): JsonObject {
  if (isObject(item.content) && Array.isArray(item.content.parts)) return { finish_reason: item.finishReason, ...item.content }
  const message = isObject(item.message) ? item.message : item
  if (message.lc !== 1 || !isObject(message.kwargs)) return message
  const kind = Array.isArray(message.id) ? message.id.at(-1) : undefined
  return { role: toLangChainRole(kind), ...message.kwargs }
}

function toLangChainRole(kind: unknown): string | undefined {
  const name = typeof kind === 'string' ? /^(Human|AI|System|Tool|Function)Message/.exec(kind)?.[1] : undefined
  return name === undefined ? undefined : { Human: 'user', AI: 'assistant', System: 'system', Tool: 'tool', Function: 'tool' }[name]
}

function toRole({ role, type }: JsonObject, defaultRole: string): string {
  if (role === 'model') return 'assistant'
  if (role === undefined && RESULT_ITEMS.has(type)) return 'tool'
  if (role === undefined && (type === 'function_call' || type === 'reasoning')) return 'assistant'
  return toNonEmptyText(role) ?? defaultRole
}

function listParts(message: JsonObject): readonly ReadPart[] {
  const reasoning = toNonEmptyText(message.reasoning_content) ?? toNonEmptyText(message.reasoning)
  const refusal = toNonEmptyText(message.refusal)
  const parts = RESPONSE_ITEMS.has(message.type) ? [toContentPart(message)] : readContent(message)
  return [
    ...(reasoning === undefined ? [] : [{ type: 'reasoning', text: reasoning }]),
    // Reasoning that the provider keeps to itself has no text.
    ...parts.filter(({ type, text }) => type !== 'reasoning' || text !== ''),
    ...(refusal === undefined ? [] : [{ type: 'refusal', text: refusal }]),
  ]
}

function readContent(message: JsonObject): readonly ReadPart[] {
  const content = message.parts ?? message.contents ?? message.content ?? message.text
  if (content === undefined || content === null || content === '' || (Array.isArray(content) && content.length === 0)) return []
  const list = readEmbeddedJson(content)
  if (Array.isArray(list) && list.length === 0 && list === content) return []
  const isList = Array.isArray(list) && list.length > 0
  if (isList && list.every((part) => isContentPart(part) || (list === content && typeof part === 'string'))) return list.map(toContentPart)
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return isContentPart(content) ? [toContentPart(content)] : [{ type: 'value', content }]
}

/** Text as text; a list only where something else stands among it. */
function toContent(parts: readonly ContentPart[]): unknown {
  const [first] = parts
  if (parts.length === 1 && first?.type === 'value') return first.content
  return parts.every(({ type }) => type === 'text') ? parts.map(({ text }) => text).join('') : parts
}

/** The calls a message lists and those among its parts; some instrumentations write each call in both places. */
function collectCalls(message: JsonObject, parts: readonly ReadPart[]): ToolCall[] {
  const listed = readEmbeddedJson(message.tool_calls ?? message.toolCalls)
  const legacy = isObject(message.function_call) ? [message.function_call] : []
  const calls = [
    ...(Array.isArray(listed) ? listed : legacy).map((call) => toToolCall(toObject(call))),
    ...parts.flatMap(({ call }) => (call === undefined ? [] : [call])),
  ]
  const seen = new Set<string>()
  return calls.filter((call) => {
    const name = call.id ?? toJsonText(call)
    return !seen.has(name) && seen.add(name)
  })
}

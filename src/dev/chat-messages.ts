/** Reads the many spellings of chat messages into one: `{ role, content, tool_calls? }`. */
import type { DecodedSpanEvent } from '../otlp/decoded-span.js'
import { isObject, type JsonObject, readEmbeddedJson, toNonEmptyText, toObject } from '../otlp/json.js'
import type { SpanAttributes } from './span-attributes.js'
import { unflatten } from './unflatten.js'

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: string
  readonly content: unknown
  readonly tool_calls?: readonly unknown[]
  readonly tool_call_id?: string
  readonly finish_reason?: string
}

const INPUT_SOURCES = ['gen_ai.input.messages', 'gen_ai.prompt', 'llm.prompts', 'llm.input_messages', 'ai.prompt.messages'] as const
const OUTPUT_SOURCES = ['gen_ai.output.messages', 'gen_ai.completion', 'llm.completions', 'llm.output_messages'] as const
const INPUT_EVENTS = ['gen_ai.system.message', 'gen_ai.user.message', 'gen_ai.assistant.message', 'gen_ai.input.message'] as const
const OUTPUT_EVENTS = ['gen_ai.choice', 'gen_ai.output.message'] as const
const DETAILS_EVENT = 'gen_ai.client.inference.operation.details'

/** Span events that become messages and are therefore not repeated in the metadata. */
export const MESSAGE_EVENTS: ReadonlySet<string> = new Set([...INPUT_EVENTS, ...OUTPUT_EVENTS, DETAILS_EVENT])

/** Takes the prompt of a model call from its attributes, else from its span events; empty when there is none. */
export function takeInputMessages(attributes: SpanAttributes, events: readonly DecodedSpanEvent[]): ChatMessage[] {
  const messages = takeFirst(attributes, INPUT_SOURCES, 'user')
  return messages.length > 0 ? messages : fromEvents(events, INPUT_EVENTS, 'gen_ai.input.messages', 'user')
}

/** Takes the answer of a model call from its attributes, else from its span events; empty when there is none. */
export function takeOutputMessages(attributes: SpanAttributes, events: readonly DecodedSpanEvent[]): ChatMessage[] {
  const messages = takeFirst(attributes, OUTPUT_SOURCES, 'assistant')
  if (messages.length > 0) return messages
  const response = takeAiSdkResponse(attributes)
  return response.length > 0 ? response : fromEvents(events, OUTPUT_EVENTS, 'gen_ai.output.messages', 'assistant')
}

/** Reads a list of messages in any of the known spellings; `undefined` when it is not one. */
export function toMessages(value: unknown, defaultRole: string): ChatMessage[] | undefined {
  const list = readEmbeddedJson(value)
  if (typeof list === 'string') return list === '' ? undefined : [{ role: defaultRole, content: list }]
  if (isObject(list) && Array.isArray(list.messages)) return toMessages(list.messages, defaultRole)
  if (isObject(list)) return isMessage(list) ? [toMessage(list, defaultRole)] : undefined
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => isObject(item) && isMessage(item))) return undefined
  return list.map((item) => toMessage(toObject(item), defaultRole))
}

function takeFirst(attributes: SpanAttributes, sources: readonly string[], defaultRole: string): ChatMessage[] {
  let found: ChatMessage[] = []
  for (const source of sources) {
    const whole = attributes.has(source) ? toMessages(attributes.peek(source), defaultRole) : undefined
    const messages = whole ?? peekIndexed(attributes, source, defaultRole)
    if (messages === undefined || (found.length > 0 && JSON.stringify(messages) !== JSON.stringify(found))) continue
    attributes.take(source)
    attributes.takePrefixed(`${source}.`)
    found = messages
  }
  return found
}

function peekIndexed(attributes: SpanAttributes, source: string, defaultRole: string): ChatMessage[] | undefined {
  const prefix = `${source}.`
  const entries = attributes
    .remaining()
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const)
  if (entries.length === 0) return undefined
  const tree = unflatten(entries, false)
  const keys = Object.keys(tree)
    .filter((key) => /^\d+$/.test(key))
    .sort((a, b) => Number(a) - Number(b))
  return toMessages(
    keys.map((key) => tree[key]),
    defaultRole,
  )
}

function takeAiSdkResponse(attributes: SpanAttributes): ChatMessage[] {
  const text = attributes.take('ai.response.text')
  const object = readEmbeddedJson(attributes.take('ai.response.object'))
  const calls = readEmbeddedJson(attributes.take('ai.response.toolCalls'))
  if (text === undefined && object === undefined && calls === undefined) return []
  const finish = toNonEmptyText(attributes.peek('ai.response.finishReason'))
  return [toMessage({ role: 'assistant', content: text ?? object ?? '', tool_calls: calls, finish_reason: finish }, 'assistant')]
}

function fromEvents(events: readonly DecodedSpanEvent[], names: readonly string[], detailsKey: string, defaultRole: string): ChatMessage[] {
  const details = events.find((event) => event.name === DETAILS_EVENT)
  const fromDetails = details === undefined ? undefined : toMessages(details.attributes[detailsKey], defaultRole)
  if (fromDetails !== undefined) return fromDetails
  return events.filter((event) => names.includes(event.name)).map(toEventMessage)
}

function toEventMessage({ name, attributes }: DecodedSpanEvent): ChatMessage {
  const role = /^gen_ai\.(system|user|assistant)\.message$/.exec(name)?.[1] ?? (name.includes('input') ? 'user' : 'assistant')
  const nested = toObject(readEmbeddedJson(attributes.message))
  return toMessage({ ...attributes, ...nested, message: undefined, finish_reason: attributes.finish_reason }, role)
}

function isMessage(item: JsonObject): boolean {
  const message = toObject(item.message ?? item)
  return ['role', 'content', 'parts', 'contents', 'tool_calls', 'function_call', 'text'].some((key) => Object.hasOwn(message, key))
}

function toMessage(item: JsonObject, defaultRole: string): ChatMessage {
  const message = toObject(item.message ?? item)
  const parts = Array.isArray(message.parts) ? message.parts.filter(isObject) : undefined
  const calls = toToolCalls(message, parts)
  const callId = toNonEmptyText(message.tool_call_id) ?? toNonEmptyText(parts?.find((part) => part.type === 'tool_call_response')?.id)
  const finish = toNonEmptyText(item.finish_reason) ?? toNonEmptyText(message.finish_reason)
  return {
    role: toNonEmptyText(message.role) ?? defaultRole,
    content: parts === undefined ? toContent(message) : joinParts(parts),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(callId === undefined ? {} : { tool_call_id: callId }),
    ...(finish === undefined ? {} : { finish_reason: finish }),
  }
}

function toContent(message: JsonObject): unknown {
  const content = message.content ?? message.contents ?? message.text ?? ''
  const list = readEmbeddedJson(content)
  if (!Array.isArray(list) || !list.every(isObject)) return content
  const texts = list.map((part) => toObject(part.message_content ?? part)).filter((part) => typeof part.text === 'string')
  return texts.length === list.length ? texts.map((part) => part.text).join('') : list
}

function joinParts(parts: readonly JsonObject[]): unknown {
  const texts = parts.flatMap((part) => {
    if (part.type === 'text' || part.type === undefined) return [String(part.content ?? part.text ?? '')]
    return part.type === 'tool_call_response' ? [toText(part.response ?? part.result)] : []
  })
  return texts.join('')
}

function toToolCalls(message: JsonObject, parts: readonly JsonObject[] | undefined): unknown[] {
  const listed = readEmbeddedJson(message.tool_calls)
  if (Array.isArray(listed)) return listed.map((call) => toObject(call).tool_call ?? call)
  return (parts ?? []).filter((part) => part.type === 'tool_call').map(({ id, name, arguments: args }) => ({ id, name, arguments: args }))
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

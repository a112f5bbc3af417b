/** Reads messages out of the log events in which OpenTelemetry's GenAI conventions carry them beside a span. */
import { DETAILS_EVENT, MESSAGE_EVENTS, readConversation } from './conversation.js'
import { isObject, type JsonObject, readEmbeddedJson } from './json.js'
import { type ChatMessage, toMessages } from './messages.js'

/** What one event says of a model call. */
export interface MessageEvent {
  readonly inputs: readonly ChatMessage[]
  readonly outputs: readonly ChatMessage[]
  /** Tools the model could call. */
  readonly tools: unknown
  /** Whether it tells a whole side of the call, and not one message of it. */
  readonly isWhole: boolean
}

/**
 * The messages of an event by its name; `undefined` when it is another event or holds no content, as events do where capturing
 * it was not asked for.
 */
export function readMessageEvent(name: string, body: unknown, attributes: JsonObject): MessageEvent | undefined {
  if (!MESSAGE_EVENTS.has(name)) return undefined
  const content = isObject(body) ? body : typeof body === 'string' ? { content: body } : {}
  const isWhole = name === DETAILS_EVENT
  const fields = isWhole ? { ...content, ...attributes } : content
  const { input, output } = readConversation({}, [{ name, attributes: fields }])
  const instructions = isWhole ? toMessages(fields['gen_ai.system_instructions'], 'system') : undefined
  const tools = isWhole ? readEmbeddedJson(fields['gen_ai.tool.definitions']) : undefined
  const inputs = [...(instructions ?? []), ...input.messages].filter(hasContent)
  const outputs = output.messages.filter(hasContent)
  return inputs.length + outputs.length === 0 && tools === undefined ? undefined : { inputs, outputs, tools, isWhole }
}

/** One answer that came in several parts: its text, the calls of tools, and how it ended. */
export function joinAnswers(one: ChatMessage, other: ChatMessage): ChatMessage {
  const calls = [...(one.tool_calls ?? []), ...(other.tool_calls ?? [])]
  const finish = other.finish_reason ?? one.finish_reason
  return {
    ...one,
    content: joinContent(one.content, other.content),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(finish === undefined ? {} : { finish_reason: finish }),
  }
}

function joinContent(one: unknown, other: unknown): unknown {
  if (one === '') return other
  if (other === '') return one
  if (typeof one === 'string' && typeof other === 'string') return one + other
  return [...toParts(one), ...toParts(other)]
}

function toParts(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content
  return [typeof content === 'string' ? { type: 'text', text: content } : content]
}

function hasContent({ content, tool_calls: calls }: ChatMessage): boolean {
  return (content !== '' && content !== undefined) || (calls?.length ?? 0) > 0
}

/** Puts values that a span holds as a whole into the buckets: what went into a step and what came out of it. */
import { readEmbeddingReply } from '../../semantics/embeddings.js'
import { readJsonText, toToolResult } from '../../semantics/message-parts.js'
import { type ChatMessage, toMessages } from '../../semantics/messages.js'
import { isObject, type JsonObject, readEmbeddedJson, toObject } from '../../otlp/json.js'
import { type EventBody, fill } from '../store/event-body.js'
import type { SpanAttributes } from './span-attributes.js'

/** Takes `input.value` and `output.value`. @returns what came out. */
export function takeValues(attributes: SpanAttributes, type: string, body: EventBody): unknown {
  const input = attributes.take('input.value')
  if (input !== undefined && input !== '') fillInputValue(body, readEmbeddedJson(input), type)
  const output = attributes.take('output.value')
  if (output === undefined || output === '') return undefined
  const reply = readEmbeddedJson(output)
  fillOutputValue(body, reply, type)
  return reply
}

/** One message as such, several as a history. */
export function fillAnswer(outputs: JsonObject, messages: readonly ChatMessage[]): void {
  const [first] = messages
  if (messages.length > 1) fill(outputs, 'chat_history', messages)
  else for (const [key, value] of Object.entries(first ?? {})) fill(outputs, key, value)
}

/**
 * Fills a bucket with the conversation that `value` is: the state of a graph, a serialised message or prompt of LangChain.
 *
 * @returns false when it is none, and nothing was filled.
 */
export function fillConversation({ inputs, outputs }: EventBody, bucket: string, value: unknown): boolean {
  if (!isObject(value) || (bucket !== 'inputs' && bucket !== 'outputs')) return false
  const isState = Array.isArray(value.messages)
  const messages = isState || value.lc === 1 ? toMessages(value, bucket === 'inputs' ? 'user' : 'assistant') : undefined
  if (messages === undefined) return false
  if (bucket === 'outputs' && !isState) fillAnswer(outputs, messages)
  else fill(bucket === 'inputs' ? inputs : outputs, 'chat_history', messages)
  if (isState)
    for (const [key, item] of Object.entries(value)) if (key !== 'messages') fill(bucket === 'inputs' ? inputs : outputs, key, item)
  return true
}

/** The value of an attribute whose object is merged into `bucket`. */
export function readMergedValue(from: string, given: unknown, bucket: string, type: string): unknown {
  if (type === 'tool' && bucket === 'outputs') return toToolResult(given)
  const value = readJsonText(given)
  return from === 'traceloop.entity.input' ? toArguments(value) : value
}

/** Traceloop's record of a call: named arguments, or the one object that was given, stand for themselves. */
function toArguments(value: unknown): unknown {
  if (!isObject(value) || !Array.isArray(value.args) || Object.keys(value).some((key) => key !== 'args' && key !== 'kwargs')) return value
  const args = value.args.map(readEmbeddedJson)
  const [first] = args
  const unnamed = args.length === 1 && isObject(first) ? first : args.length > 0 ? { args } : {}
  return { ...unnamed, ...toObject(value.kwargs) }
}

function fillInputValue(body: EventBody, value: unknown, type: string): void {
  if (fillConversation(body, 'inputs', value)) return
  const messages = typeof value === 'string' && type !== 'model' ? undefined : toMessages(value, 'user')
  if (messages !== undefined) fill(body.inputs, 'chat_history', messages)
  if (isObject(value)) for (const [key, item] of Object.entries(value)) fill(body.inputs, key, item)
  else if (messages === undefined) fill(body.inputs, 'value', value)
}

function fillOutputValue(body: EventBody, value: unknown, type: string): void {
  const { outputs } = body
  if (type === 'tool') return void fill(outputs, 'message', toToolResult(value))
  if (type !== 'model') return void (fillConversation(body, 'outputs', value) || fill(outputs, 'message', value))
  const reply = readEmbeddingReply(value)
  if (reply !== undefined) {
    // An instrumentor that takes every reply for a chat writes an answer without content beside it.
    if (outputs.content === '') for (const key of ['role', 'content']) delete outputs[key]
    fill(outputs, 'embeddings', reply.count)
    fill(outputs, 'dimensions', reply.dimensions)
    return
  }
  if (['content', 'chat_history', 'embeddings'].some((key) => Object.hasOwn(outputs, key))) return
  fillAnswer(outputs, toMessages(value, 'assistant') ?? [{ role: 'assistant', content: value }])
}

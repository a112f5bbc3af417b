/** What an event's inputs and outputs say in words: messages, every one of them a list of parts. */
import { isObject, type JsonObject, readEmbeddedJson, toNonEmptyText } from './json.js'
import type { ContentPart } from './message-parts.js'
import { type ChatMessage, toMessages } from './messages.js'
import { joinChunks } from './stream-chunks.js'

/** A piece of a message, ready to be shown. */
export type MessagePart =
  | { readonly kind: 'text' | 'reasoning' | 'refusal'; readonly text: string }
  | {
      readonly kind: 'image' | 'audio' | 'video' | 'file'
      /** `data:` URI or address; null when only an id is known. */
      readonly url: string | null
      readonly mimeType: string | null
      readonly name: string | null
    }
  | { readonly kind: 'call'; readonly id: string | null; readonly name: string; readonly args: unknown }
  | { readonly kind: 'result'; readonly callId: string | null; readonly name: string | null; readonly parts: readonly MessagePart[] }
  /** What has no better form than its JSON. */
  | { readonly kind: 'value'; readonly value: unknown }

/** One message. */
export interface DialogueMessage {
  readonly role: string
  /** Name of the speaker, of an agent or of a tool. */
  readonly name: string | null
  readonly parts: readonly MessagePart[]
  readonly finishReason: string | null
}

/** One side of an exchange. */
export interface DialogueSide {
  readonly messages: readonly DialogueMessage[]
  /** Keys of the bucket that are told by the messages. */
  readonly keys: readonly string[]
}

/** What went in and what came out. */
export interface Dialogue {
  readonly input: DialogueSide
  readonly output: DialogueSide
}

/** The event of which the words are wanted. */
export interface Spoken {
  readonly type: string
  readonly inputs: JsonObject
  readonly outputs: JsonObject
}

const NOTHING: DialogueSide = { messages: [], keys: [] }
const INPUT_KEYS = ['chat_history', 'messages', 'prompt', 'input', 'contents', 'query', 'question'] as const
const OUTPUT_KEYS = ['chat_history', 'messages', 'choices', 'candidates', 'generations', 'result', 'output', 'message', 'text'] as const
/** An object with one of these is about messages, whatever kind of event it is of. */
const SPEAKING_KEYS = ['role', 'messages', 'choices', 'candidates', 'lc', 'tool_calls'] as const
/** Keys of outputs that are one message by themselves. */
const MESSAGE_KEYS = ['role', 'content', 'tool_calls', 'tool_call_id', 'name', 'finish_reason', 'refusal', 'reasoning', 'reasoning_content']
const SYSTEM_KEYS = ['system_prompt', 'system', 'instructions'] as const

/**
 * Reads the words of an event. Plain text counts as a message only of a model call: elsewhere it is any other value. What a
 * tool takes and gives is no message at all.
 */
export function readDialogue({ type, inputs, outputs }: Spoken): Dialogue {
  if (type === 'tool') return { input: NOTHING, output: NOTHING }
  const isModel = type === 'model'
  return { input: readInput(inputs, isModel), output: readOutput(outputs, isModel) }
}

function readInput(inputs: JsonObject, isModel: boolean): DialogueSide {
  const found = firstOf(inputs, INPUT_KEYS, (value) => readMessages(value, 'user', isModel))
  const key = SYSTEM_KEYS.find((name) => inputs[name] !== undefined)
  const system = key === undefined ? undefined : toMessages(inputs[key], 'system')
  if (found.messages.length === 0 || key === undefined || system === undefined) return found
  const keys = [...found.keys, key]
  if (found.messages.some(({ role }) => role === 'system' || role === 'developer')) return { ...found, keys }
  return { messages: [...system.map((message) => toDialogueMessage({ ...message, role: 'system' })), ...found.messages], keys }
}

function readOutput(outputs: JsonObject, isModel: boolean): DialogueSide {
  const isMessage = outputs.role !== undefined || outputs.tool_calls !== undefined || (isModel && outputs.content !== undefined)
  if (!isMessage) return firstOf(outputs, OUTPUT_KEYS, (value) => readChunks(value) ?? readMessages(value, 'assistant', isModel))
  const messages = readChunks(outputs.content) ?? toMessages(outputs, 'assistant') ?? []
  return { messages: messages.map(toDialogueMessage), keys: MESSAGE_KEYS.filter((key) => Object.hasOwn(outputs, key)) }
}

function firstOf(bucket: JsonObject, keys: readonly string[], read: (value: unknown) => readonly ChatMessage[] | undefined): DialogueSide {
  for (const key of keys) {
    const messages = read(bucket[key]) ?? []
    if (messages.length > 0) return { messages: messages.map(toDialogueMessage), keys: [key] }
  }
  return NOTHING
}

function readMessages(given: unknown, defaultRole: string, isModel: boolean): readonly ChatMessage[] | undefined {
  const value = readEmbeddedJson(given)
  const isPlain = typeof value === 'string' || (isObject(value) && !SPEAKING_KEYS.some((key) => Object.hasOwn(value, key)))
  return isPlain && !isModel ? undefined : toMessages(value, defaultRole)
}

function readChunks(value: unknown): readonly ChatMessage[] | undefined {
  return Array.isArray(value) ? joinChunks(value) : undefined
}

/** One message of the stored form in the form that is shown. */
export function toDialogueMessage({
  role,
  content,
  name,
  tool_calls: calls,
  tool_call_id: callId,
  finish_reason: finish,
}: ChatMessage): DialogueMessage {
  const isResult = callId !== undefined || role === 'tool'
  const said: readonly MessagePart[] = isResult
    ? [{ kind: 'result', callId: callId ?? null, name: name ?? null, parts: toParts(content) }]
    : toParts(content)
  const asked = (calls ?? []).map((call): MessagePart => {
    return { kind: 'call', id: call.id ?? null, name: call.name ?? 'tool', args: call.arguments ?? null }
  })
  return { role, name: name ?? null, parts: [...said, ...asked], finishReason: finish ?? null }
}

function toParts(content: unknown): readonly MessagePart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  if (content === null || content === undefined) return []
  if (!Array.isArray(content) || !content.every(isPart)) return [{ kind: 'value', value: content }]
  return content.map(toPart)
}

function isPart(value: unknown): value is ContentPart {
  return isObject(value) && typeof value.type === 'string'
}

function toPart(part: ContentPart): MessagePart {
  const { type, text } = part
  if ((type === 'text' || type === 'reasoning' || type === 'refusal') && text !== undefined) return { kind: type, text }
  if (type === 'image' || type === 'audio' || type === 'video' || type === 'file') return toMedium(type, part)
  if (type === 'tool_result')
    return { kind: 'result', callId: toNonEmptyText(part.tool_call_id) ?? null, name: part.name ?? null, parts: toParts(part.content) }
  return { kind: 'value', value: part }
}

/** Media types of data that comes without one: what browsers look into anyway. */
const USUAL_TYPES = { image: 'image/png', audio: 'audio/wav', video: 'video/mp4', file: 'application/octet-stream' } as const

function toMedium(kind: keyof typeof USUAL_TYPES, { url, data, mime_type: mimeType, name, id }: ContentPart): MessagePart {
  const type = mimeType ?? /^data:([^;,]+)/.exec(url ?? '')?.[1] ?? null
  const address = url ?? (data === undefined ? null : `data:${type ?? USUAL_TYPES[kind]};base64,${data}`)
  return { kind, url: address, mimeType: type, name: name ?? id ?? null }
}

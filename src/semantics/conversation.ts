/** Finds the conversation of a model call among the attributes and events of its span, whichever convention wrote it. */
import { toJsonText } from '../builtins.js'
import { type JsonObject, readEmbeddedJson, toNonEmptyText, toObject } from './json.js'
import { type ChatMessage, completeMessages, toMessage, toMessages } from './messages.js'
import { unflatten } from './unflatten.js'

/** A span event as this file needs it. */
export interface NamedEvent {
  readonly name: string
  readonly attributes: JsonObject
}

/** What a model was asked and what it answered; a side is empty when the span does not tell. */
export interface Conversation {
  readonly input: Side
  readonly output: Side
}

/** One side of a conversation. */
export interface Side {
  readonly messages: readonly ChatMessage[]
  /** Names of the attributes that say the same and need no other place. */
  readonly keys: readonly string[]
}

const INPUT_SOURCES = ['gen_ai.input.messages', 'gen_ai.prompt', 'llm.prompts', 'llm.input_messages', 'ai.prompt.messages'] as const
const OUTPUT_SOURCES = ['gen_ai.output.messages', 'gen_ai.completion', 'llm.completions', 'llm.output_messages'] as const
const AI_SDK_RESPONSE = ['ai.response.text', 'ai.response.object', 'ai.response.toolCalls', 'ai.response.reasoning'] as const
const INPUT_EVENTS = [
  'gen_ai.system.message',
  'gen_ai.user.message',
  'gen_ai.assistant.message',
  'gen_ai.tool.message',
  'gen_ai.input.message',
] as const
const OUTPUT_EVENTS = ['gen_ai.choice', 'gen_ai.output.message'] as const
/** The event that tells a whole call, or one side of it. */
export const DETAILS_EVENT = 'gen_ai.client.inference.operation.details'

/** Span events that become messages and are therefore not repeated in the metadata. */
export const MESSAGE_EVENTS: ReadonlySet<string> = new Set([...INPUT_EVENTS, ...OUTPUT_EVENTS, DETAILS_EVENT])

/** Reads both sides of a conversation, from the attributes first, else from the span events. */
export function readConversation(attributes: JsonObject, events: readonly NamedEvent[] = []): Conversation {
  const indexed = groupIndexed(attributes)
  return {
    input: firstOf(
      () => completeSide(readSources(attributes, indexed, INPUT_SOURCES, 'user'), attributes['input.value'], 'user'),
      () => readAiSdkPrompt(attributes),
      () => fromEvents(events, INPUT_EVENTS, 'gen_ai.input.messages', 'user'),
    ),
    output: firstOf(
      () => completeSide(readSources(attributes, indexed, OUTPUT_SOURCES, 'assistant'), attributes['output.value'], 'assistant'),
      () => readAiSdkResponse(attributes),
      () => fromEvents(events, OUTPUT_EVENTS, 'gen_ai.output.messages', 'assistant'),
    ),
  }
}

/** OpenInference for LangChain leaves out what does not fit its messages, but writes the whole value beside them. */
function completeSide(side: Side, value: unknown, defaultRole: string): Side {
  if (side.messages.length === 0 || typeof value !== 'string') return side
  return { ...side, messages: completeMessages(side.messages, toMessages(value, defaultRole)) }
}

function firstOf(...readers: readonly (() => Side)[]): Side {
  for (const read of readers) {
    const side = read()
    if (side.messages.length > 0) return side
  }
  return NOTHING
}

const NOTHING: Side = { messages: [], keys: [] }
const SOURCES: readonly string[] = [...INPUT_SOURCES, ...OUTPUT_SOURCES]
type Entry = readonly [path: string, value: unknown, key: string]

/** The attributes of the indexed form (`SOURCE.N.…`) under the source they belong to. */
function groupIndexed(attributes: JsonObject): ReadonlyMap<string, Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const key of Object.keys(attributes)) {
    const source = SOURCES.find((name) => key.startsWith(`${name}.`))
    if (source === undefined) continue
    const entry: Entry = [key.slice(source.length + 1), attributes[key], key]
    const group = groups.get(source)
    if (group === undefined) groups.set(source, [entry])
    else group.push(entry)
  }
  return groups
}

/** The messages of the first source that has some, and the keys of every source that says the same. */
function readSources(attributes: JsonObject, indexed: ReadonlyMap<string, Entry[]>, sources: readonly string[], defaultRole: string): Side {
  let messages: readonly ChatMessage[] = []
  const keys: string[] = []
  for (const source of sources) {
    const entries = indexed.get(source) ?? []
    const found = toMessages(attributes[source], defaultRole) ?? fromEntries(entries, defaultRole)
    if (found === undefined || (messages.length > 0 && toJsonText(found) !== toJsonText(messages))) continue
    messages = found
    keys.push(source, ...entries.map(([, , key]) => key))
  }
  return { messages, keys }
}

function fromEntries(entries: readonly Entry[], defaultRole: string): ChatMessage[] | undefined {
  if (entries.length === 0) return undefined
  const tree = unflatten(
    entries.map(([path, value]) => [path, value] as const),
    false,
  )
  const positions = Object.keys(tree).filter((key) => /^\d+$/.test(key))
  return toMessages(
    positions.sort((a, b) => Number(a) - Number(b)).map((key) => tree[key]),
    defaultRole,
  )
}

/** The prompt of a wrapper, as the caller wrote it: instructions and messages, or a text that stays where the caller put it. */
function readAiSdkPrompt(attributes: JsonObject): Side {
  const prompt = toObject(readEmbeddedJson(attributes['ai.prompt']))
  const messages = Array.isArray(prompt.messages) ? toMessages(prompt.messages, 'user') : undefined
  if (messages === undefined) return NOTHING
  const system = typeof prompt.system === 'string' ? [{ role: 'system', content: prompt.system }] : []
  return { messages: [...system, ...messages], keys: ['ai.prompt'] }
}

function readAiSdkResponse(attributes: JsonObject): Side {
  const keys = AI_SDK_RESPONSE.filter((key) => attributes[key] !== undefined)
  if (keys.length === 0) return NOTHING
  const [text, object, calls, reasoning] = AI_SDK_RESPONSE.map((key) => attributes[key])
  const content = text ?? readEmbeddedJson(object) ?? ''
  const thought = toNonEmptyText(reasoning)
  const parts =
    thought === undefined
      ? content
      : [
          { type: 'reasoning', text: thought },
          { type: 'text', text: String(text ?? object ?? '') },
        ]
  const finish = toNonEmptyText(attributes['ai.response.finishReason'])
  return { messages: [toMessage({ role: 'assistant', content: parts, tool_calls: calls, finish_reason: finish }, 'assistant')], keys }
}

function fromEvents(events: readonly NamedEvent[], names: readonly string[], detailsKey: string, defaultRole: string): Side {
  const details = events.find((event) => event.name === DETAILS_EVENT)
  const fromDetails = details === undefined ? undefined : toMessages(details.attributes[detailsKey], defaultRole)
  return { messages: fromDetails ?? events.filter((event) => names.includes(event.name)).map(toEventMessage), keys: [] }
}

function toEventMessage({ name, attributes }: NamedEvent): ChatMessage {
  const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(name)?.[1] ?? (name.includes('input') ? 'user' : 'assistant')
  const nested = toObject(readEmbeddedJson(attributes.message))
  const callId = role === 'tool' ? { tool_call_id: attributes.id } : {}
  return toMessage({ ...callId, ...attributes, ...nested, message: undefined, finish_reason: attributes.finish_reason }, role)
}

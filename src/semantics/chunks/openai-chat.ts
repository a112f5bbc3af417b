import { isObject, type JsonObject, toObject } from '../json.js'
import { appendText, type ChunkFormat, type ChunkMerger, inOrder, itemAt, objectsIn, takeFields, type TextRoom } from './merger.js'

/** `choices` with deltas: OpenAI's chat completions, spoken by most other providers too, and its older text completions. */
export const openAiChat: ChunkFormat = {
  begins: (chunk) => readChoices(chunk) !== undefined,
  create: (room) => new ChatMerger(room),
  failure: ({ error, choices }) => (choices === undefined && isObject(error) ? error : undefined),
}

/** Mistral puts each chunk into a field of its own. */
function readChoices(given: JsonObject): JsonObject[] | undefined {
  const { choices, object, model } = unwrap(given)
  if (!Array.isArray(choices)) return undefined
  const list = objectsIn(choices)
  const isStreamed = list.every((choice) => 'delta' in choice || 'text' in choice)
  return isStreamed && (list.length > 0 || typeof object === 'string' || typeof model === 'string') ? list : undefined
}

function unwrap(given: JsonObject): JsonObject {
  return isObject(given.data) && Array.isArray(given.data.choices) ? given.data : given
}

class ChatMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #answer: JsonObject = {}
  readonly #choices = new Map<number, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(given: JsonObject): 'content' | 'other' | 'unknown' {
    const chunk = unwrap(given)
    const choices = readChoices(given)
    if (choices === undefined && !isObject(chunk.usage)) return 'unknown'
    takeFields(this.#answer, chunk, ['choices'])
    let isContent = false
    for (const choice of choices ?? []) isContent = this.#addChoice(choice) || isContent
    return isContent ? 'content' : 'other'
  }

  #addChoice(choice: JsonObject): boolean {
    const target = itemAt(this.#choices, choice.index, () => ({ index: choice.index ?? 0 }))
    takeFields(target, choice, ['delta', 'text', 'logprobs'])
    if (typeof choice.text === 'string') return appendText(target, 'text', choice.text, this.#room)
    target.message ??= { role: 'assistant', content: null }
    return mergeDelta(toObject(target.message), toObject(choice.delta), this.#room)
  }

  result(): JsonObject {
    const { object } = this.#answer
    const isChat = typeof object !== 'string' || !object.startsWith('text_completion')
    const choices = inOrder(this.#choices).map((choice) =>
      isObject(choice.message) ? { ...choice, message: cleaned(choice.message) } : choice,
    )
    return { ...this.#answer, ...(isChat ? { object: 'chat.completion' } : {}), choices }
  }
}

/** Given once, or again with each delta. */
const WHOLE: ReadonlySet<string> = new Set(['role', 'type', 'id', 'name', 'index', 'tool_call_id', 'format', 'signature'])

function mergeDelta(target: JsonObject, delta: JsonObject, room: TextRoom): boolean {
  let isContent = false
  for (const key of Object.keys(delta)) {
    const value = delta[key]
    if (value === undefined || value === null) continue
    if (typeof value === 'string' && !WHOLE.has(key)) isContent = appendText(target, key, value, room) || isContent
    else if (Array.isArray(value)) isContent = mergeList(target, key, value, room) || isContent
    else if (isObject(value)) isContent = mergeInto(target, key, value, room) || isContent
    else if (value !== '') target[key] = value
  }
  return isContent
}

function mergeInto(target: JsonObject, key: string, value: JsonObject, room: TextRoom): boolean {
  if (!isObject(target[key])) target[key] = {}
  mergeDelta(toObject(target[key]), value, room)
  return Object.keys(value).length > 0
}

/** Items with an index are pieces of the item at that place; others stand for themselves. */
function mergeList(target: JsonObject, key: string, items: readonly unknown[], room: TextRoom): boolean {
  const list = Array.isArray(target[key]) ? (target[key] as unknown[]) : []
  target[key] = list
  for (const item of items) {
    const known = isObject(item) && typeof item.index === 'number' ? findIndexed(list, item.index) : undefined
    if (known !== undefined && isObject(item)) mergeDelta(known, item, room)
    else if (isObject(item)) {
      const made: JsonObject = {}
      mergeDelta(made, item, room)
      list.push(made)
    } else list.push(item)
  }
  return items.length > 0
}

function findIndexed(list: readonly unknown[], index: number): JsonObject | undefined {
  return list.find((item): item is JsonObject => isObject(item) && item.index === index)
}

/** Calls as the answer without streaming has them: in order, and without the index that put them together. */
function cleaned(message: JsonObject): JsonObject {
  if (!Array.isArray(message.tool_calls)) return message
  const calls = objectsIn(message.tool_calls).sort((a, b) => Number(a.index ?? 0) - Number(b.index ?? 0))
  return { ...message, tool_calls: calls.map(({ index: _, ...call }) => call) }
}

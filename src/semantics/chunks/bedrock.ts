import { isObject, type JsonObject, toObject } from '../json.js'
import {
  appendText,
  type ChunkFormat,
  type ChunkMerger,
  inOrder,
  itemAt,
  readArguments,
  type Taken,
  takeFields,
  type TextRoom,
} from './merger.js'

const EVENTS = ['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata'] as const

/** The events of Amazon Bedrock's Converse: each is an object with one field that names it. */
export const bedrockConverse: ChunkFormat = {
  begins: (chunk) => isObject(chunk.messageStart) || isObject(chunk.contentBlockStart) || isObject(chunk.contentBlockDelta),
  create: (room) => new ConverseMerger(room),
  failure: (chunk) => Object.entries(chunk).find(([name, value]) => name.endsWith('Exception') && isObject(value))?.[1],
}

class ConverseMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #answer: JsonObject = {}
  #role: unknown = 'assistant'
  readonly #blocks = new Map<number, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(chunk: JsonObject): Taken {
    const name = EVENTS.find((event) => isObject(chunk[event]))
    if (name === undefined) return 'unknown'
    const event = toObject(chunk[name])
    if (name === 'messageStart') this.#role = event.role ?? this.#role
    if (name === 'messageStop' || name === 'metadata') takeFields(this.#answer, event)
    if (name === 'contentBlockStart') Object.assign(itemAt(this.#blocks, event.contentBlockIndex), copyOf(toObject(event.start)))
    return name === 'contentBlockDelta' && this.#addDelta(event) ? 'content' : 'other'
  }

  #addDelta({ contentBlockIndex, delta }: JsonObject): boolean {
    const block = itemAt(this.#blocks, contentBlockIndex)
    const { text, toolUse, reasoningContent } = toObject(delta)
    if (typeof text === 'string') return appendText(block, 'text', text, this.#room)
    if (isObject(toolUse)) return appendText(within(block, 'toolUse'), 'input', toolUse.input, this.#room)
    if (!isObject(reasoningContent)) return false
    return appendText(within(within(block, 'reasoningContent'), 'reasoningText'), 'text', reasoningContent.text, this.#room)
  }

  result(): JsonObject {
    const content = inOrder(this.#blocks).map((block) =>
      isObject(block.toolUse) ? { ...block, toolUse: { ...block.toolUse, input: readArguments(block.toolUse.input) } } : block,
    )
    return { output: { message: { role: this.#role, content } }, ...this.#answer }
  }
}

function within(holder: JsonObject, key: string): JsonObject {
  if (!isObject(holder[key])) holder[key] = {}
  return toObject(holder[key])
}

function copyOf(start: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(start).map(([key, value]) => [key, isObject(value) ? { ...value } : value]))
}

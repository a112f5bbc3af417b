import { isObject, type JsonObject, toObject } from '../json.js'
import {
  appendText,
  type ChunkFormat,
  type ChunkMerger,
  inOrder,
  itemAt,
  objectsIn,
  readArguments,
  type Taken,
  takeFields,
  type TextRoom,
} from './merger.js'

const EVENTS: ReadonlySet<unknown> = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
])

/** Anthropic's events: a message in content blocks. */
export const anthropicMessages: ChunkFormat = {
  begins: ({ type }) => EVENTS.has(type),
  create: (room) => new MessageMerger(room),
  failure: ({ type, error }) => (type === 'error' ? error : undefined),
}

class MessageMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #message: JsonObject = { role: 'assistant' }
  readonly #blocks = new Map<number, JsonObject>()
  /** Inputs of tools come as pieces of JSON text. */
  readonly #inputs = new Map<JsonObject, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(event: JsonObject): Taken {
    const { type, index } = event
    if (!EVENTS.has(type)) return type === 'error' ? 'other' : 'unknown'
    if (type === 'message_start') takeFields(this.#message, toObject(event.message), ['content'])
    if (type === 'message_delta') this.#takeEnd(event)
    if (type === 'content_block_start') return this.#startBlock(index, toObject(event.content_block))
    if (type === 'content_block_delta') return this.#takeDelta(itemAt(this.#blocks, index), toObject(event.delta))
    return 'other'
  }

  #startBlock(index: unknown, block: JsonObject): Taken {
    this.#blocks.set(Number(index ?? 0), { ...block })
    return typeof block.text === 'string' && block.text !== '' ? 'content' : 'other'
  }

  #takeDelta(block: JsonObject, delta: JsonObject): Taken {
    if (typeof delta.partial_json === 'string') {
      const input = this.#inputs.get(block) ?? {}
      this.#inputs.set(block, input)
      return this.#taken(appendText(input, 'text', delta.partial_json, this.#room))
    }
    if (typeof delta.text === 'string') return this.#taken(appendText(block, 'text', delta.text, this.#room))
    if (typeof delta.thinking === 'string') return this.#taken(appendText(block, 'thinking', delta.thinking, this.#room))
    if (isObject(delta.citation)) block.citations = [...objectsIn(block.citations), delta.citation]
    else takeFields(block, delta, ['type'])
    return 'other'
  }

  #taken(isContent: boolean): Taken {
    return isContent ? 'content' : 'other'
  }

  #takeEnd({ delta, usage }: JsonObject): void {
    takeFields(this.#message, toObject(delta))
    const counts = { ...toObject(this.#message.usage) }
    takeFields(counts, toObject(usage))
    this.#message.usage = counts
  }

  result(): JsonObject {
    const content = inOrder(this.#blocks).map((block) => {
      const input = this.#inputs.get(block)
      return input === undefined ? block : { ...block, input: readArguments(input.text) }
    })
    return { ...this.#message, content }
  }
}

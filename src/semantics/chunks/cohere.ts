import { isObject, type JsonObject, toObject } from '../json.js'
import { appendText, type ChunkFormat, type ChunkMerger, inOrder, itemAt, type Taken, takeFields, type TextRoom } from './merger.js'

const EVENT = /^(?:message|content|tool-plan|tool-call|citation)-(?:start|delta|end)$/

/** The events of Cohere's chat. */
export const cohereChat: ChunkFormat = {
  begins: ({ type, delta, id }) => type === 'message-start' && (isObject(delta) || typeof id === 'string'),
  create: (room) => new ChatMerger(room),
}

class ChatMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #answer: JsonObject = {}
  readonly #message: JsonObject = { role: 'assistant' }
  readonly #content = new Map<number, JsonObject>()
  readonly #calls = new Map<number, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(event: JsonObject): Taken {
    const { type, index } = event
    if (typeof type !== 'string' || !EVENT.test(type)) return 'unknown'
    const delta = toObject(event.delta)
    const message = toObject(delta.message)
    if (type === 'message-start') takeFields(this.#answer, { id: event.id })
    if (type === 'message-end') takeFields(this.#answer, delta)
    if (type.startsWith('content-')) return this.#addContent(index, toObject(message.content)) ? 'content' : 'other'
    if (type.startsWith('tool-call-')) return this.#addCall(index, toObject(message.tool_calls)) ? 'content' : 'other'
    if (type === 'tool-plan-delta') return appendText(this.#message, 'tool_plan', message.tool_plan, this.#room) ? 'content' : 'other'
    return 'other'
  }

  #addContent(index: unknown, piece: JsonObject): boolean {
    const part = itemAt(this.#content, index)
    takeFields(part, piece, ['text', 'thinking'])
    const hasThought = appendText(part, 'thinking', piece.thinking, this.#room)
    return appendText(part, 'text', piece.text, this.#room) || hasThought
  }

  #addCall(index: unknown, piece: JsonObject): boolean {
    const call = itemAt(this.#calls, index)
    takeFields(call, piece, ['function'])
    const made = isObject(call.function) ? call.function : {}
    call.function = made
    const { name, arguments: text } = toObject(piece.function)
    if (name !== undefined) made.name = name
    return appendText(made, 'arguments', text, this.#room)
  }

  result(): JsonObject {
    const calls = inOrder(this.#calls)
    const message = { ...this.#message, content: inOrder(this.#content), ...(calls.length > 0 ? { tool_calls: calls } : {}) }
    return { ...this.#answer, message }
  }
}

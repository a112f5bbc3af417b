import { isObject, type JsonObject, toObject } from '../json.js'
import { appendText, type ChunkFormat, type ChunkMerger, objectsIn, type Taken, takeFields, type TextRoom } from './merger.js'

/** Ollama: each chunk is an answer that says whether it is the last. */
export const ollamaAnswers: ChunkFormat = {
  begins: ({ done, message, response }) => typeof done === 'boolean' && (isObject(message) || typeof response === 'string'),
  create: (room) => new AnswerMerger(room),
}

class AnswerMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #answer: JsonObject = {}

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(chunk: JsonObject): Taken {
    if (!ollamaAnswers.begins(chunk)) return 'unknown'
    takeFields(this.#answer, chunk, ['message', 'response'])
    if (!isObject(chunk.message)) return appendText(this.#answer, 'response', chunk.response, this.#room) ? 'content' : 'other'
    return this.#addMessage(chunk.message) ? 'content' : 'other'
  }

  #addMessage(piece: JsonObject): boolean {
    if (!isObject(this.#answer.message)) this.#answer.message = { role: 'assistant', content: '' }
    const message = toObject(this.#answer.message)
    takeFields(message, piece, ['content', 'thinking', 'tool_calls'])
    const calls = objectsIn(piece.tool_calls)
    if (calls.length > 0) message.tool_calls = [...objectsIn(message.tool_calls), ...calls]
    const hasThought = appendText(message, 'thinking', piece.thinking, this.#room)
    return appendText(message, 'content', piece.content, this.#room) || hasThought || calls.length > 0
  }

  result(): JsonObject {
    return this.#answer
  }
}

import { isObject, type JsonObject, toObject } from '../json.js'
import {
  appendText,
  type ChunkFormat,
  type ChunkMerger,
  inOrder,
  itemAt,
  objectsIn,
  type Taken,
  takeFields,
  type TextRoom,
} from './merger.js'

/** Google's Gemini: each chunk is an answer of its own with the next parts. */
export const geminiAnswers: ChunkFormat = {
  begins: ({ candidates, usageMetadata }) => Array.isArray(candidates) || isObject(usageMetadata),
  create: (room) => new AnswerMerger(room),
}

class AnswerMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #answer: JsonObject = {}
  readonly #candidates = new Map<number, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(chunk: JsonObject): Taken {
    if (!geminiAnswers.begins(chunk)) return 'unknown'
    takeFields(this.#answer, chunk, ['candidates', 'sdkHttpResponse'])
    let isContent = false
    for (const candidate of objectsIn(chunk.candidates)) isContent = this.#addCandidate(candidate) || isContent
    return isContent ? 'content' : 'other'
  }

  #addCandidate(candidate: JsonObject): boolean {
    const target = itemAt(this.#candidates, candidate.index)
    takeFields(target, candidate, ['content'])
    const given = toObject(candidate.content)
    if (!isObject(target.content)) target.content = { role: given.role ?? 'model', parts: [] }
    const { parts } = target.content as { parts: JsonObject[] }
    const pieces = objectsIn(given.parts)
    for (const piece of pieces) this.#addPart(parts, piece)
    return pieces.length > 0
  }

  /** Text that goes on in the next chunk is one part; thoughts and the answer are two. */
  #addPart(parts: JsonObject[], piece: JsonObject): void {
    const last = parts.at(-1)
    const isText = typeof piece.text === 'string'
    if (isText && last !== undefined && typeof last.text === 'string' && last.thought === piece.thought) {
      appendText(last, 'text', piece.text, this.#room)
      takeFields(last, piece, ['text'])
      return
    }
    const made = { ...piece }
    if (isText) made.text = this.#room.take(String(piece.text))
    parts.push(made)
  }

  result(): JsonObject {
    return { ...this.#answer, candidates: inOrder(this.#candidates) }
  }
}

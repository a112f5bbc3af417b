import { isObject, type JsonObject, toNonEmptyText, toObject } from '../json.js'
import {
  appendText,
  type ChunkFormat,
  type ChunkMerger,
  itemAt,
  inOrder,
  objectsIn,
  readArguments,
  type Taken,
  takeFields,
  type TextRoom,
} from './merger.js'

/** LangChain's message chunks, in the form their `toJSON` gives. */
export const langChainChunks: ChunkFormat = {
  begins: (chunk) => readChunk(chunk) !== undefined,
  create: (room) => new ChunkAdder(room),
}

function readChunk(given: JsonObject): JsonObject | undefined {
  // A generation holds its message; LangGraph gives pairs of message and metadata.
  const chunk = Array.isArray(given) ? toObject(given[0]) : isObject(given.message) && given.lc === undefined ? given.message : given
  const name: unknown = Array.isArray(chunk.id) ? chunk.id.at(-1) : undefined
  return chunk.lc === 1 && typeof name === 'string' && name.endsWith('MessageChunk') && isObject(chunk.kwargs) ? chunk.kwargs : undefined
}

class ChunkAdder implements ChunkMerger {
  readonly #room: TextRoom
  readonly #message: JsonObject = { role: 'assistant', content: '' }
  readonly #blocks = new Map<number, JsonObject>()
  readonly #calls = new Map<number, JsonObject>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(given: JsonObject): Taken {
    const chunk = readChunk(given)
    if (chunk === undefined) return 'unknown'
    takeFields(this.#message, chunk, [
      'content',
      'tool_calls',
      'tool_call_chunks',
      'invalid_tool_calls',
      'usage_metadata',
      'additional_kwargs',
    ])
    if (isObject(chunk.usage_metadata))
      this.#message.usage_metadata = addCounts(toObject(this.#message.usage_metadata), chunk.usage_metadata)
    const hasCalls = this.#addCalls(objectsIn(chunk.tool_call_chunks))
    return this.#addContent(chunk.content) || hasCalls ? 'content' : 'other'
  }

  #addContent(content: unknown): boolean {
    if (typeof content === 'string') return appendText(this.#message, 'content', content, this.#room)
    const blocks = objectsIn(content)
    for (const block of blocks) {
      const target = itemAt(this.#blocks, block.index)
      takeFields(target, block, ['text', 'thinking', 'input', 'reasoning', 'index'])
      for (const key of ['text', 'thinking', 'reasoning', 'input']) appendText(target, key, block[key], this.#room)
    }
    return blocks.length > 0
  }

  #addCalls(pieces: readonly JsonObject[]): boolean {
    for (const piece of pieces) {
      const call = itemAt(this.#calls, piece.index)
      if (toNonEmptyText(piece.id) !== undefined) call.id = piece.id
      if (toNonEmptyText(piece.name) !== undefined) call.name = piece.name
      appendText(call, 'args', piece.args, this.#room)
    }
    return pieces.length > 0
  }

  result(): JsonObject {
    const blocks = inOrder(this.#blocks)
    const calls = inOrder(this.#calls).map((call) => ({ ...call, args: readArguments(call.args) }))
    return {
      ...this.#message,
      ...(blocks.length > 0 ? { content: blocks } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    }
  }
}

/** Each chunk counts its own part. */
function addCounts(total: JsonObject, more: JsonObject): JsonObject {
  const sum: JsonObject = { ...total }
  for (const key of Object.keys(more)) {
    const [before, value] = [total[key], more[key]]
    if (typeof value === 'number') sum[key] = (typeof before === 'number' ? before : 0) + value
    else if (isObject(value)) sum[key] = addCounts(toObject(before), value)
  }
  return sum
}

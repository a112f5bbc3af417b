import { isObject, type JsonObject, toObject } from '../json.js'
import { appendText, type ChunkFormat, type ChunkMerger, inOrder, itemAt, type Taken, type TextRoom } from './merger.js'

/** The events of OpenAI's responses: the last one holds the whole answer. */
export const openAiResponses: ChunkFormat = {
  begins: ({ type }) => isResponseEvent(type),
  create: (room) => new ResponseMerger(room),
  failure: (chunk) =>
    chunk.type === 'error' ? (chunk.error ?? chunk) : chunk.type === 'response.failed' ? toObject(chunk.response).error : undefined,
}

function isResponseEvent(type: unknown): type is string {
  return typeof type === 'string' && type.startsWith('response.')
}

class ResponseMerger implements ChunkMerger {
  readonly #room: TextRoom
  #response: JsonObject = {}
  #isWhole = false
  readonly #output = new Map<number, JsonObject>()
  readonly #contents = new WeakMap<JsonObject, Map<number, JsonObject>>()

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(event: JsonObject): Taken {
    const { type } = event
    if (!isResponseEvent(type)) return type === 'error' ? 'other' : 'unknown'
    if (isObject(event.response)) this.#takeResponse(type, event.response)
    else if (type.startsWith('response.output_item.')) this.#takeItem(event)
    else if (type.startsWith('response.content_part.')) this.#takePart(event)
    else if (type.endsWith('.delta')) return this.#takeDelta(type, event)
    return 'other'
  }

  #takeResponse(type: string, response: JsonObject): void {
    this.#response = response
    this.#isWhole = type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed'
  }

  #takeItem({ type, output_index, item }: JsonObject): void {
    if (!isObject(item)) return
    // What came in pieces is given again as a whole when it is done.
    if (type === 'response.output_item.done') this.#output.set(Number(output_index ?? 0), item)
    else Object.assign(itemAt(this.#output, output_index), item)
  }

  #takePart({ output_index, content_index, part }: JsonObject): void {
    if (isObject(part)) Object.assign(this.#partAt(output_index, content_index), part)
  }

  #takeDelta(type: string, { output_index, content_index, delta }: JsonObject): Taken {
    const item = itemAt(this.#output, output_index)
    if (type.includes('arguments') || type.includes('.input.') || type.includes('.code.'))
      return this.#append(item, type.includes('arguments') ? 'arguments' : type.includes('.code.') ? 'code' : 'input', delta)
    const part = this.#partAt(output_index, content_index)
    return this.#append(part, type.includes('refusal') ? 'refusal' : 'text', delta)
  }

  #append(holder: JsonObject, key: string, delta: unknown): Taken {
    return appendText(holder, key, delta, this.#room) ? 'content' : 'other'
  }

  #partAt(outputIndex: unknown, contentIndex: unknown): JsonObject {
    const item = itemAt(this.#output, outputIndex)
    const known = this.#contents.get(item) ?? new Map<number, JsonObject>()
    this.#contents.set(item, known)
    return itemAt(known, contentIndex)
  }

  result(): JsonObject {
    if (this.#isWhole) return this.#response
    const output = inOrder(this.#output).map((item) => {
      const parts = this.#contents.get(item)
      return parts === undefined ? item : { ...item, [item.type === 'reasoning' ? 'summary' : 'content']: inOrder(parts) }
    })
    return { ...this.#response, output }
  }
}

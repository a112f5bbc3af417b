import { isObject, type JsonObject, toObject } from '../json.js'
import { appendText, type ChunkFormat, type ChunkMerger, readArguments, type Taken, type TextRoom } from './merger.js'

/** The parts by which a stream of the AI SDK is told, of the model, of a result or for a page, in every version. */
const OPENING: ReadonlySet<unknown> = new Set([
  'stream-start',
  'start-step',
  'step-start',
  'text-start',
  'text-delta',
  'reasoning-start',
  'reasoning-delta',
  'tool-input-start',
  'tool-call-streaming-start',
  'tool-call',
  'response-metadata',
])
/** Fields of the part that opens a stream; its name alone is too common. */
const START_KEYS: ReadonlySet<string> = new Set(['type', 'messageId', 'messageMetadata'])

/** The parts of the AI SDK. */
export const aiSdkParts: ChunkFormat = {
  begins(chunk) {
    const part = unwrap(chunk)
    if (part.type === 'object') return 'object' in part
    return OPENING.has(part.type) || (part.type === 'start' && Object.keys(part).every((key) => START_KEYS.has(key)))
  },
  create: (room) => new PartMerger(room),
  failure(chunk) {
    const { type, error, errorText } = unwrap(chunk)
    return type === 'error' ? (error ?? errorText ?? 'error') : undefined
  },
}

/** Within the SDK each part stands beside what was parsed of it so far. */
function unwrap(chunk: JsonObject): JsonObject {
  return isObject(chunk.part) && typeof chunk.part.type === 'string' ? chunk.part : chunk
}

class PartMerger implements ChunkMerger {
  readonly #room: TextRoom
  readonly #message: JsonObject = { role: 'assistant', content: '' }
  /** What is read of a JSON answer so far. */
  #object: unknown
  readonly #calls = new Map<unknown, JsonObject>()
  readonly #lists: Record<'tool_results' | 'sources' | 'files' | 'data', JsonObject[]> = {
    tool_results: [],
    sources: [],
    files: [],
    data: [],
  }

  constructor(room: TextRoom) {
    this.#room = room
  }

  add(chunk: JsonObject): Taken {
    const part = unwrap(chunk)
    const { type } = part
    if (typeof type !== 'string') return 'unknown'
    const text = part.text ?? part.delta ?? part.textDelta
    if (type === 'text-delta' || type === 'text') return this.#append('content', text)
    if (type === 'reasoning-delta' || type === 'reasoning') return this.#append('reasoning', text)
    if (type.startsWith('tool-')) return this.#takeTool(type, part)
    if (type.startsWith('finish')) this.#takeFinish(part)
    else if (type === 'object') this.#object = part.object
    else if (type.startsWith('source')) this.#lists.sources.push(withoutType(part))
    else if (type === 'file') this.#lists.files.push(withoutType(part))
    else if (type.startsWith('data-')) this.#lists.data.push(part)
    else return KNOWN.test(type) ? 'other' : 'unknown'
    return 'other'
  }

  #append(key: string, text: unknown): Taken {
    return appendText(this.#message, key, text, this.#room) ? 'content' : 'other'
  }

  #takeTool(type: string, part: JsonObject): Taken {
    const id = part.toolCallId ?? part.id
    const result = part.output ?? part.result ?? part.error ?? part.errorText
    if (result !== undefined && /result|output|error/.test(type)) {
      this.#lists.tool_results.push({ tool_call_id: id, ...(part.toolName === undefined ? {} : { name: part.toolName }), content: result })
      return 'other'
    }
    const call = this.#callOf(id)
    if (part.toolName !== undefined) call.name = part.toolName
    const input = part.input ?? part.args
    const delta = part.inputTextDelta ?? part.argsTextDelta ?? (type === 'tool-input-delta' ? part.delta : undefined)
    if (input !== undefined) call.arguments = readArguments(input)
    else if (delta !== undefined) appendText(call, 'arguments', delta, this.#room)
    return 'content'
  }

  #callOf(id: unknown): JsonObject {
    const known = this.#calls.get(id)
    if (known !== undefined) return known
    const made: JsonObject = { id }
    this.#calls.set(id, made)
    return made
  }

  #takeFinish(part: JsonObject): void {
    const { finishReason } = part
    if (finishReason !== undefined)
      this.#message.finish_reason = isObject(finishReason) ? (finishReason.unified ?? finishReason) : finishReason
    const usage = part.totalUsage ?? part.usage
    if (isObject(usage)) this.#message.usage = usage
  }

  result(): JsonObject {
    const calls = [...this.#calls.values()].map((call) => ({ ...call, arguments: readArguments(call.arguments) }))
    const lists = Object.entries(this.#lists).filter(([, items]) => items.length > 0)
    const content = this.#object ?? this.#message.content
    return { ...this.#message, content, ...(calls.length > 0 ? { tool_calls: calls } : {}), ...toObject(Object.fromEntries(lists)) }
  }
}

/** Parts that tell where something begins and ends, or what was asked. */
const KNOWN = /^(?:.+-(?:start|end)|start|end|start-step|step-start|response-metadata|raw|abort|error|message-metadata)$/

function withoutType({ type: _, ...rest }: JsonObject): JsonObject {
  return rest
}

/** What a span says of an embedding: the texts that went in, and how many vectors of which length came out. */
import { parseJsonText } from '../builtins.js'
import { isObject, type JsonObject, readEmbeddedJson } from './json.js'

/** An embedding without its vectors: they are long, and nobody reads them. */
export interface Embeddings {
  /** One text, or the texts of a batch. */
  readonly input: unknown
  readonly count: number | undefined
  readonly dimensions: number | undefined
  /** Names of the attributes that are told by this. */
  readonly usedKeys: readonly string[]
}

const OPENINFERENCE = /^embedding\.(?:embeddings\.(\d+)\.embedding\.)?(text|vector)$/
const AI_SDK_INPUT = ['ai.value', 'ai.values'] as const
const AI_SDK_OUTPUT = ['ai.embedding', 'ai.embeddings'] as const

/** Reads an embedding in the spelling of OpenInference or of the AI SDK; `undefined` when the span holds none. */
export function readEmbeddings(attributes: JsonObject): Embeddings | undefined {
  const texts: unknown[] = []
  const vectors: unknown[] = []
  const usedKeys: string[] = []
  for (const key of Object.keys(attributes)) {
    const [, position = '0', what] = OPENINFERENCE.exec(key) ?? []
    if (what === undefined) continue
    usedKeys.push(key)
    const list = what === 'text' ? texts : vectors
    list[Math.min(Number(position), MAX_POSITION)] = attributes[key]
  }
  for (const key of AI_SDK_INPUT) texts.push(...take(attributes, key, usedKeys))
  for (const key of AI_SDK_OUTPUT) vectors.push(...take(attributes, key, usedKeys))
  if (usedKeys.length === 0) return undefined
  const given = texts.filter((text) => text !== undefined)
  const made = vectors.filter((vector) => vector !== undefined)
  const [first] = made.map(readEmbeddedJson)
  return {
    input: given.length > 1 ? given : given[0],
    count: made.length === 0 ? undefined : made.length,
    dimensions: Array.isArray(first) ? first.length : undefined,
    usedKeys,
  }
}

/** The size of what an embedding model replied, when `value` is such a reply in the shape of OpenAI's, Titan's, Cohere's or Gemini's. */
export function readEmbeddingReply(value: unknown): { readonly count: number; readonly dimensions: number | undefined } | undefined {
  if (!isObject(value)) return undefined
  const items: readonly unknown[] = [value.data, value.embeddings].find(Array.isArray) ?? [{ embedding: value.embedding }]
  const first = toVector(items[0])
  if (first === undefined) return undefined
  return { count: items.length, dimensions: typeof first === 'string' ? undefined : first.length }
}

/** The vector in an item of a reply: the item itself, or under the name that its provider gives it, where it may be base64. */
function toVector(item: unknown): string | readonly unknown[] | undefined {
  const vector = isObject(item) ? (item.embedding ?? item.values) : item
  if (Array.isArray(vector)) return vector.every((part) => typeof part === 'number') ? vector : undefined
  return isObject(item) && typeof vector === 'string' ? vector : undefined
}

/** A batch larger than this is not counted exactly: an index out of a name must not make a list of a billion holes. */
const MAX_POSITION = 100_000

function take(attributes: JsonObject, key: string, usedKeys: string[]): unknown[] {
  const value = attributes[key]
  if (value === undefined) return []
  usedKeys.push(key)
  // The AI SDK writes each text and each vector as JSON of its own.
  if (Array.isArray(value)) return value.map(readJson)
  return [readJson(value)]
}

function readJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return parseJsonText(value) as unknown
  } catch {
    // Text that is no JSON is the text itself.
    return value
  }
}

import { parseJsonText } from '../../natives.js'
import { isObject, type JsonObject } from '../json.js'

/** Puts the chunks of a streamed answer together to what the same call gives without streaming. */
export interface ChunkMerger {
  /** Takes a chunk, which it may keep parts of. */
  add(chunk: JsonObject): Taken
  /** The answer as far as it came. */
  result(): JsonObject
}

/** What a chunk was: a piece of the answer, something around it, or nothing that belongs to this format. */
export type Taken = 'content' | 'other' | 'unknown'

/** One provider's way of streaming. */
export interface ChunkFormat {
  /** Whether a stream that begins with `chunk` is of this format. */
  begins(chunk: JsonObject): boolean
  create(room: TextRoom): ChunkMerger
  /** The error that a chunk tells of: providers that answered already can say it no other way. */
  failure?(chunk: JsonObject): unknown
}

/** Room for the text of one answer. */
export interface TextRoom {
  /** The part of `text` that still fits; what does not is marked once. */
  take(text: string): string
}

/** @param maxChars most UTF-16 units of text, all fields of the answer together. */
export function createTextRoom(maxChars: number): TextRoom {
  let left = maxChars
  let isMarked = false
  return {
    take(text) {
      if (text.length <= left) {
        left -= text.length
        return text
      }
      const head = text.slice(0, left)
      left = 0
      if (isMarked) return head
      isMarked = true
      return `${head}… [cut]`
    },
  }
}

/** Appends `text` to the text that `holder` has under `key`. */
export function appendText(holder: JsonObject, key: string, text: unknown, room: TextRoom): boolean {
  if (typeof text !== 'string') return false
  const earlier = holder[key]
  holder[key] = (typeof earlier === 'string' ? earlier : '') + room.take(text)
  return text !== ''
}

/** Copies the fields that are there. */
export function takeFields(holder: JsonObject, from: JsonObject, except: readonly string[] = []): void {
  for (const key of Object.keys(from)) {
    const value = from[key]
    if (value !== undefined && value !== null && !except.includes(key)) holder[key] = value
  }
}

/** The object at `index` of a list that may come out of order; made with the first mention. */
export function itemAt(list: Map<number, JsonObject>, index: unknown, make: () => JsonObject = () => ({})): JsonObject {
  const at = typeof index === 'number' ? index : 0
  const known = list.get(at)
  if (known !== undefined) return known
  const made = make()
  list.set(at, made)
  return made
}

/** The items of {@link itemAt} in order. */
export function inOrder(list: ReadonlyMap<number, JsonObject>): JsonObject[] {
  return [...list].sort(([a], [b]) => a - b).map(([, item]) => item)
}

/** JSON text as what it says, when it is complete. */
export function readArguments(text: unknown): unknown {
  if (typeof text !== 'string') return text
  if (text === '') return {}
  try {
    return parseJsonText(text) as unknown
  } catch {
    // A stream that stopped early: the text as far as it came.
    return text
  }
}

/** The objects of a list. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

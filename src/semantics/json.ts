import { parseJsonText } from '../natives.js'

/** An object that came from outside: own keys only, values unknown. */
export type JsonObject = Record<string, unknown>

/** True for objects that are neither null nor arrays. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `value` when it is an object, otherwise an empty one. */
export function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** An object without a prototype, so that no key of it can reach `Object.prototype`. */
export function createObject(): JsonObject {
  return Object.create(null) as JsonObject
}

/** The text of a non-empty string, otherwise `undefined`. */
export function toNonEmptyText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A finite number, also when it came as text; otherwise `undefined`. */
export function toFiniteNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : undefined
}

/** The strings of an array, everything else left out. */
export function toStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

/** Objects and arrays written as JSON text are read; any other value is given back unchanged. */
export function readEmbeddedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const first = value.trimStart()[0]
  if (first !== '{' && first !== '[') return value
  try {
    const parsed: unknown = parseJsonText(value)
    return isDeeperThan(parsed, MAX_DEPTH) ? value : parsed
  } catch {
    // Text that only looks like JSON stays text.
    return value
  }
}

/** Deepest nesting that is stored; serialising deeper values would exhaust the stack. */
export const MAX_DEPTH = 64

/** Whether objects and arrays are nested more than `depth` levels. Looks no deeper than that. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const item of Object.values(value)) {
    if (isDeeperThan(item, depth - 1)) return true
  }
  return false
}

/** Text that every SQLite binding stores whole: no U+0000, no lone surrogate. */
export function toStorableText(text: string): string {
  if (!/[\u0000\uD800-\uDFFF]/.test(text)) return text
  return text.replace(/\u0000|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD')
}

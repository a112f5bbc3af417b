import type { JsonObject } from '../../otlp/json.js'

/** The attributes of one span that no rule has taken yet. */
export interface SpanAttributes {
  /** The value, still there for others. */
  peek(key: string): unknown
  /** The value, and takes it away. */
  take(key: string): unknown
  has(key: string): boolean
  /** Names still left. */
  keys(): string[]
  /** Takes everything that begins with `prefix`, which ends in a dot; the names come without it. */
  takePrefixed(prefix: string): [string, unknown][]
  hasPrefix(prefix: string): boolean
  remaining(): [string, unknown][]
}

/** The attributes in `all`, to be taken one rule after the other. */
export function createSpanAttributes(all: JsonObject): SpanAttributes {
  const left = new Map<string, unknown>(Object.entries(all))
  // Most prefixes that are asked for occur on no attribute of a span; their first segment tells.
  const heads = new Set<string>()
  for (const key of left.keys()) heads.add(headOf(key))

  return {
    peek: (key) => left.get(key),
    take(key) {
      const value = left.get(key)
      left.delete(key)
      return value
    },
    has: (key) => left.has(key),
    keys: () => [...left.keys()],
    takePrefixed(prefix) {
      if (!heads.has(headOf(prefix))) return []
      const taken: [string, unknown][] = []
      for (const [key, value] of left) {
        if (!key.startsWith(prefix) || key.length === prefix.length) continue
        taken.push([key.slice(prefix.length), value])
        left.delete(key)
      }
      return taken
    },
    hasPrefix(prefix) {
      if (!heads.has(headOf(prefix))) return false
      for (const key of left.keys()) if (key.startsWith(prefix)) return true
      return false
    },
    remaining: () => [...left],
  }
}

function headOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? name : name.slice(0, dot)
}

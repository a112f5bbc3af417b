import { createObject, isObject, type JsonObject, readEmbeddedJson } from './json.js'

/** Most path segments that become nesting; the rest of a longer key stays one key. */
const MAX_SEGMENTS = 32
/** Where a value goes whose key is also the prefix of other keys (`a=1` next to `a.b=2`). */
const OWN_VALUE = '_value'

/**
 * Builds nested objects from dotted keys; an object whose keys are exactly 0…n−1 becomes an array.
 * Objects have no prototype on the way, so no key can reach one.
 */
export function unflatten(entries: Iterable<readonly [string, unknown]>, parseJson: boolean): JsonObject {
  const root = createObject()
  for (const [path, value] of entries) setPath(root, splitPath(path), parseJson ? readEmbeddedJson(value) : value)
  for (const [key, value] of Object.entries(root)) root[key] = toLists(value)
  return root
}

/** Sets `value` at `path`, building the objects on the way and keeping what already stands there. */
export function setPath(root: JsonObject, path: readonly string[], value: unknown): void {
  let node = root
  for (const segment of path.slice(0, -1)) node = enter(node, segment)
  const last = path.at(-1) ?? ''
  const present = Object.hasOwn(node, last) ? node[last] : undefined
  if (isObject(present) && !isObject(value)) {
    present[OWN_VALUE] = value
    return
  }
  node[last] = isObject(present) && isObject(value) ? { ...value, ...present } : toOpenObject(value)
}

function enter(node: JsonObject, segment: string): JsonObject {
  const present = Object.hasOwn(node, segment) ? node[segment] : undefined
  if (isObject(present)) return present
  const next = createObject()
  if (Array.isArray(present))
    present.forEach((item, index) => {
      next[index] = item
    })
  else if (present !== undefined) next[OWN_VALUE] = present
  node[segment] = next
  return next
}

function toOpenObject(value: unknown): unknown {
  if (!isObject(value)) return value
  const copy = createObject()
  for (const [key, item] of Object.entries(value)) copy[key] = item
  return copy
}

function splitPath(path: string): string[] {
  const segments = path.split('.')
  if (segments.length <= MAX_SEGMENTS) return segments
  return [...segments.slice(0, MAX_SEGMENTS - 1), segments.slice(MAX_SEGMENTS - 1).join('.')]
}

function toLists(value: unknown): unknown {
  if (!isObject(value)) return value
  const keys = Object.keys(value)
  for (const key of keys) value[key] = toLists(value[key])
  // Integer keys come first and in order, so position and name agree exactly when nothing is missing.
  return keys.length > 0 && keys.every((key, index) => key === String(index)) ? Object.values(value) : value
}

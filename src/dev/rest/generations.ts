/** What the first generation of HoneyHive's API, without a version in its paths, does in another way than the later ones. */
import type { Call } from '../http/call.js'
import { type JsonObject, toObject } from '../../otlp/json.js'

/** A path in all generations of the API: with and without its version. */
export function bothVersions(path: string): string[] {
  return [path, `/v1${path}`]
}

/** A record as the generation that asks for it reads it: the first one knows ids as `_id` and no `null`. */
export function forGeneration(c: Call, record: JsonObject): JsonObject {
  return isFirst(c) ? toObject(dropNulls({ _id: record.id, ...record })) : record
}

/** Whether a request is of the first generation. */
export function isFirst(c: Call): boolean {
  return !c.req.path.startsWith('/v1/')
}

/** Without `null`, at any depth: the first generation of clients rejects it where it expects a field to be absent. */
export function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, dropNulls(item)]),
  )
}

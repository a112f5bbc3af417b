import { isPlainArray, type Plain, type PlainObject, setField } from '../values/plain.js'
import { sizeOf } from '../values/room.js'

/** Adds `later` to a bucket, whose later keys win. Both are copies of ours, so that the earlier one may be written to. */
export function mergeInto(earlier: Plain, later: Plain): { merged: Plain; replacedBytes: number } {
  if (!isFields(earlier)) return { merged: later, replacedBytes: sizeOf(earlier) }
  if (!isFields(later)) return { merged: earlier, replacedBytes: sizeOf(later) }
  // Two pairs of braces become one.
  let replacedBytes = 2
  for (const name of Object.keys(later)) {
    if (Object.hasOwn(earlier, name)) replacedBytes += name.length + 4 + sizeOf(earlier[name])
    setField(earlier, name, later[name] as Plain)
  }
  return { merged: earlier, replacedBytes }
}

/** Adds `item` to the list under `name` of a bucket; false when there is none. The bucket is a copy of ours. */
export function appendIn(bucket: Plain | undefined, name: string, item: Plain): boolean {
  const list = bucket !== undefined && isFields(bucket) && Object.hasOwn(bucket, name) ? bucket[name] : undefined
  if (list === undefined || !isPlainArray(list)) return false
  ;(list as Plain[]).push(item)
  return true
}

function isFields(value: Plain): value is PlainObject {
  return typeof value === 'object' && value !== null && !isPlainArray(value)
}

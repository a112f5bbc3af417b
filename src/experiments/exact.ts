import { isPlainPrototype } from '../values/realm.js'
import { deserialize, serialize } from 'node:v8'
import { isDeepStrictEqual, types } from 'node:util'

/** A value in a form that JSON can hold and that gives back the very same value. */
export type ExactForm = { readonly json: unknown } | { readonly v8: string }

/**
 * The exact form of a value; `undefined` when there is none (functions, instances of classes, getters that throw). What JSON
 * would change, such as dates, maps, `NaN` or big integers, is kept in V8's own serialization.
 */
export function toExact(value: unknown): ExactForm | undefined {
  if (isJson(value)) return { json: value }
  try {
    const bytes = serialize(value)
    return isDeepStrictEqual(deserialize(bytes), value) ? { v8: bytes.toString('base64') } : undefined
  } catch {
    return undefined
  }
}

function isJson(value: unknown): boolean {
  try {
    const text = JSON.stringify(value)
    return text !== undefined && isDeepStrictEqual(JSON.parse(text), value)
  } catch {
    // Big integers and cycles, which JSON cannot write and V8 can.
    return false
  }
}

/** The value an exact form stands for; `undefined` outside when the form is damaged. */
export function fromExact(form: unknown): { readonly value: unknown } | undefined {
  if (typeof form !== 'object' || form === null) return undefined
  if ('json' in form) return { value: form.json }
  if (!('v8' in form) || typeof form.v8 !== 'string') return undefined
  try {
    return { value: deserialize(Buffer.from(form.v8, 'base64')) }
  } catch {
    return undefined
  }
}

/**
 * A text that differs for any two values that a program could tell apart, whatever the order of their keys; `undefined` when
 * the value holds something whose inside cannot be seen.
 */
export function toContentText(value: unknown): string | undefined {
  try {
    return write(value, [])
  } catch (error) {
    if (error === UNSEEN) return undefined
    // A getter that throws is as unseen as a function.
    return undefined
  }
}

const UNSEEN = new Error('holds something whose inside cannot be seen')

function write(value: unknown, above: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : writeObject(value, above)
    default:
      throw UNSEEN
  }
}

function writeObject(value: object, above: readonly object[]): string {
  if (above.includes(value) || types.isProxy(value)) throw UNSEEN
  const inside = [...above, value]
  const list = (items: Iterable<unknown>): string => Array.from(items, (item) => write(item, inside)).join(',')
  if (Array.isArray(value)) {
    // Holes, and fields beside the items as the matches of an expression have them.
    const places = Object.keys(value)
    if (places.length !== value.length || !places.every((place, i) => place === String(i))) throw UNSEEN
    return `[${list(value)}]`
  }
  if (types.isDate(value)) return `Date(${value.getTime()})`
  if (types.isRegExp(value)) return `RegExp(${JSON.stringify(String(value))})`
  if (types.isMap(value)) return `Map(${list([...value].flat())})`
  if (types.isSet(value)) return `Set(${list(value)})`
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name}(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')})`
  }
  if (!isPlainPrototype(Object.getPrototypeOf(value))) {
    if ('searchParams' in value && 'href' in value) return `URL(${JSON.stringify(value.href)})`
    throw UNSEEN
  }
  const keys = Reflect.ownKeys(value)
  if (keys.some((key) => typeof key === 'symbol')) throw UNSEEN
  const fields = value as Readonly<Record<string, unknown>>
  return `{${(keys as string[])
    .sort()
    .map((key) => `${JSON.stringify(key)}:${write(fields[key], inside)}`)
    .join(',')}}`
}

/** Between the names of this package and those of the API, and the checks on the way. */
import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { checkOptions } from '../options/check.js'
import { toKind } from '../options/shown.js'
import { isBoolean, isFilledText, isListOf, isMapLike, isText, type OptionSpec } from '../options/spec.js'
import { isObject, type JsonObject } from '../otlp/json.js'

/** One field of a request: its check, and how the API has it. */
export interface FieldSpec extends OptionSpec {
  /** @defaultValue the name with underscores */
  readonly wire?: string
  /** @defaultValue the value as it is */
  readonly write?: (value: unknown) => unknown
}

/** The fields of a request that takes `T`; the compiler keeps them complete. */
export type Fields<T> = { readonly [K in keyof Required<T>]: FieldSpec }

export const TEXT: FieldSpec = { accepts: isText, expected: 'a text', remedy: 'Give a text.' }
export const NAME: FieldSpec = { accepts: isFilledText, expected: 'a text that is not blank', remedy: 'Give a text.' }
export const FLAG: FieldSpec = { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' }
export const TEXTS: FieldSpec = { accepts: isListOf(isText), expected: 'a list of texts', remedy: "Give e.g. ['a', 'b'].", secret: true }
export const FIGURE: FieldSpec = { accepts: Number.isFinite, expected: 'a number', remedy: 'Give a finite number.' }
/** What people record: never shown in a message. */
export const OBJECT: FieldSpec = { accepts: isMapLike, expected: 'an object', remedy: 'Give fields by name.', secret: true }
export const OBJECTS: FieldSpec = { accepts: isListOf(isMapLike), expected: 'a list of objects', remedy: 'Give objects.', secret: true }
export const LIST: FieldSpec = { accepts: Array.isArray, expected: 'a list', remedy: 'Give a list.', secret: true }
/** A moment: the API counts milliseconds since 1970. */
export const MOMENT: FieldSpec = {
  accepts: (value) => Number.isFinite(value instanceof Date ? value.getTime() : value),
  expected: 'a date, or milliseconds since 1970',
  remedy: 'Give a Date or Unix milliseconds.',
  write: (value) => (value instanceof Date ? value.getTime() : value),
}

/** One of some words. */
export function oneOf(words: readonly string[]): FieldSpec {
  const expected = words.map((word) => `"${word}"`).join(', ')
  return { accepts: (value) => words.some((word) => word === value), expected: `one of ${expected}`, remedy: `Give one of ${expected}.` }
}

/** A whole number from `min` to `max`. */
export function count(min: number, max: number): FieldSpec {
  const accepts = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= min && Number(value) <= max
  return { accepts, expected: `a whole number from ${min} to ${max}`, remedy: 'Give such a number.' }
}

/** A field that cannot be left out. */
export function required(spec: FieldSpec): FieldSpec {
  return { ...spec, isRequired: true }
}

/**
 * What was given, checked, under the names of the API; `undefined` and `null` are left out.
 *
 * @throws HoneyHiveConfigError with every wrong or unknown field
 */
export function toWire<T extends object>(given: T, fields: Fields<T>, where: string): JsonObject {
  const specs: Readonly<Record<string, FieldSpec>> = fields
  const values = checkOptions(given, specs, where)
  const wire: JsonObject = {}
  for (const [name, value] of Object.entries(values)) {
    const { wire: named = toSnakeCase(name), write = (same: unknown) => same } = specs[name] ?? {}
    wire[named] = write(value)
  }
  return wire
}

/** A list each of whose items is written as {@link toWire} does. @throws HoneyHiveConfigError as that does, with the index */
export function toWireList<T extends object>(given: readonly T[], fields: Fields<T>, where: string): JsonObject[] {
  if (!Array.isArray(given)) throw refusal(where, 'items', `Expected a list in ${where}, got ${toKind(given)}. Give a list.`)
  return given.map((item: T, index) => toWire(item, fields, `${where}[${index}]`))
}

/** The record under the names of this package: its own fields, not what is in them. */
export function fromWire<T>(record: unknown): T {
  const fields = isObject(record) ? record : {}
  // The API's reply is taken at its word; its fields may be absent, as the types say.
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [toCamelCase(name), value])) as T
}

/** The items of a list of records. */
export function fromWireList<T>(list: unknown): T[] {
  return Array.isArray(list) ? list.map((item) => fromWire<T>(item)) : []
}

/**
 * An id, fit for a path.
 *
 * @throws HoneyHiveConfigError for what would name another resource: nothing, blanks, `.` and `..`
 */
export function toPathPart(id: string, name: string, where: string): string {
  if (isFilledText(id) && !/^\.{1,2}$/.test(id)) return encodeURIComponent(id)
  throw refusal(
    where,
    name,
    `Invalid "${name}" of ${where}: expected an id, got ${isText(id) ? 'a blank text or dots' : toKind(id)}. Give the id.`,
  )
}

/** A text of a reply that has to be there. @throws HoneyHiveError `BAD_REPLY` */
export function toReplyId(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new HoneyHiveError('BAD_REPLY', `The reply to ${where} has no id. Check \`serverUrl\` (HH_API_URL).`)
}

function refusal(where: string, option: string, message: string): HoneyHiveConfigError {
  return new HoneyHiveConfigError([{ option, message }], where)
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function toCamelCase(name: string): string {
  return name.replace(/(?!^)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

import { types } from 'node:util'
import { toJsonText } from '../builtins.js'

const MAX_SHOWN_CHARS = 60

/** A value for a message: short, one line, without the contents of objects. */
export function toShown(value: unknown): string {
  if (typeof value === 'string') return toJsonText(toShort(value))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' || typeof value === 'boolean') return Object.is(value, -0) ? '-0' : String(value)
  return toKind(value)
}

/** The kind of a value, in words. */
export function toKind(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (types.isPromise(value)) return 'a promise'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Text for a message, cut after 60 characters. */
export function toShort(text: string): string {
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text
}

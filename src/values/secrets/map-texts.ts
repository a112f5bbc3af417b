import { setField } from '../plain.js'
import { isPlainPrototype } from '../realm.js'

const MAX_DEPTH = 32

/** Plain data with `map` applied to every text and every name in it; the same object where nothing changes. */
export function mapTexts<T>(value: T, map: (text: string) => string, depth = 0): T {
  // Each branch gives back what it was given, with other texts.
  if (typeof value === 'string') return map(value) as T
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return mapItems(value, map, depth) as T
  return isPlainPrototype(Object.getPrototypeOf(value)) ? (mapFields(value as Record<string, unknown>, map, depth) as T) : value
}

function mapItems(items: readonly unknown[], map: (text: string) => string, depth: number): readonly unknown[] {
  const mapped = items.map((item) => mapTexts(item, map, depth + 1))
  return mapped.some((item, i) => item !== items[i]) ? mapped : items
}

function mapFields(fields: Readonly<Record<string, unknown>>, map: (text: string) => string, depth: number): object {
  const entries = Object.entries(fields).map(([name, field]) => [map(name), mapTexts(field, map, depth + 1)] as const)
  const isSame = entries.every(([name, field]) => Object.hasOwn(fields, name) && fields[name] === field)
  if (isSame) return fields
  const copy = {}
  for (const [name, field] of entries) setField(copy, name, field as never)
  return copy
}

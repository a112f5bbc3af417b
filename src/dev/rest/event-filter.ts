/** Filters of searches and exports, applied to events in their REST form. */
import { badRequest } from '../http/http-error.js'
import { isObject, type JsonObject, toFiniteNumber } from '../../otlp/json.js'

/** One condition; a `field` is a top-level name or a dotted path. */
export interface EventFilter {
  readonly field: string
  readonly operator: string
  readonly value: string | number | boolean | null
}

const OPERATORS: Readonly<Record<string, (actual: unknown, expected: EventFilter['value']) => boolean>> = {
  exists: (actual) => actual !== undefined && actual !== null,
  'not exists': (actual) => actual === undefined || actual === null,
  is: isSame,
  'is not': (actual, expected) => !isSame(actual, expected),
  contains: includes,
  'not contains': (actual, expected) => !includes(actual, expected),
  'greater than': (actual, expected) => compare(actual, expected) > 0,
  'less than': (actual, expected) => compare(actual, expected) < 0,
  after: (actual, expected) => compareTimes(actual, expected) > 0,
  before: (actual, expected) => compareTimes(actual, expected) < 0,
}

/** Reads filters. @throws HttpError 400 for an unknown operator or a field that is no text. */
export function parseFilters(value: unknown): readonly EventFilter[] {
  if (value === undefined || value === null) return []
  const list = Array.isArray(value) ? value : isObject(value) && typeof value.field === 'string' ? [value] : undefined
  if (list === undefined) throw badRequest('filters must be an array')
  return list.map((filter: unknown) => {
    if (!isObject(filter) || typeof filter.field !== 'string') throw badRequest('Each filter needs a field')
    const operator = String(filter.operator ?? 'is')
    if (!Object.hasOwn(OPERATORS, operator)) throw badRequest(`operator must be one of ${Object.keys(OPERATORS).join(', ')}`)
    const { value: expected } = filter
    const isPlain = expected === null || ['string', 'number', 'boolean'].includes(typeof expected)
    return { field: filter.field, operator, value: isPlain ? (expected as EventFilter['value']) : null }
  })
}

/** Whether an event passes every filter. */
export function matchesFilters(event: JsonObject, filters: readonly EventFilter[]): boolean {
  return filters.every(({ field, operator, value }) => OPERATORS[operator]?.(readField(event, field), value) ?? false)
}

/** The value at a dotted path; keys that hold dots themselves are found too. */
export function readField(holder: unknown, path: string): unknown {
  if (!isObject(holder)) return Array.isArray(holder) ? readItem(holder, path) : undefined
  if (Object.hasOwn(holder, path)) return holder[path]
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const key = path.slice(0, dot)
    if (!Object.hasOwn(holder, key)) continue
    const found = readField(holder[key], path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

function readItem(list: readonly unknown[], path: string): unknown {
  const [index = '', ...rest] = path.split('.')
  const item = /^\d+$/.test(index) ? list[Number(index)] : undefined
  return rest.length === 0 ? item : readField(item, rest.join('.'))
}

function isSame(actual: unknown, expected: EventFilter['value']): boolean {
  if (actual === undefined || actual === null) return expected === null || expected === ''
  return actual === expected || toPlain(actual) === String(expected)
}

function includes(actual: unknown, expected: EventFilter['value']): boolean {
  return actual !== undefined && actual !== null && toPlain(actual).toLowerCase().includes(String(expected).toLowerCase())
}

function compare(actual: unknown, expected: EventFilter['value']): number {
  const left = toFiniteNumber(actual)
  const right = toFiniteNumber(expected)
  return left === undefined || right === undefined ? compareTimes(actual, expected) : left - right
}

/** Not a number when either side is no time, so that neither `after` nor `before` holds. */
function compareTimes(actual: unknown, expected: EventFilter['value']): number {
  return toTime(actual) - toTime(expected)
}

function toTime(value: unknown): number {
  return typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
}

function toPlain(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

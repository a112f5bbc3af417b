import { type FieldSpec, type Fields, LIST, NAME, oneOf, required, toWireList } from './fields.js'
import { isMapLike } from '../options/spec.js'

/** One condition on events. */
export interface EventFilter {
  /** Field of the event by its name in the API, e.g. `event_name`, `session_id`, `metadata.user_id`. */
  readonly field: string
  readonly operator:
    | 'is'
    | 'is not'
    | 'contains'
    | 'not contains'
    | 'greater than'
    | 'less than'
    | 'after'
    | 'before'
    | 'exists'
    | 'not exists'
  readonly value?: string | number | boolean | Date
  /** @defaultValue the kind of the value */
  readonly type?: 'string' | 'number' | 'boolean' | 'datetime'
}

/** A span of time, both ends included. */
export interface DateRange {
  readonly from?: Date | string
  readonly to?: Date | string
}

const OPERATORS = ['is', 'is not', 'contains', 'not contains', 'greater than', 'less than', 'after', 'before', 'exists', 'not exists']

const FILTER: Fields<EventFilter> = {
  field: required(NAME),
  operator: required(oneOf(OPERATORS)),
  value: {
    accepts: (value) => ['string', 'number', 'boolean'].includes(typeof value) || value instanceof Date,
    expected: 'a text, a number, a boolean or a date',
    remedy: 'Give such a value.',
  },
  type: oneOf(['string', 'number', 'boolean', 'datetime']),
}

/** Conditions as the API has them. @throws HoneyHiveConfigError for each that is wrong */
export function toFilters(filters: readonly EventFilter[], where: string): unknown[] {
  return toWireList(filters, FILTER, `${where} filters`).map(({ value = '', type, ...rest }) =>
    value instanceof Date
      ? { ...rest, value: value.toISOString(), type: type ?? 'datetime' }
      : { ...rest, value, type: type ?? typeof value },
  )
}

/** Filters of a request; written by {@link toFilters}. */
export const FILTERS: FieldSpec = { ...LIST, expected: 'a list of { field, operator, value }' }

/** A field that takes a {@link DateRange}. */
export const DATE_RANGE: FieldSpec = {
  accepts: (value) => isMapLike(value) && Object.entries(value).every(([name, end]) => ['from', 'to'].includes(name) && isEnd(end)),
  expected: '{ from, to } with dates or ISO times',
  remedy: 'Give e.g. { from: new Date(2026, 10, 1) }.',
  wire: 'dateRange',
  write: (value) => {
    const { from, to } = value as DateRange
    return { ...(from === undefined ? {} : { $gte: toIso(from) }), ...(to === undefined ? {} : { $lte: toIso(to) }) }
  },
}

function isEnd(value: unknown): boolean {
  return value === undefined || ((typeof value === 'string' || value instanceof Date) && !Number.isNaN(new Date(value).getTime()))
}

function toIso(end: Date | string): string {
  return typeof end === 'string' ? end : end.toISOString()
}

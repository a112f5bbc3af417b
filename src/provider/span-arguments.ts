import { reflectGet } from '../builtins.js'
import { types } from 'node:util'
import { type AttributeValue, type Attributes, type HrTime, type Link, SpanKind, type SpanStatus, SpanStatusCode } from '@opentelemetry/api'
import { silenceMade } from '../promises.js'
import { toAttributeValue } from '../values/flatten.js'
import { toBigIntText } from '../values/stand-in.js'
import { boundText, MAX_NAME_CHARS } from './bound-text.js'
import { type ClockAnchor, toHrTime, toUnixMs } from './clock.js'

/**
 * Reads what callers of the OpenTelemetry API give to a span. Any of it may be the wrong type, throw when it is looked at,
 * or be huge; what cannot be read is left out, and nothing throws.
 */

// More than any limit keeps, so that a list with a huge length costs nothing.
const MAX_LISTED_ITEMS = 10_000

/** Visits the own attributes of an object; one that cannot be read is visited as a mark. */
export function forEachAttribute(attributes: unknown, visit: (key: string, value: unknown) => void): void {
  if (typeof attributes !== 'object' || attributes === null) return
  for (const key of readKeys(attributes)) {
    try {
      const value: unknown = reflectGet(attributes, key)
      if (typeof value === 'object') silenceMade(attributes, key, value)
      visit(key, value)
    } catch {
      visit(key, '[Unreadable]')
    }
  }
}

function readKeys(holder: object): string[] {
  try {
    return Object.keys(holder)
  } catch {
    return []
  }
}

/** A copy of attributes that OTLP can carry. */
export function toAttributes(attributes: unknown): Attributes {
  const copy: Attributes = {}
  forEachAttribute(attributes, (key, value) => {
    const safe = toAttributeValue(value)
    if (safe !== undefined && key !== '') setOwn(copy, key, safe as AttributeValue)
  })
  return copy
}

/** An attribute may have any name, `__proto__` included. */
export function setOwn(holder: Attributes, key: string, value: AttributeValue): void {
  if (key === '__proto__') Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
  else holder[key] = value
}

/** The items of a list that can be read; a hole or a getter that throws costs only itself. */
export function readItems(list: unknown): unknown[] {
  try {
    if (!Array.isArray(list)) return []
    const length = Math.min(list.length, MAX_LISTED_ITEMS)
    return Array.from({ length }, (_, i) => readItem(list, i))
  } catch {
    return []
  }
}

function readItem(list: readonly unknown[], index: number): unknown {
  try {
    return list[index]
  } catch {
    return undefined
  }
}

/** A link to a span with valid ids; tracestate and whether it is remote stay. */
export function toLink(link: unknown): Link | undefined {
  if (typeof link !== 'object' || link === null) return undefined
  try {
    const { context, attributes } = link as Link
    const { traceId, spanId, traceFlags, isRemote, traceState } = context
    if (!isHex(traceId, 32) || !isHex(spanId, 16)) return undefined
    return {
      context: {
        traceId,
        spanId,
        traceFlags: typeof traceFlags === 'number' ? traceFlags & 0xff : 0,
        ...(typeof isRemote === 'boolean' ? { isRemote } : {}),
        ...(isTraceState(traceState) ? { traceState } : {}),
      },
      ...(attributes === undefined || attributes === null ? {} : { attributes: toAttributes(attributes) }),
    }
  } catch {
    return undefined
  }
}

/** Whether a trace state can be written down. */
export function isTraceState(value: unknown): value is NonNullable<Link['context']['traceState']> {
  return typeof value === 'object' && value !== null && 'serialize' in value && typeof value.serialize === 'function'
}

/** Only text is looked at: turning a huge list into text could take for ever. */
function isHex(value: unknown, length: number): value is string {
  if (typeof value !== 'string' || value.length !== length) return false
  // By hand, because V8 ends the process where an expression is compiled on a stack that is nearly used up.
  for (let at = 0; at < length; at += 1) if (!'0123456789abcdef'.includes(value.charAt(at))) return false
  return true
}

/** A status other than UNSET, which says nothing. */
export function toStatus(status: unknown): SpanStatus | undefined {
  try {
    const { code, message } = status as SpanStatus
    if (code !== SpanStatusCode.OK && code !== SpanStatusCode.ERROR) return undefined
    // The SDK itself leaves a message out that is no text, and says so to OpenTelemetry's diagnostics.
    return message !== undefined && message !== null && code === SpanStatusCode.ERROR ? { code, message } : { code }
  } catch {
    return undefined
  }
}

/** Whether an argument that may be attributes or a time is a time. */
export function isTimeInput(value: unknown): boolean {
  try {
    return typeof value === 'number' || types.isDate(value) || Array.isArray(value)
  } catch {
    return false
  }
}

/** A time given by a caller, exact to the nanosecond when it was given so; `undefined` for anything that is no time. */
export function toTime(time: unknown, anchor: ClockAnchor): HrTime | undefined {
  if (time === undefined) return undefined
  return toExactTime(time) ?? fromMs(toUnixMs(time as number, anchor))
}

function toExactTime(time: unknown): HrTime | undefined {
  try {
    if (!Array.isArray(time) || time.length !== 2) return undefined
    const [seconds, nanos] = time as readonly unknown[]
    const isExact = Number.isInteger(seconds) && Number.isInteger(nanos) && Number(nanos) >= 0 && Number(nanos) < 1e9
    return isExact && Number(seconds) >= 0 && Number(seconds) < MAX_UNIX_SECONDS ? [Number(seconds), Number(nanos)] : undefined
  } catch {
    return undefined
  }
}

// Beyond the year 2262 nanoseconds do not fit the 64 bits of the wire format.
const MAX_UNIX_SECONDS = 9_223_372_036

function fromMs(unixMs: number | undefined): HrTime | undefined {
  return unixMs === undefined ? undefined : toHrTime(unixMs)
}

/** Text of a span or event name given by a caller, whatever it gave. */
export function nameText(name: unknown): string {
  if (typeof name === 'string' && name !== '') return boundText(name, MAX_NAME_CHARS)
  if (typeof name === 'bigint') return toBigIntText(name)
  return typeof name === 'number' ? String(name) : 'unnamed'
}

/** Kind of a span given by a caller; anything unknown is INTERNAL. */
export function toSpanKind(kind: unknown): SpanKind {
  return typeof kind === 'number' && kind >= SpanKind.INTERNAL && kind <= SpanKind.CONSUMER ? kind : SpanKind.INTERNAL
}

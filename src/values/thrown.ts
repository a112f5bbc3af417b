import { types } from 'node:util'
import { toBigIntText, toFunctionText } from './stand-in.js'

/** What a span says about a thrown value. */
export interface ThrownText {
  readonly type: string
  readonly message: string
  /** Of the thrown value, then of what caused it, and of what caused that. */
  readonly stack: string | undefined
}

/** Reads a thrown value, whatever it is. Never throws; each property is read once. */
export function describeThrown(thrown: unknown): ThrownText {
  try {
    if (typeof thrown === 'object' && thrown !== null) return describeObject(thrown)
    return { type: typeof thrown, message: primitiveText(thrown), stack: undefined }
  } catch {
    return { type: 'unknown', message: '[Unreadable]', stack: undefined }
  }
}

function describeObject(thrown: object): ThrownText {
  const message = readText(thrown, 'message')
  const name = readText(thrown, 'name') ?? constructorName(thrown) ?? 'Object'
  const stack = readText(thrown, 'stack')
  return { type: name, message: message ?? objectText(thrown), stack: stack === undefined ? undefined : stack + causesOf(thrown) }
}

/** Longest chain of causes that is told, and most characters of it: a cause may have been made of anything. */
const MAX_CAUSES = 8
const MAX_CAUSE_CHARS = 32_768

/** What caused a thrown value, in the words other platforms use: a line `Caused by: …` for each. */
function causesOf(thrown: object): string {
  let told = ''
  const seen = new Set<unknown>([thrown])
  let cause = readCause(thrown)
  while (cause !== undefined && cause !== null && !seen.has(cause) && seen.size <= MAX_CAUSES && told.length < MAX_CAUSE_CHARS) {
    seen.add(cause)
    told += `\nCaused by: ${causeText(cause).slice(0, MAX_CAUSE_CHARS - told.length)}`
    cause = typeof cause === 'object' ? readCause(cause) : undefined
  }
  return told
}

function causeText(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return primitiveText(cause)
  const name = readText(cause, 'name') ?? constructorName(cause) ?? 'Object'
  return readText(cause, 'stack') ?? `${name}: ${readText(cause, 'message') ?? objectText(cause)}`
}

function readCause(holder: object): unknown {
  try {
    return Reflect.get(holder, 'cause')
  } catch {
    return undefined
  }
}

function readText(holder: object, key: string): string | undefined {
  try {
    const value: unknown = Reflect.get(holder, key)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function constructorName(thrown: object): string | undefined {
  try {
    const made: unknown = Reflect.get(thrown, 'constructor')
    return typeof made === 'function' && made.name !== '' ? made.name : undefined
  } catch {
    return undefined
  }
}

function objectText(thrown: object): string {
  // The text of a list is that of its items, and a Proxy may name four billion of them.
  if (types.isProxy(thrown) || Array.isArray(thrown)) return Array.isArray(thrown) ? '[thrown Array]' : '[thrown Object]'
  try {
    const text = String(thrown)
    return text.startsWith('[object') ? `[thrown ${text.slice(8, -1)}]` : text
  } catch {
    return '[Unreadable]'
  }
}

function primitiveText(thrown: unknown): string {
  if (typeof thrown === 'function') return toFunctionText(thrown)
  return typeof thrown === 'bigint' ? toBigIntText(thrown) : String(thrown)
}

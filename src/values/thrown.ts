import { types } from 'node:util'
import { toBigIntText, toFunctionText } from './stand-in.js'

/** What a span says about a thrown value. */
export interface ThrownText {
  readonly type: string
  readonly message: string
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
  return { type: name, message: message ?? objectText(thrown), stack: readText(thrown, 'stack') }
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

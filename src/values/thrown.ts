import { types } from 'node:util'
import { toJsonText } from '../builtins.js'
import { silenceMade } from '../promises.js'
import { takeSnapshot } from './snapshot.js'
import { hasStackRoom } from '../stack-used-up.js'
import { toBigIntText, toFunctionText } from './stand-in.js'
import { cutText } from './text.js'

/** What a span says about a thrown value. */
export interface ThrownText {
  readonly type: string
  readonly message: string
  /** Of the thrown value, then of what caused it, and of what caused that. */
  readonly stack: string | undefined
}

/** Longest message and longest stack that are kept, in UTF-16 units: twice what is sent of an error, so that redaction comes first. */
const MAX_TEXT_CHARS = 65_536
const MAX_TYPE_CHARS = 256

/** Whether a message or a stack was cut on its way here: then it is longer, by the mark. */
export function isCutText(text: string | undefined): boolean {
  return text !== undefined && text.length > MAX_TEXT_CHARS
}
/** Of an object that has no message, its fields stand for one; in bytes. */
const MAX_FIELDS_BYTES = 2048

/** Reads a thrown value, whatever it is and whichever realm it is of. Never throws; each property is read once. */
export function describeThrown(thrown: unknown): ThrownText {
  try {
    if (typeof thrown === 'object' && thrown !== null) return describeObject(thrown)
    return { type: typeof thrown, message: primitiveText(thrown), stack: undefined }
  } catch {
    return { type: 'unknown', message: '[Unreadable]', stack: undefined }
  }
}

/** A field of a thrown value as it is; `undefined` where it cannot be read. */
export function readField(holder: object, key: string): unknown {
  try {
    const field: unknown = Reflect.get(holder, key)
    if (typeof field === 'object') silenceMade(holder, key, field)
    return field
  } catch {
    return undefined
  }
}

function describeObject(thrown: object): ThrownText {
  const message = readText(thrown, 'message')
  const type = toType(readText(thrown, 'name'), constructorName(thrown))
  // V8 makes its text when it is read, by functions of the host that may use expressions.
  const stack = hasStackRoom() ? readText(thrown, 'stack') : undefined
  return { type, message: message ?? objectText(thrown), stack: stack === undefined ? undefined : withoutOwnFrames(stack) }
}

/** Classes that give their errors no name of their own are called `Error` by them. */
function toType(name: string | undefined, className: string | undefined): string {
  const type = name === undefined || name === '' || (name === 'Error' && className !== undefined) ? className : name
  return (type ?? 'Object').slice(0, MAX_TYPE_CHARS)
}

function readText(holder: object, key: string): string | undefined {
  const value = readField(holder, key)
  if (typeof value !== 'string') return undefined
  return value.length > MAX_TEXT_CHARS ? cutText(value, MAX_TEXT_CHARS) : value
}

function constructorName(thrown: object): string | undefined {
  const made = readField(thrown, 'constructor')
  const name = typeof made === 'function' ? readField(made, 'name') : undefined
  return typeof name === 'string' && name !== '' ? name : undefined
}

/** Calls that are recorded pass through functions of this name. */
const OWN_FRAMES = /^[ \t]+at [^\n]*\bhoneyhiveCall\b[^\n]*(?:\n|$)/gm

function withoutOwnFrames(stack: string): string {
  return stack.includes('honeyhiveCall') ? stack.replace(OWN_FRAMES, '').trimEnd() : stack
}

function objectText(thrown: object): string {
  // Its traps are the host's code, and may name four billion fields.
  if (types.isProxy(thrown)) return '[thrown Object]'
  const { value } = takeSnapshot(thrown, MAX_FIELDS_BYTES)
  const text = typeof value === 'string' ? value : toJsonText(value)
  return text === '{}' || text === '[]' ? taggedText(thrown) : text
}

function taggedText(thrown: object): string {
  try {
    const text = String(thrown)
    if (text.startsWith('[object')) return `[thrown ${text.slice(8, -1)}]`
    return text.length > MAX_TEXT_CHARS ? cutText(text, MAX_TEXT_CHARS) : text
  } catch {
    return '[Unreadable]'
  }
}

function primitiveText(thrown: unknown): string {
  if (typeof thrown === 'function') return toFunctionText(thrown)
  const text = typeof thrown === 'bigint' ? toBigIntText(thrown) : String(thrown)
  return text.length > MAX_TEXT_CHARS ? cutText(text, MAX_TEXT_CHARS) : text
}

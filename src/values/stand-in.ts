import { types } from 'node:util'
import { readProperty } from '../promises.js'
import { toBinaryStandIn } from './binary.js'
import type { MediaMode } from './media.js'
import { isGlobal, isNodeStream } from './realm.js'
import { cutText } from './text.js'
import { toWebStandIn } from './web-objects.js'

/** Beyond this size decimal text costs more than linear time. */
const BIG_INT_LIMIT = 2n ** 4096n
const MAX_NAME_CHARS = 200
/** Stands for a promise. */
export const PROMISE = '[Promise]'

/** Text that stands for a BigInt: its decimal digits, or a mark when it has thousands of them. */
export function toBigIntText(value: bigint): string {
  return value < BIG_INT_LIMIT && value > -BIG_INT_LIMIT ? value.toString() : '[BigInt beyond 4096 bits]'
}

/** Text that stands for a symbol. */
export function toSymbolText(value: symbol): string {
  return `[Symbol ${shortName(value.description)}]`
}

/** Text that stands for a function or class; never runs it. */
export function toFunctionText(value: object): string {
  try {
    const source: unknown = Reflect.apply(Function.prototype.toString, value, [])
    const kind = typeof source === 'string' && source.startsWith('class') ? 'Class' : 'Function'
    const name = shortName(readProperty(value, 'name'))
    return name === '' ? `[${kind}]` : `[${kind} ${name}]`
  } catch {
    return '[Function]'
  }
}

/** Name of the kind of a thrown value, for `[Throws: name]`; never throws. */
export function toThrownName(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return typeof thrown
  try {
    return shortName(readProperty(thrown, 'name')) || 'object'
  } catch {
    return 'unknown'
  }
}

/**
 * For objects whose content must not or cannot be walked: what stands for them, a text or something to walk instead. `undefined`
 * for everything else. May throw on a Proxy; the caller guards.
 */
export function toStandIn(value: object, media: MediaMode, maxBytes: number): unknown {
  if (types.isPromise(value)) return PROMISE
  if (types.isDate(value)) return toDateText(value)
  if (types.isRegExp(value)) return String(Reflect.apply(RegExp.prototype.toString, value, []))
  const binary = toBinaryStandIn(value, media, maxBytes)
  if (binary !== undefined) return binary
  const collection = types.isProxy(value) ? toCollectionText(value) : undefined
  if (collection !== undefined) return collection
  if (types.isBoxedPrimitive(value)) return unbox(value)
  if (types.isWeakMap(value)) return '[WeakMap]'
  if (types.isWeakSet(value)) return '[WeakSet]'
  if (types.isGeneratorObject(value)) return `[${toTag(value, 'Generator')}]`
  if (isNodeStream(value)) return `[${toClassName(value) || 'Stream'}]`
  return isGlobal(value) ? '[globalThis]' : toWebStandIn(value)
}

/** Only the host's own methods know what a proxied collection holds. */
function toCollectionText(value: object): string | undefined {
  if (value instanceof Map) return '[Proxy of a Map]'
  return value instanceof Set ? '[Proxy of a Set]' : undefined
}

/** Name of the class of an object, or an empty text. */
function toClassName(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return ''
  const made: unknown = readProperty(prototype, 'constructor')
  return typeof made === 'function' ? shortName(readProperty(made, 'name')) : ''
}

function toDateText(value: Date): string {
  const time: number = Reflect.apply(Date.prototype.getTime, value, [])
  return Number.isNaN(time) ? '[Invalid Date]' : new Date(time).toISOString()
}

function unbox(value: object): unknown {
  if (types.isStringObject(value)) return Reflect.apply(String.prototype.valueOf, value, [])
  if (types.isNumberObject(value)) return Reflect.apply(Number.prototype.valueOf, value, [])
  if (types.isBooleanObject(value)) return Reflect.apply(Boolean.prototype.valueOf, value, [])
  if (types.isBigIntObject(value)) return Reflect.apply(BigInt.prototype.valueOf, value, [])
  return Reflect.apply(Symbol.prototype.valueOf, value, [])
}

function toTag(value: object, fallback: string): string {
  const tag: unknown = readProperty(value, Symbol.toStringTag)
  return typeof tag === 'string' ? shortName(tag) : fallback
}

function shortName(name: unknown): string {
  if (typeof name !== 'string') return ''
  return name.length > MAX_NAME_CHARS ? cutText(name, MAX_NAME_CHARS) : name
}

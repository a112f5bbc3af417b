import { Stream } from 'node:stream'
import { types } from 'node:util'

/** Largest typed array of numbers that is kept as numbers; longer ones are summarised. */
const MAX_TYPED_ITEMS = 4096
/** Beyond this size decimal text costs more than linear time. */
const BIG_INT_LIMIT = 2n ** 4096n
const MAX_NAME_CHARS = 200

const TypedArray: { readonly prototype: object } = Object.getPrototypeOf(Uint8Array)

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
    const name = shortName(Reflect.get(value, 'name'))
    return name === '' ? `[${kind}]` : `[${kind} ${name}]`
  } catch {
    return '[Function]'
  }
}

/** Name of the kind of a thrown value, for `[Throws: name]`; never throws. */
export function toThrownName(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return typeof thrown
  try {
    return shortName(Reflect.get(thrown, 'name')) || 'object'
  } catch {
    return 'unknown'
  }
}

/**
 * For objects whose content must not or cannot be walked: the primitive or the small array that stands for them. `undefined`
 * for everything else. May throw on a Proxy; the caller guards.
 */
export function toStandIn(value: object): unknown {
  if (types.isPromise(value)) return '[Promise]'
  if (types.isDate(value)) return toDateText(value)
  if (types.isRegExp(value)) return String(Reflect.apply(RegExp.prototype.toString, value, []))
  if (isTypedArray(value)) return toTypedArray(value)
  if (types.isDataView(value)) return `[DataView ${value.byteLength} bytes]`
  if (types.isAnyArrayBuffer(value))
    return `[${types.isSharedArrayBuffer(value) ? 'SharedArrayBuffer' : 'ArrayBuffer'} ${value.byteLength} bytes]`
  if (types.isBoxedPrimitive(value)) return unbox(value)
  if (types.isWeakMap(value)) return '[WeakMap]'
  if (types.isWeakSet(value)) return '[WeakSet]'
  if (types.isGeneratorObject(value)) return `[${toText(Reflect.get(value, Symbol.toStringTag), 'Generator')}]`
  if (value instanceof Stream) return `[${toClassName(value) || 'Stream'}]`
  if (value === globalThis) return '[globalThis]'
  return toTaggedText(value)
}

/** Name of the class of an object, or an empty text. */
function toClassName(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return ''
  const made: unknown = Reflect.get(prototype, 'constructor')
  return typeof made === 'function' ? shortName(Reflect.get(made, 'name')) : ''
}

function toDateText(value: Date): string {
  const time: number = Reflect.apply(Date.prototype.getTime, value, [])
  return Number.isNaN(time) ? '[Invalid Date]' : new Date(time).toISOString()
}

// `instanceof` and not `util.types`: a Proxy of a typed array must end here too, for listing its keys could fill the memory.
function isTypedArray(value: object): value is NodeJS.TypedArray {
  return Object.prototype.isPrototypeOf.call(TypedArray.prototype, value)
}

function toTypedArray(value: NodeJS.TypedArray): unknown {
  if (Buffer.isBuffer(value)) return `[Buffer ${value.byteLength} bytes]`
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray) return `[${toClassName(value)} ${value.byteLength} bytes]`
  if (value.length > MAX_TYPED_ITEMS) return `[${toClassName(value)} ${value.length} items]`
  return Array.from<unknown>(value)
}

function unbox(value: object): unknown {
  if (types.isStringObject(value)) return Reflect.apply(String.prototype.valueOf, value, [])
  if (types.isNumberObject(value)) return Reflect.apply(Number.prototype.valueOf, value, [])
  if (types.isBooleanObject(value)) return Reflect.apply(Boolean.prototype.valueOf, value, [])
  if (types.isBigIntObject(value)) return Reflect.apply(BigInt.prototype.valueOf, value, [])
  return Reflect.apply(Symbol.prototype.valueOf, value, [])
}

// Web classes are told by their tag: touching the global `Response` would load the whole fetch implementation.
function toTaggedText(value: object): unknown {
  const tag: unknown = Reflect.get(value, Symbol.toStringTag)
  switch (tag) {
    case 'URL':
      return toText(Reflect.get(value, 'href'), '[URL]')
    case 'URLSearchParams':
      return String(value)
    case 'Response':
      return `[Response ${toText(Reflect.get(value, 'status'), '?')}]`
    case 'Request':
      return `[Request ${toText(Reflect.get(value, 'method'), '?')}]`
    case 'Blob':
    case 'File':
      return `[${tag} ${toText(Reflect.get(value, 'size'), '?')} bytes]`
    case 'ReadableStream':
    case 'WritableStream':
    case 'TransformStream':
    case 'Headers':
    case 'FormData':
    case 'AbortSignal':
    case 'AbortController':
    case 'WeakRef':
    case 'Promise':
    case 'process':
      return `[${tag}]`
    default:
      return undefined
  }
}

function toText(value: unknown, fallback: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : fallback
}

function shortName(name: unknown): string {
  return typeof name === 'string' ? name.slice(0, MAX_NAME_CHARS) : ''
}

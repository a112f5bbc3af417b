/** Typed arrays, buffers and views of any realm as the text or the numbers that stand for them. */
import { NativeSet } from '../natives.js'
import { types } from 'node:util'
import { type MediaMode, sniffType, toMediaSummary } from './media.js'

const TypedArray: { readonly prototype: object } = Object.getPrototypeOf(Uint8Array)
/** Numbers that are read of one typed array, as many as a snapshot walks. */
const MAX_ITEMS = 400_000
const BYTE_ARRAYS: ReadonlySet<string> = new NativeSet(['Uint8Array', 'Uint8ClampedArray', 'Int8Array'])

/** What stands for binary data; `undefined` for anything else. */
export function toBinaryStandIn(value: object, mode: MediaMode, maxBytes: number): unknown {
  if (types.isTypedArray(value)) return toTypedStandIn(value, mode, maxBytes)
  if (types.isDataView(value)) return toByteText('DataView', bytesOf(value), mode, maxBytes)
  if (types.isAnyArrayBuffer(value)) return toByteText(bufferName(value), new Uint8Array(value), mode, maxBytes)
  // Listing the keys of a Proxy of a typed array could fill the memory.
  return types.isProxy(value) && 'BYTES_PER_ELEMENT' in value ? '[Proxy of a typed array]' : undefined
}

function toTypedStandIn(value: NodeJS.TypedArray, mode: MediaMode, maxBytes: number): unknown {
  const kind = String(Reflect.get(TypedArray.prototype, Symbol.toStringTag, value))
  const bytes = bytesOf(value)
  if (BYTE_ARRAYS.has(kind)) return toByteText(Buffer.isBuffer(value) ? 'Buffer' : kind, bytes, mode, maxBytes)
  const length: number = Reflect.get(TypedArray.prototype, 'length', value)
  if (mode === 'keep' && length <= MAX_ITEMS) return Array.prototype.slice.call(value)
  return toMediaSummary(`${kind} ${length} items,`, bytes)
}

/** What has no room as a whole is told by its size and hash: half a picture is none. */
function toByteText(name: string, bytes: Uint8Array, mode: MediaMode, maxBytes: number): string {
  const type = sniffType(bytes)
  if (mode === 'keep' && (bytes.byteLength * 4) / 3 <= maxBytes)
    return `data:${type ?? 'application/octet-stream'};base64,${Buffer.from(bytes).toString('base64')}`
  return toMediaSummary(type === undefined ? name : `${name} ${type}`, bytes)
}

/** The bytes of a view by the getters of the language: a subclass may have its own. */
function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  const prototype = types.isDataView(view) ? DataView.prototype : TypedArray.prototype
  const [buffer, offset, length] = ['buffer', 'byteOffset', 'byteLength'].map((name) => Reflect.get(prototype, name, view) as unknown)
  return new Uint8Array(buffer as ArrayBuffer, offset as number, length as number)
}

function bufferName(value: ArrayBufferLike): string {
  return types.isSharedArrayBuffer(value) ? 'SharedArrayBuffer' : 'ArrayBuffer'
}

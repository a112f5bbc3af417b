import { NativeMap, NativeSet } from '../natives.js'

/**
 * Objects of the web platform by what they show: headers, forms, requests, replies. They are told by their tag, so those of jsdom,
 * of `node-fetch` and of another realm count too, and the global ones are not loaded. Bodies are never touched.
 */

/** Entries read of one collection. */
const MAX_ENTRIES = 1_000
const MAX_TEXT_CHARS = 4_096

type Read = (value: object) => unknown

const READERS: ReadonlyMap<unknown, Read> = new NativeMap<unknown, Read>([
  ['URL', (value) => toHref(value)],
  ['URLSearchParams', (value) => String(value)],
  ['Headers', (value) => readEntries(value) ?? '[Headers]'],
  ['FormData', (value) => readEntries(value) ?? '[FormData]'],
  ['Request', (value) => readFields(value, ['method', 'url', 'headers'])],
  ['Response', (value) => readFields(value, ['status', 'statusText', 'url', 'headers'])],
  ['Blob', (value) => toBlobText('Blob', value)],
  ['File', (value) => toBlobText(`File ${toText(Reflect.get(value, 'name'), '')}`.trim(), value)],
  ['AbortSignal', (value) => readFields(value, ['aborted', 'reason'])],
  ['AbortController', (value) => readFields(value, ['signal'])],
])
/** Those that have nothing to show but what they are. */
const BARE_TAGS: ReadonlySet<unknown> = new NativeSet([
  ...['ReadableStream', 'WritableStream', 'TransformStream', 'WeakRef', 'Promise', 'process', 'Window', 'MessagePort', 'WebSocket'],
])

/** What stands for an object of the web platform; `undefined` for anything else. */
export function toWebStandIn(value: object): unknown {
  const tag: unknown = Reflect.get(value, Symbol.toStringTag)
  if (typeof tag !== 'string') return undefined
  const read = READERS.get(tag)
  if (read !== undefined) return read(value)
  return BARE_TAGS.has(tag) || isNode(value, tag) ? `[${tag}]` : undefined
}

/** A node of a document holds the whole document. */
function isNode(value: object, tag: string): boolean {
  return /^(?:HTML|SVG|Document|Text|Comment|Element|XMLDocument)/.test(tag) && 'nodeType' in value && 'ownerDocument' in value
}

/** The whole of it, which may be a medium; what has no room in a snapshot is cut there, with a mark. */
function toHref(value: object): string {
  const href: unknown = Reflect.get(value, 'href')
  return typeof href === 'string' ? href : '[URL]'
}

/** Name and value pairs as an object; a name that comes again has a list. `undefined` for what cannot be iterated. */
function readEntries(value: object): object | undefined {
  const list: unknown = Reflect.get(value, 'entries')
  if (typeof list !== 'function') return undefined
  const fields: Record<string, unknown> = Object.create(null)
  let count = 0
  for (const [name, item] of Reflect.apply(list, value, []) as Iterable<[unknown, unknown]>) {
    const key = String(name)
    const earlier = fields[key]
    fields[key] = key in fields ? [...(Array.isArray(earlier) ? earlier : [earlier]), item] : item
    count += 1
    if (count >= MAX_ENTRIES) break
  }
  return fields
}

function readFields(value: object, names: readonly string[]): object {
  const fields: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const field: unknown = Reflect.get(value, name)
    if (field !== undefined && field !== '' && field !== null) fields[name] = field
  }
  return fields
}

function toBlobText(name: string, value: object): string {
  const type = toText(Reflect.get(value, 'type'), '')
  return `[${name} ${type === '' ? '' : `${type} `}${toText(Reflect.get(value, 'size'), '?')} bytes]`
}

function toText(value: unknown, fallback: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, MAX_TEXT_CHARS) : fallback
}

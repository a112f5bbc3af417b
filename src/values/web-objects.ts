import { NativeMap, NativeSet } from '../natives.js'
import { readProperty, silencePromise } from '../promises.js'
import { cutText } from './text.js'

/**
 * Objects of the web platform by what they show: headers, forms, requests, replies. They are told by their tag, so those of jsdom,
 * of `node-fetch` and of another realm count too, and the global ones are not loaded. Bodies are never touched.
 */

/** Fields shown of one collection, the mark of those that are left out among them. */
const MAX_FIELDS = 1_000
/** Entries that are counted: some collections have no end. */
const MAX_COUNTED = 100_000
const MAX_TEXT_CHARS = 4_096

type Read = (value: object) => unknown

/** What the events of sockets, ports and workers tell; where they come from is the host's. */
const EVENT_FIELDS = ['type', 'data', 'detail', 'message', 'error', 'code', 'reason', 'wasClean', 'lastEventId', 'origin'] as const
const readEvent: Read = (value) => readFields(value, EVENT_FIELDS)

const READERS: ReadonlyMap<unknown, Read> = new NativeMap<unknown, Read>([
  ['URL', (value) => toHref(value)],
  ['URLSearchParams', (value) => String(value)],
  ['Headers', (value) => readEntries(value) ?? '[Headers]'],
  ['FormData', (value) => readEntries(value) ?? '[FormData]'],
  ['Request', (value) => readFields(value, ['method', 'url', 'headers'])],
  ['Response', (value) => readFields(value, ['status', 'statusText', 'url', 'headers'])],
  ['Blob', (value) => toBlobText('Blob', value)],
  ['File', (value) => toBlobText(`File ${toText(readProperty(value, 'name'), '')}`.trim(), value)],
  ['AbortSignal', (value) => readFields(value, ['aborted', 'reason'])],
  ['AbortController', (value) => readFields(value, ['signal'])],
  ...['Event', 'CustomEvent', 'MessageEvent', 'ErrorEvent', 'CloseEvent'].map((tag) => [tag, readEvent] as const),
])
/** Those that have nothing to show but what they are. */
const BARE_TAGS: ReadonlySet<unknown> = new NativeSet([
  ...['ReadableStream', 'WritableStream', 'TransformStream', 'WeakRef', 'Promise', 'process', 'Window', 'MessagePort', 'WebSocket'],
])

/** The first fields of a collection, and how many more entries it has. */
export class FirstFields {
  readonly fields: object
  readonly leftOut: number

  constructor(fields: object, leftOut: number) {
    this.fields = fields
    this.leftOut = leftOut
  }
}

/** What stands for an object of the web platform, {@link FirstFields} where that holds too much; `undefined` for anything else. */
export function toWebStandIn(value: object): unknown {
  const tag: unknown = readProperty(value, Symbol.toStringTag)
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
  const href: unknown = readProperty(value, 'href')
  return typeof href === 'string' ? href : '[URL]'
}

/** Name and value pairs as an object; a name that comes again has a list. `undefined` for what cannot be iterated. */
function readEntries(value: object): object | undefined {
  const list: unknown = readProperty(value, 'entries')
  if (typeof list !== 'function') return undefined
  const lists = new NativeMap<string, unknown[]>()
  let last: string | undefined
  let count = 0
  for (const [name, item] of Reflect.apply(list, value, []) as Iterable<[unknown, unknown]>) {
    count += 1
    // Made for whoever asks.
    silencePromise(item)
    if (count >= MAX_COUNTED) break
    if (count > MAX_FIELDS) continue
    last = String(name)
    const items = lists.get(last)
    if (items === undefined) lists.set(last, [item])
    else items.push(item)
  }
  if (count <= MAX_FIELDS) return toFields(lists)
  // The last one makes room for the mark.
  lists.get(last ?? '')?.pop()
  return new FirstFields(toFields(lists), count - MAX_FIELDS + 1)
}

function toFields(lists: ReadonlyMap<string, readonly unknown[]>): object {
  const fields: Record<string, unknown> = Object.create(null)
  for (const [name, items] of lists) if (items.length > 0) fields[name] = items.length === 1 ? items[0] : items
  return fields
}

function readFields(value: object, names: readonly string[]): object {
  const fields: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const field: unknown = readProperty(value, name)
    if (field !== undefined && field !== '' && field !== null) fields[name] = field
  }
  return fields
}

function toBlobText(name: string, value: object): string {
  const type = toText(readProperty(value, 'type'), '')
  return `[${name} ${type === '' ? '' : `${type} `}${toText(readProperty(value, 'size'), '?')} bytes]`
}

function toText(value: unknown, fallback: string): string {
  if (typeof value !== 'string' && typeof value !== 'number') return fallback
  const text = String(value)
  return text.length > MAX_TEXT_CHARS ? cutText(text, MAX_TEXT_CHARS) : text
}

import { NativeMap } from '../builtins.js'
import { type ChunkFormat, type ChunkMerger, createTextRoom } from '../semantics/chunks/merger.js'
import { findChunkFormat } from '../semantics/chunks/formats.js'
import type { JsonObject } from '../semantics/json.js'
import { isGrown } from '../values/growth.js'
import type { Plain } from '../values/plain.js'
import { takeSnapshot } from '../values/snapshot.js'
import { LateItem } from './late-item.js'
import { readServerSentEvents } from './server-sent-events.js'
import { createTextJoin, isTextPiece, type TextJoin } from './text-join.js'

/** Gathers what a result gave piece by piece, up to a number of bytes. */
export interface Collector {
  /**
   * Takes a copy of `item`: what the host does to it afterwards does not show.
   *
   * @param channel what it is a piece of, where several things are told side by side.
   * @returns false for what only opens the answer, such as its id.
   */
  add(item: unknown, channel?: string): boolean
  /** Keeps the place of an item that completes later; `undefined` where there is no room for it. */
  addLate(item: object): LateItem | undefined
  /** How many items came. */
  readonly count: number
  /** An error that one of the items told of, as streams do that answered already. */
  readonly failure: { readonly error: unknown } | undefined
  /** Whether the items are in a format that is known to hold the whole answer. */
  readonly isRecognised: boolean
  /**
   * What a reader would have read: joined text, the answer that the chunks make, the last state of a value that grew, or a list.
   * `returned` is the return value of a generator.
   */
  result(returned?: unknown): unknown
}

/** @param maxBytes most bytes that are kept. */
export function createCollector(maxBytes: number): Collector {
  return new ChannelCollector(maxBytes)
}

/** Most channels that are told apart. */
const MAX_CHANNELS = 16

/** Gathers each channel for itself, within the bytes of all of them. Most results have but the one without a name. */
class ChannelCollector implements Collector {
  readonly #maxBytes: number
  #first: ItemCollector | undefined
  #firstName = ''
  #others: Map<string, ItemCollector> | undefined
  /** A channel in a known format has the whole answer: the others say the same in other words. */
  #whole: ItemCollector | undefined
  count = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get failure(): { readonly error: unknown } | undefined {
    return (this.#whole ?? this.#first)?.failure
  }

  get isRecognised(): boolean {
    return this.#whole !== undefined
  }

  add(item: unknown, channel = ''): boolean {
    const output = this.#channelOf(channel)
    if (output === undefined || (this.#whole !== undefined && this.#whole !== output)) return false
    const isAnswer = output.add(item)
    if (output.isRecognised) this.#whole = output
    if (output.count > this.count) this.count = output.count
    return isAnswer
  }

  addLate(item: object): LateItem | undefined {
    const output = this.#channelOf('')
    if (output === undefined || (this.#whole !== undefined && this.#whole !== output)) return undefined
    const late = output.addLate(item)
    if (output.count > this.count) this.count = output.count
    return late
  }

  #channelOf(name: string): ItemCollector | undefined {
    if (this.#first === undefined) {
      this.#firstName = name
      this.#first = new ItemCollector(this.#maxBytes)
    }
    if (name === this.#firstName) return this.#first
    this.#others ??= new NativeMap()
    const known = this.#others.get(name)
    if (known !== undefined || this.#others.size >= MAX_CHANNELS) return known
    const made = new ItemCollector(this.#bytesLeft())
    this.#others.set(name, made)
    return made
  }

  #bytesLeft(): number {
    let left = this.#maxBytes
    for (const [, { bytes }] of this.#outputs()) left -= bytes
    return Math.max(0, left)
  }

  #outputs(): (readonly [name: string, output: ItemCollector])[] {
    return this.#first === undefined ? [] : [[this.#firstName, this.#first], ...(this.#others ?? [])]
  }

  result(returned?: unknown): unknown {
    const gathered = this.#gathered()
    return returned === undefined ? gathered : { result: gathered, returned }
  }

  #gathered(): unknown {
    if (this.#whole !== undefined) return this.#whole.result()
    if (this.#first === undefined) return []
    if (this.#others === undefined) return this.#first.result()
    const outputs = this.#outputs()
    // Beside a text, the others tell how far it is. As fields, names such as `token` would be taken for secrets.
    const texts = outputs.filter(([, output]) => output.isText)
    return texts.length === 1 ? texts[0]?.[1].result() : outputs.map(([event, output]) => ({ event, content: output.result() }))
  }
}

class ItemCollector {
  readonly #maxBytes: number
  readonly #items: (Plain | LateItem)[] = []
  #text: TextJoin | undefined
  #format: ChunkFormat | undefined
  #merger: ChunkMerger | undefined
  /** Whether each item so far was the one before it with more to it. */
  #isGrowing = true
  #lastBytes = 0
  #bytes = 0
  #leftOut = 0
  /** Items that are not complete yet share the room that is left. */
  #openItems = 0
  count = 0
  failure: { readonly error: unknown } | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isRecognised(): boolean {
    return this.#merger !== undefined
  }

  add(item: unknown): boolean {
    this.count += 1
    if (this.#merger !== undefined) return this.#addChunk(this.#merger, item)
    if (this.#bytes >= this.#maxBytes) {
      this.#leftOut += 1
      return true
    }
    if (isTextPiece(item) && this.#items.length === 0) return this.#addText(item)
    return this.#addItem(item)
  }

  #addText(piece: string | Uint8Array): boolean {
    this.#text ??= createTextJoin()
    this.#bytes += this.#text.add(piece, this.#maxBytes - this.#bytes)
    return piece.length > 0
  }

  #addItem(item: unknown): boolean {
    const { value, bytes } = takeSnapshot(item, this.#maxBytes - this.#bytes)
    if (this.count === 1 && typeof value === 'object' && value !== null) {
      this.#format = findChunkFormat(value as JsonObject)
      this.#merger = this.#format?.create(createTextRoom(this.#maxBytes))
      if (this.#merger !== undefined) return this.#addPlain(this.#merger, item, value, bytes)
    }
    this.#keep(value, bytes)
    return true
  }

  addLate(item: object): LateItem | undefined {
    this.count += 1
    this.#isGrowing = false
    if (this.#bytes >= this.#maxBytes) {
      this.#leftOut += 1
      return undefined
    }
    const { value, bytes } = takeSnapshot(item, this.#maxBytes - this.#bytes)
    this.#openItems += 1
    const late = new LateItem(value, bytes, Math.ceil((this.#maxBytes - this.#bytes) / this.#openItems), (before, after) => {
      this.#openItems -= 1
      this.#bytes += after - before
    })
    this.#items.push(late)
    this.#bytes += bytes + 1
    return late
  }

  #keep(value: Plain, bytes: number): void {
    const last = this.#items.at(-1)
    if (last !== undefined) this.#isGrowing &&= isGrown(last as Plain, value)
    if (last !== undefined && this.#isGrowing) {
      this.#items.pop()
      this.#bytes -= this.#lastBytes
    }
    this.#items.push(value)
    // An item costs at least its comma, so that endless empty ones come to an end.
    this.#lastBytes = bytes + 1
    this.#bytes += this.#lastBytes
  }

  #addChunk(merger: ChunkMerger, item: unknown): boolean {
    // A chunk is read in any case: the last ones say how many tokens there were. What is kept of it is counted by the merger.
    const { value, bytes } = takeSnapshot(item, this.#maxBytes)
    return this.#addPlain(merger, item, value, bytes)
  }

  #addPlain(merger: ChunkMerger, item: unknown, value: Plain, bytes: number): boolean {
    const taken = typeof value === 'object' && value !== null ? merger.add(value as JsonObject) : 'unknown'
    if (taken === 'unknown') {
      if (this.#bytes >= this.#maxBytes) this.#leftOut += 1
      else {
        this.#items.push(value)
        this.#bytes += bytes + 1
      }
    }
    this.#noteFailure(item)
    return taken !== 'other'
  }

  /** The error itself and not a copy of it. */
  #noteFailure(item: unknown): void {
    if (this.failure !== undefined || typeof item !== 'object' || item === null) return
    const error = this.#format?.failure?.(item as JsonObject)
    if (error !== undefined && error !== null) this.failure = { error }
  }

  get isText(): boolean {
    return this.#text !== undefined
  }

  get bytes(): number {
    return this.#bytes
  }

  result(): unknown {
    const kept = this.#items.map((item) => (item instanceof LateItem ? item.read() : item))
    const items = this.#leftOut === 0 ? kept : [...kept, `[${this.#leftOut} more items]`]
    if (this.#merger !== undefined) return items.length === 0 ? this.#merger.result() : { ...this.#merger.result(), other_chunks: items }
    if (this.#text !== undefined) {
      const joined = this.#text.result(this.#leftOut)
      return kept.length === 0 ? (this.#readEvents(joined) ?? joined) : [joined, ...kept]
    }
    const [only] = kept
    return this.#isGrowing && this.count > 1 && kept.length === 1 && this.#leftOut === 0 ? only : items
  }

  /** The body of an HTTP answer: what its events say, where that is known. */
  #readEvents(text: string): unknown {
    const events = readServerSentEvents(text)
    if (events === undefined) return undefined
    const inner = createCollector(this.#maxBytes)
    for (const event of events) inner.add(event)
    if (!inner.isRecognised) return undefined
    this.failure ??= inner.failure
    return inner.result()
  }
}

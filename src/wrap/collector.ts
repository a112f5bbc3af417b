import { takeSnapshot } from '../values/snapshot.js'

/** Gathers what a stream gave, up to a number of bytes. */
export interface Collector {
  /** Takes a copy of `item`: what the host does to it afterwards does not show. */
  add(item: unknown): void
  /** What was gathered: joined text, or a list. `returned` is the return value of a generator. */
  result(returned?: unknown): unknown
}

/**
 * @param joinsText whether strings and bytes are the pieces of one text, as in streams, or items of their own, as in generators.
 */
export function createCollector(maxBytes: number, joinsText: boolean): Collector {
  const items: unknown[] = []
  let text: TextJoin | undefined
  let bytes = 0
  let leftOut = 0

  function add(item: unknown): void {
    if (bytes >= maxBytes) {
      leftOut += 1
      return
    }
    if (joinsText && items.length === 0 && isText(item)) {
      text ??= createTextJoin()
      bytes += text.add(item, maxBytes - bytes)
      return
    }
    const copy = takeSnapshot(item, maxBytes - bytes)
    items.push(copy.value)
    // An item costs at least its comma, so that endless empty ones come to an end.
    bytes += copy.bytes + 1
  }

  function gathered(): unknown {
    if (text === undefined) return leftOut === 0 ? items : [...items, `[${leftOut} more items]`]
    const joined = text.result(leftOut)
    return items.length === 0 ? joined : [joined, ...items]
  }

  return {
    add,
    result: (returned) => (returned === undefined ? gathered() : { result: gathered(), returned }),
  }
}

function isText(item: unknown): item is string | Uint8Array {
  return typeof item === 'string' || item instanceof Uint8Array
}

interface TextJoin {
  /** Gives back the bytes it took. */
  add(piece: string | Uint8Array, room: number): number
  result(leftOut: number): string
}

/** Joins pieces of one text; a character may be spread over two pieces of bytes. */
function createTextJoin(): TextJoin {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let joined = ''
  let isBinary = false
  let bytes = 0
  let isCut = false

  function decode(piece: Uint8Array): string {
    try {
      return decoder.decode(piece, { stream: true })
    } catch {
      // Not UTF-8: the bytes are counted and not shown.
      isBinary = true
      return ''
    }
  }

  return {
    add(piece, room) {
      const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength
      bytes += length
      if (isBinary) return Math.min(length, room)
      isCut ||= length > room
      // Cut text in characters: never more bytes than `room` by more than the last one's.
      const kept =
        typeof piece === 'string' ? (length > room ? piece.slice(0, room) : piece) : decode(length > room ? piece.subarray(0, room) : piece)
      joined += kept
      return Math.min(length, room)
    },
    result(leftOut) {
      if (isBinary) return `[${bytes} bytes${leftOut > 0 ? ` and ${leftOut} more chunks` : ''}]`
      return isCut || leftOut > 0 ? `${joined}… [cut]` : joined
    },
  }
}

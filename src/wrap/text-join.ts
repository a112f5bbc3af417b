import { types } from 'node:util'

/** Pieces of one text. */
export interface TextJoin {
  /** @returns the bytes it took, at most `room`. */
  add(piece: string | Uint8Array, room: number): number
  /** @param leftOut number of pieces that came when there was no room left. */
  result(leftOut: number): string
}

/** True for what may be a piece of a text. */
export function isTextPiece(item: unknown): item is string | Uint8Array {
  return typeof item === 'string' || types.isUint8Array(item)
}

/** Joins pieces of one text; a character may be spread over two pieces of bytes. */
export function createTextJoin(): TextJoin {
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
